"""What a file is, and whether it is safe to open: read from its header alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

from media_processor.errors import (
    BrokenPicture,
    EmptyFile,
    MediaProcessorError,
    UnsupportedPicture,
)
from media_processor.images.containers import Data, bmp, gif, isobmff, jpeg, png, tiff, webp
from media_processor.images.info import Format, PictureInfo
from media_processor.images.limits import Limits

DAMAGED = "The picture is damaged or cut short: its pixels can't be decoded."
EMPTY = "The file is empty."
NOT_TAKEN = (
    "The file is not a picture that is taken, whatever its name says. Taken are "
    "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC."
)

_READERS = {
    "JPEG": jpeg.info,
    "PNG": png.info,
    "WEBP": webp.info,
    "GIF": gif.info,
    "TIFF": tiff.info,
    "BMP": bmp.info,
    "AVIF": isobmff.info,
    "HEIF": isobmff.info,
}


def probe(source: Path | bytes, limits: Limits) -> PictureInfo:
    """Read the header of ``source``; no pixel is decoded.

    Raises EmptyFile, UnsupportedPicture, TooManyPixels, TooManyFrames, ImageBomb or
    BrokenPicture; OSError where the file can't be read.
    """
    if isinstance(source, bytes):
        return _info(source, limits)
    with source.open("rb") as file:
        if not file.seek(0, 2):
            raise EmptyFile(EMPTY)
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            return _info(data, limits)


@contextmanager
def guarded(detail: str) -> Iterator[None]:
    """Tell whatever is raised over hostile bytes as BrokenPicture with ``detail``.

    Readers of headers raise IndexError, KeyError and struct.error where a file ends early;
    Pillow raises OSError, ValueError, SyntaxError, NotImplementedError, zlib.error and more.
    """
    try:
        yield
    except (MediaProcessorError, MemoryError):
        raise
    except Exception as error:
        if "memory" in str(error).lower():  # as libwebp, libavif and libvips tell it
            raise MemoryError from error
        raise BrokenPicture(detail) from error


def _info(data: Data, limits: Limits) -> PictureInfo:
    kind = _recognise(data)
    with guarded("The picture's header is damaged."):
        return limits.check(_READERS[kind](data, limits))


def _recognise(data: Data) -> Format:
    head = data[:16]
    if not head:
        raise EmptyFile(EMPTY)
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(png.SIGNATURE):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if head.startswith(b"BM"):
        return "BMP"
    if kind := isobmff.kind(data):
        return kind
    raise UnsupportedPicture(NOT_TAKEN)
