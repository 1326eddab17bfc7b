"""What a file is, and whether it is safe to open: read from its header alone."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Literal, cast

import PIL.WebPImagePlugin  # noqa: F401 - unless it is there, Pillow loads all 43 formats
from PIL import Image
from PIL.ImageFile import ImageFile

from media_processor.errors import (
    BrokenPicture,
    EmptyFile,
    PictureError,
    TooManyPixels,
    UnsupportedPicture,
)
from media_processor.media import exif
from media_processor.media.placement import Size, is_sideways

Format = Literal["JPEG", "PNG", "WEBP"]

# Every caller names its own limit, which is checked before a pixel is touched.
Image.MAX_IMAGE_PIXELS = None

_TYPES: dict[Format, tuple[str, str]] = {
    "JPEG": ("image/jpeg", ".jpg"),
    "PNG": ("image/png", ".png"),
    "WEBP": ("image/webp", ".webp"),
}
# Google Camera puts 8 MB of depth map before the first scan; nobody needs 10,000 parts.
# Without a limit 50 MB of stuffing between two markers cost 15 s.
_HEADER_BYTES = 16 << 20
_HEADER_READS = 10_000
_WEBP_CHUNKS = 100  # a still WebP has at most six that mean something


@dataclass(frozen=True)
class PictureFacts:
    """``width`` and ``height`` are stored pixels; ``orientation`` is EXIF's, 1 to 8."""

    format: Format
    width: int
    height: int
    orientation: int

    @property
    def content_type(self) -> str:
        """The media type, as ``image/jpeg``."""
        return _TYPES[self.format][0]

    @property
    def extension(self) -> str:
        """The file name's end, with its dot."""
        return _TYPES[self.format][1]

    @property
    def displayed_size(self) -> Size:
        """Width and height as a person sees the picture."""
        if is_sideways(self.orientation):
            return self.height, self.width
        return self.width, self.height


def probe(source: Path | BinaryIO, max_pixels: int) -> PictureFacts:
    """Read the header of ``source``: no pixel is decoded, and a bounded part is read.

    Raises EmptyFile, UnsupportedPicture, TooManyPixels (more than ``max_pixels``) or
    BrokenPicture. An orientation that a PNG tells after its pixels goes unseen here.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            return probe(file, max_pixels)
    header = cast(BinaryIO, _Header(source))
    kind = _recognise(header)
    if kind == "WEBP":  # Pillow would read the file whole and take memory for the canvas
        with guarded("The picture's header is damaged."):
            facts = _webp_facts(header)
        return _checked(facts, max_pixels)
    return _open(header, kind, max_pixels)[1]


def open_picture(file: BinaryIO, max_pixels: int) -> tuple[ImageFile, PictureFacts]:
    """Open a picture lazily with Pillow, after the same checks as ``probe``."""
    kind = _recognise(file)
    if kind == "WEBP":
        probe(file, max_pixels)
    return _open(file, kind, max_pixels)


@contextmanager
def guarded(detail: str) -> Iterator[None]:
    """Tell whatever Pillow raises over hostile bytes as BrokenPicture with ``detail``.

    That is OSError, ValueError, SyntaxError, NotImplementedError, struct.error, zlib.error
    and more; its warnings, say about corrupt EXIF, are none of an operator's business.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (PictureError, MemoryError):
            raise
        except Exception as error:
            raise BrokenPicture(detail) from error


def webp_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Name and size of each chunk of a WebP; ``file`` then stands at the chunk's payload.

    Format: RFC 9649, section 2.
    """
    at = 12
    for _ in range(_WEBP_CHUNKS):
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        yield head[:4], size
        at += 8 + size + size % 2


class _Header:
    """The beginning of a file: reading more than a header can need is an error."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._bytes = _HEADER_BYTES
        self._reads = _HEADER_READS
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._reads -= 1
        self._bytes -= len(data)
        if self._reads < 0 or self._bytes < 0:
            raise BrokenPicture("The picture's header is longer than any picture needs.")
        return data


def _recognise(file: BinaryIO) -> Format:
    file.seek(0)
    head = file.read(16)
    if not head:
        raise EmptyFile("The file has no bytes in it.")
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    raise UnsupportedPicture("The file is not a JPEG, PNG or WebP picture, whatever its name says.")


def _open(file: BinaryIO, kind: Format, max_pixels: int) -> tuple[ImageFile, PictureFacts]:
    with guarded("The picture's header is damaged."):
        image = Image.open(cast(IO[bytes], file), formats=[kind])
    # A phone's JPEG with further pictures behind it (MPO) counts as its first picture.
    if kind != "JPEG" and getattr(image, "is_animated", False):
        raise _animated()
    payload = image.info.get("exif")
    turn = exif.orientation(payload) if isinstance(payload, bytes) else 1
    return image, _checked(PictureFacts(kind, image.width, image.height, turn), max_pixels)


def _checked(facts: PictureFacts, max_pixels: int) -> PictureFacts:
    pixels = facts.width * facts.height
    if pixels > max_pixels:
        raise TooManyPixels(
            f"The picture has {facts.width:,} x {facts.height:,} = {pixels:,} pixels; "
            f"at most {max_pixels:,} are allowed."
        )
    return facts


def _animated() -> UnsupportedPicture:
    return UnsupportedPicture("Animated pictures aren't supported yet.")


def _webp_facts(file: BinaryIO) -> PictureFacts:
    """Format: RFC 9649, sections 2.5 to 2.7."""
    width = height = 0
    turn = 1
    for index, (name, size) in enumerate(webp_chunks(file)):
        if index == 0:
            width, height, more = _webp_canvas(name, file.read(10))
            if not more:
                break
        elif name == b"EXIF":
            turn = exif.orientation(file.read(min(size, _HEADER_BYTES // 2)))
            break
    return PictureFacts("WEBP", width, height, turn)


def _webp_canvas(name: bytes, head: bytes) -> tuple[int, int, bool]:
    """Width, height and whether an EXIF chunk follows, from a WebP's first chunk."""
    if len(head) < 10:
        raise ValueError("cut short")
    if name == b"VP8X":
        if head[0] & 0x02:
            raise _animated()
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (4, 7))
        return width, height, bool(head[0] & 0x08)
    if name == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(head[at : at + 2], "little") & 0x3FFF for at in (6, 8))
    elif name == b"VP8L" and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        raise ValueError("not a WebP picture chunk")
    if not width or not height:
        raise ValueError("no area")
    return width, height, False
