"""The logo: checked once, scaled once for each size that it is needed in."""

from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path

from PIL.Image import Image, Resampling, Transpose
from PIL.ImageOps import exif_transpose

from media_processor.errors import LogoUnavailable, PictureError
from media_processor.media.placement import Size
from media_processor.media.probe import guarded, open_picture

MAX_BYTES = 5_000_000
MAX_SIDE = 4096

# Pictures come in a few sizes (phones, cameras), so a scaled logo is wanted again soon.
# A 12-megapixel picture takes 0.2 megapixels of logo; giants aren't worth their memory.
_KEPT = 8
_KEPT_PIXELS = 1_000_000


@dataclass(frozen=True, eq=False)
class Logo:
    """``image`` is RGBA; ``digest`` is the SHA-256 of the file it came from, in hex."""

    image: Image
    digest: str

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.image.size

    def sized(self, width: int, height: int, transpose: Transpose | None = None) -> Image:
        """The logo as RGBA, scaled to ``width`` x ``height`` and then turned.

        The image is shared: don't draw on it.
        """
        if width * height > _KEPT_PIXELS:
            return _scaled(self, (width, height), transpose)
        return _kept(self, (width, height), transpose)


def _scaled(logo: Logo, size: Size, transpose: Transpose | None) -> Image:
    scaled = logo.image.resize(size, Resampling.LANCZOS)
    return scaled if transpose is None else scaled.transpose(transpose)


_kept = lru_cache(_KEPT)(_scaled)


def load_logo(path: Path) -> Logo:
    """Read a PNG, WebP or JPEG of at most 5 MB and 4096 px a side.

    Raises LogoUnavailable, which tells what is wrong with it.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise LogoUnavailable(
                f"The logo has {size:,} bytes; at most {MAX_BYTES:,} are allowed."
            )
        data = path.read_bytes()
    except OSError as error:
        raise LogoUnavailable(f"The logo's file can't be read: {error.strerror}.") from error
    try:
        return Logo(_decoded(data), sha256(data).hexdigest())
    except PictureError as error:
        raise LogoUnavailable(f"The logo can't be used. {error.detail}") from error


def bundled_logo_path() -> Path:
    """The logo that ships with the package."""
    return Path(str(files("media_processor.media") / "bundled_logo.png"))


def _decoded(data: bytes) -> Image:
    image, facts = open_picture(BytesIO(data), MAX_SIDE * MAX_SIDE)
    if max(facts.width, facts.height) > MAX_SIDE:
        raise LogoUnavailable(
            f"The logo measures {facts.width} x {facts.height} px; "
            f"at most {MAX_SIDE} px a side are allowed."
        )
    with guarded("Its data is damaged or cut short."):
        return exif_transpose(image.convert("RGBA"))
