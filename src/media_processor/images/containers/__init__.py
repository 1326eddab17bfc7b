"""The file formats as containers: where pictures, colour profiles and notes lie in them.

One file a format; no pixel is ever decoded here, and what is read is bounded. ``read_info``
says what a picture is, ``read_metadata`` what goes with it, ``strip`` gives the smallest file
that still holds its pixels, so that a decoder meets nothing else. Which module reads a
format's container stands in formats.py.
"""

from importlib import import_module
from mmap import mmap
from typing import Protocol, TypeAlias, cast

from media_processor.formats import PictureFormat
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.limits import Limits

Data: TypeAlias = bytes | mmap


class Container(Protocol):
    """What every module of this package can do."""

    def read_info(self, data: Data, limits: Limits) -> PictureInfo:
        """Read the header, and nothing beyond ``limits``.

        Raises UnsupportedPicture, BrokenPicture, ImageBomb, TooManyFrames or TooManyPixels;
        where a file ends early also IndexError, KeyError or struct.error.
        """

    def read_metadata(self, data: Data, limits: Limits) -> Metadata:
        """What goes with the picture, with a note of each part that has no place in Metadata.

        A codec that has a library read some of it may find it empty here.
        """


def container_of(kind: PictureFormat) -> Container:
    return cast(Container, import_module(kind.container))
