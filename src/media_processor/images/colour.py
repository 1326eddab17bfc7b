"""The mark's colours, which are sRGB's, in the colour space of the picture it goes on."""

from functools import lru_cache
from io import BytesIO
from typing import Literal

from PIL import ImageCms
from PIL.Image import Image

Base = Literal["L", "RGB", "CMYK"]

_SPACES: dict[Base, str] = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}
_KEPT = 8  # cameras, phones and presses: a site sees a few profiles


def in_space_of(mark: Image, base: Base, icc: bytes) -> Image:
    """``mark`` (RGB, sRGB) as ``base``, with the colours that ``icc`` gives them.

    Without a profile, or with one that is damaged or of another kind, RGB stays as it is,
    grey is its luma, and the inks are the complements of red, green and blue.
    """
    transform = _transform(icc, base) if icc else None
    if transform is None:
        return mark.convert(base)
    converted = ImageCms.applyTransform(mark, transform)
    return mark.convert(base) if converted is None else converted


@lru_cache(_KEPT)
def _transform(icc: bytes, base: Base) -> ImageCms.ImageCmsTransform | None:
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        if profile.profile.xcolor_space != _SPACES[base]:
            return None
        return ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"),
            profile,
            "RGB",
            base,
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
