"""Codecs: decode, draw the overlay, encode again. One file a format.

Which module is a format's codec stands in formats.py. It is imported when the first picture
of the format comes: some bring libraries that take longer to load than most pictures.
"""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal, Protocol, cast

from media_processor.formats import PictureFormat
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata, Motion, Strip
from media_processor.limits import Limits

if TYPE_CHECKING:
    from PIL.Image import Image

    from media_processor.images.overlay import Overlay

Method = Literal["splice", "decode", "skip"]
"""How a picture was watermarked: only what the overlay covers, all its pixels, or not at all."""


@dataclass(frozen=True)
class Options:
    """What a codec has to know besides the picture and the overlay."""

    limits: Limits
    strip: Strip = "none"
    quality: int | None = None
    motion: Motion = "keep"

    @property
    def coding(self) -> dict[str, int]:
        return {"quality": self.quality} if self.quality else {}


@dataclass(frozen=True)
class Encoded:
    """A whole file; ``notes`` say what of the source couldn't be kept."""

    data: bytes | memoryview
    format: str
    notes: tuple[str, ...] = ()
    method: Method = "decode"


class Codec(Protocol):
    """A module of this package. One of a format that can only be read lacks MODES, CARRIED and
    encode."""

    MODES: frozenset[str]
    """The modes of Pillow's that ``encode`` takes."""

    CARRIED: frozenset[str]
    """The fields of Metadata that ``encode`` writes."""

    def watermark(
        self, data: bytes, info: PictureInfo, overlay: "Overlay", options: Options
    ) -> Encoded:
        """The whole file with the overlay on every frame, in the same format, with what of its
        metadata may stay."""

    def decode_upright(
        self, data: bytes, info: PictureInfo, at_least: int | None = None
    ) -> "tuple[Image, Metadata]":
        """The first frame as it is displayed, in 8 bits, and what goes with it.

        Where that is cheaper it is smaller, but no side is shorter than ``at_least`` pixels.
        """

    def encode(self, image: "Image", kept: Metadata, options: Options) -> bytes:
        """A file of an upright picture of one of MODES, with its metadata."""


def codec_of(kind: PictureFormat) -> Codec:
    return cast(Codec, import_module(kind.codec))
