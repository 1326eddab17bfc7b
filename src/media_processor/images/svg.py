"""Draws SVGs by librsvg, which is part of libvips.

They are opened from memory, so that there is no folder that one could refer to. librsvg loads
nothing else, runs no script, and bounds references and nesting by itself.
"""

import re

import pyvips
from PIL import Image

from media_processor.errors import LogoUnavailable
from media_processor.images.info import Size

pyvips.cache_set_max(0)

# An SVG's sides may be fractions; drawn so large they tell its aspect.
_LARGE = 4096
# Enough to see whether anything is drawn.
_GLANCE = 256

_TEXT = re.compile(rb"<(?:[\w.-]+:)?text[\s/>]")
# Fragments of the SVG itself and embedded data are the only references that are followed.
_OUTSIDE = re.compile(
    rb"""href\s*=\s*["']\s*(?!#|data:)[^"'\s]|url\(\s*["']?\s*(?!#|data:)[^"'\s)]|@import"""
)


def measure(data: bytes) -> tuple[Size, float]:
    """A large size in pixels, and the scale at which the SVG has it.

    Raises LogoUnavailable for an SVG that can't be drawn, or of which nothing would be seen.
    """
    natural = _open(data, 1)
    scale = _LARGE / max(natural.width, natural.height)
    image = _open(data, scale)
    size = image.width, image.height
    glance = draw(data, scale * _GLANCE / _LARGE, (_side(size[0]), _side(size[1])))
    if not glance.getchannel("A").getbbox():
        raise LogoUnavailable(
            "The logo can't be used. The SVG draws nothing: files that it refers to aren't loaded, "
            "and scripts don't run."
        )
    return size, scale


def draw(data: bytes, scale: float, size: Size) -> Image.Image:
    """RGBA in sRGB, of exactly ``size``, which is about the SVG's at ``scale``."""
    image = _open(data, scale)
    try:
        pixels = image.write_to_memory()
    except pyvips.Error as error:
        raise _unusable(error) from error
    drawn = Image.frombytes("RGBA", (image.width, image.height), pixels)
    return drawn if drawn.size == size else drawn.resize(size, Image.Resampling.LANCZOS)


def doubts(data: bytes) -> list[str]:
    """What may look otherwise than its designer expects, each with what to do about it."""
    found = []
    if _TEXT.search(data):
        found.append("its text is drawn in this machine's fonts; convert it to paths")
    if _OUTSIDE.search(data):
        found.append("files that it refers to aren't loaded; embed them")
    return found


def _open(data: bytes, scale: float) -> pyvips.Image:
    try:
        return pyvips.Image.svgload_buffer(data, scale=scale)
    except pyvips.Error as error:
        raise _unusable(error) from error


def _side(length: int) -> int:
    return max(1, length * _GLANCE // _LARGE)


def _unusable(error: Exception) -> LogoUnavailable:
    *_, last = ["", *str(error).strip().splitlines()]
    reason = last.strip().removeprefix("svgload_buffer: ").strip(" .")[:200]
    return LogoUnavailable(f"The logo can't be used. The SVG can't be drawn: {reason}.")
