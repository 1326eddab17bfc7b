"""Picture formats: one row each, with everything that sets one apart from the others.

A new format is a row here, a module that reads its container and one that is its codec
(docs/formats.md, "Adding a format"). Both are named, not imported: a process pays only for
the formats of the pictures that it meets.
"""

import re
from dataclasses import dataclass

_CONTAINERS = "media_processor.images.containers"
_CODECS = "media_processor.images.codecs"


@dataclass(frozen=True)
class PictureFormat:
    """``name`` is Pillow's, ``title`` what people call it, ``extensions`` are in lower case, the
    usual one first.

    ``signature`` is a regular expression for a file's first bytes; an ISO base media file is
    recognised by ``brands`` instead, of which it names one. ``container`` and ``codec`` are the
    modules to import. ``bytes_a_pixel`` is the memory that watermarking takes.
    ``comes_out_as`` names the format to write instead, for one that can only be read.
    ``has_pages``: its frames differ in size, so that its container counts the pixels.
    """

    name: str
    title: str
    content_type: str
    extensions: tuple[str, ...]
    container: str
    codec: str
    bytes_a_pixel: int
    signature: bytes = b""
    brands: frozenset[bytes] = frozenset()
    comes_out_as: str | None = None
    has_pages: bool = False

    @property
    def extension(self) -> str:
        return self.extensions[0]


# ``bytes_a_pixel`` was measured on pictures of 98 megapixels, the codec's own copies and ours.
FORMATS: tuple[PictureFormat, ...] = (
    PictureFormat(
        name="JPEG",
        title="JPEG",
        content_type="image/jpeg",
        extensions=(".jpg", ".jpeg"),
        signature=rb"\xff\xd8\xff",
        container=f"{_CONTAINERS}.jpeg",
        codec=f"{_CODECS}.jpeg",
        bytes_a_pixel=9,
    ),
    PictureFormat(
        name="PNG",
        title="PNG",
        content_type="image/png",
        extensions=(".png",),
        signature=rb"\x89PNG\r\n\x1a\n",
        container=f"{_CONTAINERS}.png",
        codec=f"{_CODECS}.png",
        bytes_a_pixel=6,
    ),
    PictureFormat(
        name="WEBP",
        title="WebP",
        content_type="image/webp",
        extensions=(".webp",),
        signature=rb"RIFF....WEBP",
        container=f"{_CONTAINERS}.webp",
        codec=f"{_CODECS}.webp",
        bytes_a_pixel=25,
    ),
    PictureFormat(
        name="GIF",
        title="GIF",
        content_type="image/gif",
        extensions=(".gif",),
        signature=rb"GIF8[79]a",
        container=f"{_CONTAINERS}.gif",
        codec=f"{_CODECS}.gif",
        bytes_a_pixel=15,
    ),
    PictureFormat(
        name="TIFF",
        title="TIFF",
        content_type="image/tiff",
        extensions=(".tiff", ".tif"),
        signature=rb"II[*+]\0|MM\0[*+]",
        container=f"{_CONTAINERS}.tiff",
        codec=f"{_CODECS}.tiff",
        bytes_a_pixel=6,
        has_pages=True,
    ),
    PictureFormat(
        name="BMP",
        title="BMP",
        content_type="image/bmp",
        extensions=(".bmp",),
        signature=rb"BM",
        container=f"{_CONTAINERS}.bmp",
        codec=f"{_CODECS}.bmp",
        bytes_a_pixel=9,
    ),
    PictureFormat(
        name="AVIF",
        title="AVIF",
        content_type="image/avif",
        extensions=(".avif",),
        brands=frozenset({b"avif", b"avis"}),
        container=f"{_CONTAINERS}.isobmff",
        codec=f"{_CODECS}.avif",
        bytes_a_pixel=28,
    ),
    PictureFormat(
        name="HEIF",
        title="HEIC",
        content_type="image/heic",
        extensions=(".heic", ".heif"),
        brands=frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}),
        container=f"{_CONTAINERS}.isobmff",
        codec=f"{_CODECS}.heif",
        bytes_a_pixel=16,
        comes_out_as="JPEG",
    ),
)
"""Every format that is taken. The first row that fits a file is its format."""

HEAD_BYTES = 256
"""How much of a file ``recognise`` looks at."""


def named(name: str) -> PictureFormat:
    for each in FORMATS:
        if each.name == name:
            return each
    raise KeyError(name)


def recognise(head: bytes) -> PictureFormat | None:
    """The format of a file by its first HEAD_BYTES, whatever its name says."""
    brands = _brands(head)
    for each in FORMATS:
        if each.brands & brands:
            return each
        if each.signature and re.match(each.signature, head, re.DOTALL):
            return each
    return None


def extension_of(content_type: str) -> str:
    found = (each.extension for each in FORMATS if each.content_type == content_type)
    return next(found, "")


def content_type_of(extension: str) -> str | None:
    wanted = extension.lower()
    return next((each.content_type for each in FORMATS if wanted in each.extensions), None)


def writable() -> dict[str, PictureFormat]:
    return {each.name.lower(): each for each in FORMATS if not each.comes_out_as}


def titles() -> str:
    *first, last = (each.title for each in FORMATS)
    return f"{', '.join(first)} and {last}"


def _brands(head: bytes) -> set[bytes]:
    # The major and the compatible brands of ``ftyp`` (ISO/IEC 14496-12, 4.3).
    if head[4:8] != b"ftyp":
        return set()
    end = min(int.from_bytes(head[:4]), HEAD_BYTES)
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
