"""Pages of a TIFF that Pillow can't hold: deep, in planes, floating point, Lab, or with channels
that it would drop or change."""

from PIL import Image

from media_processor.images import samples
from media_processor.images.codecs.tiff_raster import LEVEL, Raster, number, size_of
from media_processor.images.codecs.tiff_stand_ins import (
    differs_as_float,
    open_as_bytes,
    open_plain,
)
from media_processor.images.colour import Base
from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.geometry import Box
from media_processor.images.overlay import Overlay
from media_processor.images.packed_samples import DEPTHS, Packed
from media_processor.images.samples import Layout, Plain, Source
from media_processor.images.small_floats import SMALL_FLOATS, SmallFloats

_COLOURS: dict[Base, int] = {"L": 1, "RGB": 3, "CMYK": 4, "LAB": 3}
_BASES: dict[int, Base] = {
    **{
        tiff_tags.WHITE_IS_ZERO: "L",
        tiff_tags.BLACK_IS_ZERO: "L",
        tiff_tags.RGB: "RGB",
        tiff_tags.INKS: "CMYK",
    },
    **{tiff_tags.CIELAB: "LAB", tiff_tags.ICCLAB: "LAB"},
}
_ALPHAS: dict[int, samples.Alpha] = {
    tiff_tags.ASSOCIATED: "associated",
    tiff_tags.UNASSOCIATED: "straight",
}
# A colour image whose numbers are above this doesn't have 1 as its white. Light may be brighter.
_BRIGHTEST = 100


def draw(order: str, page: Page, overlay: Overlay, icc: bytes, *, compressed: bool) -> Raster:
    source, layout = _open(order, page, icc)
    image = samples.draw(source, overlay, icc, layout)
    differs = compressed and isinstance(source, Plain) and samples.can_differ(image)
    meaning = (
        tiff_tags.BITS,
        tiff_tags.SAMPLES,
        tiff_tags.PHOTOMETRIC,
        tiff_tags.FORMAT,
        tiff_tags.EXTRA,
    )
    tags = {tag: page.tags[tag] for tag in meaning if tag in page.tags}
    bits = (
        source.size[0]
        * number(order, page, tiff_tags.SAMPLES)
        * number(order, page, tiff_tags.BITS)
    )
    rows = samples.rows(samples.differences(image) if differs else image, big=order == ">")
    level = LEVEL if compressed else 0
    return Raster(rows, source.size, -(-bits // 8), tags, differs, level)


def to_eight_bits(order: str, page: Page, icc: bytes) -> Image.Image:
    source, layout = _open(order, page, icc)
    return samples.to_eight_bits(source.part(Box(0, 0, *source.size)), layout)


def _open(order: str, page: Page, icc: bytes) -> tuple[Source, Layout]:
    depth = number(order, page, tiff_tags.BITS)
    is_float = number(order, page, tiff_tags.FORMAT) == tiff_tags.FLOAT
    is_small = is_float and depth in SMALL_FLOATS
    source: Source
    if depth in DEPTHS or (is_small and differs_as_float(order, page)):
        count = number(order, page, tiff_tags.SAMPLES)
        reopen = open_as_bytes(order, page)
        source = Packed(reopen, size_of(order, page), count, depth, big=order == ">")
    else:
        source = Plain(open_plain(order, page))
    if is_small:
        source = SmallFloats(source, SMALL_FLOATS[depth])
    return source, _layout(order, page, source, icc)


def _layout(order: str, page: Page, source: Source, icc: bytes) -> Layout:
    photometric = number(order, page, tiff_tags.PHOTOMETRIC)
    base = _BASES[photometric]
    count = _COLOURS[base]
    depth, kind = number(order, page, tiff_tags.BITS), number(order, page, tiff_tags.FORMAT)
    extras = tiff.values(order, page, tiff_tags.EXTRA)
    if not extras and number(order, page, tiff_tags.SAMPLES) == count + 1 and base != "CMYK":
        extras = [tiff_tags.UNASSOCIATED]  # its writer forgot to say so
    alpha = _ALPHAS.get(extras[0]) if extras else None
    if base == "LAB":
        return _lab(depth, alpha, is_signed=photometric == tiff_tags.CIELAB)
    top = float((1 << depth - (kind == tiff_tags.SIGNED)) - 1)
    if kind == tiff_tags.FLOAT:
        top = _white(source, base, count)
    is_inverted = photometric == tiff_tags.WHITE_IS_ZERO
    return Layout(
        base=base,
        white=(0.0 if is_inverted else top,) * count,
        black=top if is_inverted else 0.0,
        alpha=alpha,
        opaque=1.0 if kind == tiff_tags.FLOAT else top,
        is_linear=kind == tiff_tags.FLOAT and base != "CMYK" and top == 1 and not icc,
    )


def _lab(depth: int, alpha: samples.Alpha, *, is_signed: bool) -> Layout:
    # CIELab (TIFF 6.0, section 23) has signed a and b; ICCLab is as ICC.1 codes it.
    step = 1 << depth - 8
    lightness = 0xFF * step + (step - 1 if is_signed else 0)
    return Layout(
        base="LAB",
        white=(lightness, 0xFF * step, 0xFF * step),
        alpha=alpha,
        opaque=(1 << depth) - 1,
        flips=(0, 0x80 * step, 0x80 * step) if is_signed else (),
    )


def _white(source: Source, base: str, count: int) -> float:
    # Floating point has no range of its own: usually 1 is white.
    most = float(source.part(Box(0, 0, *source.size))[0:count].max())
    return most if (1 if base == "L" else _BRIGHTEST) < most < float("inf") else 1.0
