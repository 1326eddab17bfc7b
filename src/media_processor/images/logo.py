"""The logo: checked once, scaled once for each size that it is needed in."""

import math
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from PIL import Image
from PIL.Image import Resampling, Transpose

from media_processor import formats
from media_processor.errors import LogoUnavailable, PictureError
from media_processor.images.info import Size
from media_processor.images.pillow import open_image
from media_processor.images.probe import guarded, probe
from media_processor.limits import Limits

MAX_BYTES = 5_000_000
MAX_SIDE = 4096
WANTED = (
    f"A logo is a PNG, WebP, JPEG or SVG of at most {MAX_BYTES / 1e6:g} MB, and of at most "
    f"{MAX_SIDE:,} px per side unless it is an SVG."
)
_ORIENTATION = 0x0112
_FORMATS = ("PNG", "WEBP", "JPEG")

# An SVG's root element, behind an XML declaration, comments and a DOCTYPE, which may have
# entities. Each of these is taken as a whole: trying where else it might end takes for ever.
_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?>(?:<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^>\[]*(?:\[.*?\]\s*)?>)\s*)*+"
    rb"<(?:[\w.-]+:)?svg[\s/>]",
    re.DOTALL,
)
_HEAD_BYTES = 65_536
_GZIP = b"\x1f\x8b"
_UTF_16 = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
_NAMED_ENCODING = re.compile(r"""(\s*<\?xml[^>]*?)\s+encoding\s*=\s*["'][^"'>]*["']""")

# Pictures come in a few sizes (phones, cameras), so a scaled logo is wanted again soon.
# A 12-megapixel picture takes 0.2 megapixels of logo; giants aren't worth their memory.
KEPT = 8
KEPT_PIXELS = 1_000_000

# How an upright logo is turned to match the stored picture: the inverse of the turn that
# a viewer makes, hence 90 and 270 degrees (counterclockwise in Pillow) trade places.
_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


class Artwork(Protocol):
    """What an overlay is made of. Only the aspect of its ``size`` matters."""

    @property
    def size(self) -> Size:
        """Width and height in pixels, of which only the aspect matters."""

    def __hash__(self) -> int:
        """Overlays are kept by their artwork."""

    def resize_to(self, size: Size) -> Image.Image:
        """The artwork as RGBA in sRGB, of exactly ``size``. It is shared: don't draw on it."""


@dataclass(frozen=True, eq=False)
class Logo:
    """``image`` is RGBA; ``digest`` is the SHA-256 of the file it came from, in hex."""

    image: Image.Image
    digest: str

    @property
    def size(self) -> Size:
        return self.image.size

    def resize_to(self, size: Size) -> Image.Image:
        return _kept(self, size)

    def draw(self, size: Size) -> Image.Image:
        return self.image.resize(size, Resampling.LANCZOS)


@dataclass(frozen=True, eq=False)
class SvgLogo:
    """``data`` is the file, which has ``size`` at ``scale``."""

    data: bytes
    digest: str
    size: Size
    scale: float

    def resize_to(self, size: Size) -> Image.Image:
        return _kept(self, size)

    def draw(self, size: Size) -> Image.Image:
        from media_processor.images import svg  # 100 ms that other logos don't pay

        share = max(size[0] / self.size[0], size[1] / self.size[1])
        return svg.draw(self.data, self.scale * share, size)


@dataclass(frozen=True)
class Rotated:
    """An artwork turned by ``degrees`` counterclockwise, with its corners kept."""

    artwork: Artwork
    degrees: float

    @property
    def size(self) -> Size:
        width, height = self.artwork.size
        turn = math.radians(self.degrees)
        across, up = abs(math.cos(turn)), abs(math.sin(turn))
        return (
            max(1, round(width * across + height * up)),
            max(1, round(width * up + height * across)),
        )

    def resize_to(self, size: Size) -> Image.Image:
        factor = size[0] / self.size[0]
        upright = tuple(max(1, round(side * factor)) for side in self.artwork.size)
        turned = self.artwork.resize_to((upright[0], upright[1])).rotate(
            self.degrees, Resampling.BICUBIC, expand=True
        )
        return turned.resize(size, Resampling.LANCZOS)


def turn(image: Image.Image, orientation: int) -> Image.Image:
    """``image`` turned to match a picture whose EXIF orientation is ``orientation``."""
    turn = _TURNS.get(orientation)
    return image if turn is None else image.transpose(turn)


def _draw(logo: Logo | SvgLogo, size: Size) -> Image.Image:
    return logo.draw(size)


_draw_cached = lru_cache(KEPT)(_draw)


def _kept(logo: Logo | SvgLogo, size: Size) -> Image.Image:
    return (_draw if size[0] * size[1] > KEPT_PIXELS else _draw_cached)(logo, size)


def load_logo(path: Path) -> Logo | SvgLogo:
    """Read a PNG, WebP or JPEG of at most 4096 px a side, or an SVG; at most 5 MB.

    Raises LogoUnavailable, whose detail says what is wrong.
    """
    data = _read(path)
    digest = sha256(data).hexdigest()
    drawing = svg_of(data)
    if drawing is None:
        return Logo(_decode(data), digest)
    from media_processor.images import svg

    return SvgLogo(drawing, digest, *svg.measure(drawing))


def check_logo(path: Path) -> None:
    """As ``load_logo``, but an SVG is only recognised: it is drawn in a picture process."""
    data = _read(path)
    if svg_of(data) is None:
        _decode(data)


def svg_of(data: bytes) -> bytes | None:
    """The SVG in a file, inflated and in UTF-8, which is all that librsvg is given; None if there
    is none. Raises LogoUnavailable for a damaged one."""
    if data.startswith(_GZIP):
        data = _inflate(data)
    if encoding := _UTF_16.get(data[:2]):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            raise LogoUnavailable(
                "The logo can't be used: its text isn't UTF-16, as it says."
            ) from None
        data = _NAMED_ENCODING.sub(r"\1", text, count=1).encode("utf-8", "replace")
    return data if _SVG.match(data[:_HEAD_BYTES]) else None


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        inflated = stream.decompress(data, MAX_BYTES + 1)
    except zlib.error:
        inflated = b""
    if len(inflated) > MAX_BYTES:
        raise LogoUnavailable(
            f"The logo has more than {MAX_BYTES:,} bytes once it is inflated, the limit."
        )
    if not stream.eof:
        raise LogoUnavailable("The logo can't be used: its compressed data is damaged.")
    return inflated


def bundled_logo_path() -> Path:
    return Path(__file__).with_name("bundled_logo.png")


def _read(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LogoUnavailable(f"The logo has {size:,} bytes; the limit is {MAX_BYTES:,}.")
        return path.read_bytes()
    except OSError as error:
        raise LogoUnavailable(f"The logo's file can't be read: {error.strerror}.") from error


def _decode(data: bytes) -> Image.Image:
    kind = formats.recognise(data[: formats.HEAD_BYTES])
    if data and (kind is None or kind.name not in _FORMATS):
        found = "of another kind" if kind is None else f"a {kind.title}"
        raise LogoUnavailable(f"The logo can't be used: it is {found}. {WANTED}")
    try:
        return _decode_raster(data)
    except PictureError as error:
        raise LogoUnavailable(f"The logo can't be used. {error.detail}") from error


def _decode_raster(data: bytes) -> Image.Image:
    info = probe(data, Limits(pixels=MAX_SIDE * MAX_SIDE, frames=1))
    if max(info.width, info.height) > MAX_SIDE:
        raise LogoUnavailable(
            f"The logo is {info.width} x {info.height} px; the limit is {MAX_SIDE} px per side."
        )
    with guarded("Its data is damaged or truncated."):
        image = open_image(data, info.format).convert("RGBA")
        if image.getexif().get(_ORIENTATION, 1) == 1:
            return image
        from PIL.ImageOps import exif_transpose

        return exif_transpose(image)
