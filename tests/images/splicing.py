"""Splices, and what of a JPEG they may change, by libjpeg's own coefficients."""

from pathlib import Path

import numpy as np
from PIL import Image

from media_processor.images import splice
from media_processor.images.codecs import Options
from media_processor.images.geometry import Box
from media_processor.images.logo import Artwork, Logo
from media_processor.images.overlay import Overlay, OverlayPixels, within
from media_processor.images.probe import probe
from media_processor.images.profile import DEFAULT, Profile

from .coefficients import Cover, components, expected, touched
from .pictures import LIMITS, quartered_logo

OPTIONS = Options(LIMITS, DEFAULT.strip, DEFAULT.quality)


def soft_logo(size: tuple[int, int] = (90, 45)) -> Logo:
    image = quartered_logo(size).image.copy()
    alpha = Image.radial_gradient("L").point(lambda value: max(0, 255 - 2 * value))
    image.putalpha(alpha.resize(size))
    return Logo(image, "1" * 64)


def spliced(data: bytes, logo: Artwork, profile: Profile = DEFAULT) -> tuple[bytes, Overlay]:
    info = probe(data, LIMITS)
    overlay = Overlay([logo], profile, info)
    watermarked = splice.watermark(data, info, overlay, OPTIONS)
    assert watermarked.method == "splice"
    return bytes(watermarked.data), overlay


def cover(overlay: Overlay, size: tuple[int, int], mode: str = "RGB") -> Cover:
    """The overlay as it lies over a picture of ``size`` and the padding of its last blocks."""
    return laid(overlay.pixels("L" if mode == "L" else "RGB", b""), overlay.stored, size)


def laid(mark: OverlayPixels, boxes: list[Box], size: tuple[int, int]) -> Cover:
    """An overlay in several places, one over the other; those outside the picture don't count."""
    seen = [(box, within(box, size)) for box in boxes]
    boxes = [box for box, inside in seen if inside.width > 0 and inside.height > 0]
    size = size[0] + 32, size[1] + 32
    colours = np.zeros((len(mark.colours.getbands()), size[1], size[0]))
    alpha = np.zeros((size[1], size[0]))
    for box in boxes:
        inside = within(box, size)
        part = mark.part(box, inside)
        rows = slice(inside.top, inside.top + inside.height)
        columns = slice(inside.left, inside.left + inside.width)
        share = np.asarray(part.alpha) / 255.0
        over = np.asarray(part.colours, float).reshape(*share.shape, -1)
        under, before = colours[:, rows, columns], alpha[rows, columns]
        both = share + before * (1 - share)
        mixed = over.transpose(2, 0, 1) * share + under * before * (1 - share)
        colours[:, rows, columns] = mixed / np.where(both > 0, both, 1)
        alpha[rows, columns] = both
    return Cover(alpha, colours)


def check_coefficients(before: bytes, after: bytes, mark: Cover, folder: Path) -> None:
    """Untouched blocks are the same; touched ones within a step of the definition."""
    sources, results = components(before, folder), components(after, folder)
    assert len(sources) == len(results)
    distances = []
    for number, (source, result) in enumerate(zip(sources, results, strict=True)):
        assert np.array_equal(source.steps, result.steps)
        covered = touched(source, mark)
        assert np.array_equal(source.coefficients[~covered], result.coefficients[~covered])
        wanted = expected(number, source, mark, covered)
        distances.append(abs(result.coefficients[covered] - wanted).ravel())
    near = np.concatenate(distances) <= 1
    assert near.size == 0 or near.mean() >= 0.999
