"""Converts the overlay's colours from sRGB into the picture's colour space.

LittleCMS (ImageCms) is loaded once a picture has a colour profile.
"""

from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from PIL.Image import Image

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

Base = Literal["L", "RGB", "CMYK", "LAB"]

_SPACES: dict[Base, str] = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK", "LAB": "Lab "}
_KEPT = 8  # cameras, phones and presses: a site sees a few profiles


def convert_to_space(image: Image, base: Base, icc: bytes) -> Image:
    """``image`` (RGB, sRGB) as ``base``, with the colours that ``icc`` gives them.

    Without a profile, or with one that is damaged or of another kind, RGB stays as it is,
    grey is its luma, and the inks are the complements of red, green and blue. Lab has no need
    of one.
    """
    if base == "RGB" and _is_xyb(icc):
        from media_processor.images.xyb import convert_to_xyb

        return convert_to_xyb(image)
    transform = _transform(icc, base) if icc or base == "LAB" else None
    if transform is None:
        return image.convert(base)
    from PIL import ImageCms

    converted = ImageCms.applyTransform(image, transform)
    return image.convert(base) if converted is None else converted


def _is_xyb(icc: bytes) -> bool:
    # libjxl and jpegli describe the profile as XYB. It leads from XYB to colours, but its way
    # back is a dummy, by which every colour becomes nearly black.
    return b"\0X\0Y\0B" in icc and b"A2B0" in icc and b"rXYZ" not in icc


def convert_to_srgb(image: Image, icc: bytes) -> Image:
    """As Pillow converts it if there is no profile, or one that is damaged or of another kind."""
    if icc:
        from PIL import ImageCms

        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(icc))
            converted = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError):
            pass
    return image.convert("RGB")


def lab_to_srgb(image: Image) -> Image:
    from PIL import ImageCms

    converted = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    if converted is None:  # only where it was asked to work in place
        raise ValueError("not converted")
    return converted


@lru_cache(_KEPT)
def _transform(icc: bytes, base: Base) -> "ImageCmsTransform | None":
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(
            ImageCms.createProfile("LAB") if base == "LAB" else BytesIO(icc)
        )
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
