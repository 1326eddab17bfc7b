"""What a file is, and whether it is safe to open: read from its header alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

from media_processor import formats
from media_processor.errors import (
    BrokenPicture,
    EmptyFile,
    MediaProcessorError,
    UnsupportedPicture,
)
from media_processor.images.containers import Data, container_of
from media_processor.images.info import PictureInfo
from media_processor.limits import Limits

DAMAGED = "The picture is damaged or truncated: its pixels can't be decoded."
EMPTY = "The file is empty."


def not_taken() -> str:
    return (
        "The file's content isn't in a supported picture format, whatever its name says. Supported "
        f"formats: {formats.titles()}."
    )


def probe(source: Path | bytes, limits: Limits) -> PictureInfo:
    """Read the header of ``source``; no pixel is decoded.

    Raises EmptyFile, UnsupportedPicture, TooManyPixels, TooManyFrames, ImageBomb or
    BrokenPicture; OSError where the file can't be read.
    """
    if isinstance(source, bytes):
        return read_header(source, limits)
    with source.open("rb") as file:
        if not file.seek(0, 2):
            raise EmptyFile(EMPTY)
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return read_header(data, limits)


@contextmanager
def guarded(detail: str) -> Iterator[None]:
    """Turn whatever is raised over hostile bytes into a BrokenPicture with ``detail``.

    Readers of headers raise IndexError, KeyError and struct.error where a file ends early;
    Pillow raises OSError, ValueError, SyntaxError, NotImplementedError, zlib.error and more.
    """
    try:
        yield
    except (MediaProcessorError, MemoryError, ModuleNotFoundError):  # an extra may be missing
        raise
    except Exception as error:
        # The word that libwebp, libavif and libvips use; but libvips also copies "to memory".
        if "memory" in str(error).lower().replace("to memory", ""):
            raise MemoryError from error
        raise BrokenPicture(detail) from error


def read_header(data: Data, limits: Limits) -> PictureInfo:
    head = data[: formats.HEAD_BYTES]
    if not head:
        raise EmptyFile(EMPTY)
    kind = formats.recognise(head)
    if kind is None:
        raise UnsupportedPicture(not_taken())
    with guarded("The picture's header is damaged."):
        info = container_of(kind).read_info(data, limits)
        info.check(limits)
        return info
