"""TIFF: the first page is watermarked, bit for bit outside the overlay; all others are copied."""

from dataclasses import replace

from PIL import Image

from media_processor.images.codecs import Encoded, Options, tiff_jpeg, tiff_shallow, tiff_webp
from media_processor.images.codecs.tiff_pieces import complete, note_fax, recode, tolerate
from media_processor.images.codecs.tiff_raster import (
    Raster,
    build_page,
    is_planar,
    number,
)
from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.containers.tiff_directory import Tag, byte_order
from media_processor.images.exif import MAKER_NOTE_TAG
from media_processor.images.geometry import corners
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import LOCATION, Metadata, Strip
from media_processor.images.overlay import Overlay
from media_processor.images.pillow import encode_image
from media_processor.images.xmp import without_gps
from media_processor.limits import Limits

MODES = frozenset({"L", "LA", "RGB", "RGBA", "CMYK"})
CARRIED = frozenset({"icc"})

# It often says by the file's offsets where its parts lie.
_MOVED = "the camera's maker note was moved: some programs may not read all of it"
# What describes the picture, its place or its author, and goes with ``strip = "all"``.
_DESCRIPTIONS = {tiff_tags.IPTC, 269, 270, 271, 272, 305, 306, 315, 316, 33432}
# Compressions that lose something each time.
_LOSSY = {tiff_tags.JPEG: "JPEG", tiff_tags.WEBP: "WebP"}
_STRIPPED = _DESCRIPTIONS | {tiff_tags.XMP, tiff_tags.PHOTOSHOP}


def watermark(data: bytes, info: PictureInfo, overlay: Overlay, options: Options) -> Encoded:
    """Depth and byte order stay. A JPEG in it stays one; any other compression becomes Deflate."""
    order = byte_order(data)
    first, *others = tiff.pages(data, options.limits)
    first = _readable(order, first, options.limits)
    kept = tiff.read_metadata(data, options.limits).to_keep(info.orientation, options.strip)

    def draw(page: Page) -> tuple[Page, list[str]]:
        return _draw(order, page, overlay, kept.icc, options)

    (page, notes), first = tolerate(order, first, options.limits, draw)
    pages = [_strip(each, options.strip) for each in (first, *others)]
    tags = {n: tag for n, tag in pages[0].tags.items() if n not in tiff_tags.PIXEL_TAGS}
    tags |= _clean_tags(tags, kept) | page.tags
    watermarked = Page(tags, page.pixels, pages[0].children)
    notes = [*kept.notes, *(note for each in pages for note in each.notes), *notes]
    if any(MAKER_NOTE_TAG in child.tags for each in pages for child in each.children.values()):
        notes.append(_MOVED)
    made = tiff.write(order, [watermarked, *pages[1:]])
    return Encoded(made, "TIFF", tuple(dict.fromkeys(notes)))


def _strip(page: Page, strip: Strip) -> Page:
    """Without what ``strip`` names, and with a note of it; XMP is cleaned where it lies."""
    left_out = {
        "none": (),
        "gps": (tiff_tags.GPS_IFD,),
        "all": (tiff_tags.EXIF_IFD, tiff_tags.GPS_IFD),
    }[strip]
    children = {n: child for n, child in page.children.items() if n not in left_out}
    gone = {tiff_tags.CREDENTIALS, *(_STRIPPED if strip == "all" else ())}
    tags = {n: tag for n, tag in page.tags.items() if n not in gone}
    if strip == "gps" and tiff_tags.XMP in tags:
        packet = without_gps(tags[tiff_tags.XMP].value)
        tags[tiff_tags.XMP] = Tag(1, len(packet), packet)
    notes = page.notes
    if len(children) < len(page.children):
        notes += (LOCATION if strip == "gps" else "dropped, as the profile requires: EXIF",)
    if strip == "all" and page.tags.keys() & _DESCRIPTIONS:
        notes += ("dropped, as the profile requires: descriptions",)
    return Page(tags, page.pixels, children, notes)


def decode_upright(
    data: bytes,
    info: PictureInfo,
    at_least: int | None = None,  # noqa: ARG001 - as every codec
) -> tuple[Image.Image, Metadata]:
    from PIL.ImageOps import exif_transpose

    order, limits = byte_order(data), Limits(frames=info.frames)
    first = _readable(order, next(tiff.pages(data, limits)), limits)
    found = tiff.read_metadata(data, limits)

    def decode(page: Page) -> Image.Image:
        return _to_eight_bits(order, page, found.icc)

    image, _ = tolerate(order, first, limits, decode)
    image.getexif()[tiff_tags.ORIENTATION] = info.orientation
    return exif_transpose(image), Metadata(icc=found.icc, xmp=found.xmp)


def encode(image: Image.Image, kept: Metadata, options: Options) -> bytes:  # noqa: ARG001
    # Of ``kept`` only the colour profile has its place.
    return encode_image(
        image, "TIFF", compression="tiff_adobe_deflate", icc_profile=kept.icc or None
    )


def _draw(
    order: str, first: Page, overlay: Overlay, icc: bytes, options: Options
) -> tuple[Page, list[str]]:
    notes: list[str] = []
    if inside := _LOSSY.get(number(order, first, tiff_tags.COMPRESSION)):
        way = tiff_jpeg if inside == "JPEG" else tiff_webp
        if way.can_draw(order, first):
            overlay.choose(lambda box: _to_eight_bits(order, first, icc).crop(corners(box)))
            if page := way.draw(order, first, overlay, icc, options):
                return page, notes
        notes.append(f"the {inside} inside was decoded, and is compressed with Deflate now")
    notes += note_fax(order, first)
    if is_planar(order, first):
        notes.append("its colours, which lay in planes, are interleaved now")
    compressed = number(order, first, tiff_tags.COMPRESSION) != tiff_tags.UNCOMPRESSED
    raster = _raster(order, first, overlay, icc, compressed=compressed)
    if raster.level and not compressed:
        notes.append("with more bits a pixel, for the logo, it is compressed with Deflate now")
    return build_page(raster, order), notes


def _raster(order: str, first: Page, overlay: Overlay, icc: bytes, *, compressed: bool) -> Raster:
    if _is_deep(order, first):
        from media_processor.images.codecs import tiff_samples  # 100 ms that others don't pay

        return tiff_samples.draw(order, first, overlay, icc, compressed=compressed)
    return tiff_shallow.draw(order, first, overlay, icc, compressed=compressed)


def _readable(order: str, page: Page, limits: Limits) -> Page:
    # libvips's own libtiff lacks these.
    compression = number(order, page, tiff_tags.COMPRESSION)
    if compression in (tiff_tags.LZMA, tiff_tags.ZSTANDARD) and _is_deep(order, page):
        return recode(order, page, limits)
    return complete(order, page, limits)


def _to_eight_bits(order: str, page: Page, icc: bytes) -> Image.Image:
    if _is_deep(order, page):
        from media_processor.images.codecs import tiff_samples

        return tiff_samples.to_eight_bits(order, page, icc)
    return tiff_shallow.decode(order, page)


def _clean_tags(tags: dict[int, Tag], kept: Metadata) -> dict[int, Tag]:
    cleaned = {tiff_tags.XMP: kept.xmp, tiff_tags.PHOTOSHOP: kept.iptc}
    return {
        number: replace(tags[number], kind=1, count=len(value), value=value)
        for number, value in cleaned.items()
        if number in tags
    }


def _is_deep(order: str, page: Page) -> bool:
    """Whether Pillow would refuse the page, or lose something of it."""
    photometric = number(order, page, tiff_tags.PHOTOMETRIC)
    if photometric in (tiff_tags.INDEXED, tiff_tags.YCBCR):
        return False
    if number(order, page, tiff_tags.COMPRESSION) == tiff_tags.WEBP:  # Pillow's libtiff lacks it
        return True
    # 999 is Corel Draw's; Pillow takes it for an alpha, as it takes a fourth sample alone.
    extras = tiff.values(order, page, tiff_tags.EXTRA)
    return (
        number(order, page, tiff_tags.BITS) > 8
        or number(order, page, tiff_tags.FORMAT) not in (tiff_tags.UNSIGNED, tiff_tags.UNDEFINED)
        or photometric in (tiff_tags.CIELAB, tiff_tags.ICCLAB)
        or is_planar(order, page)
        or extras not in ([], [tiff_tags.UNASSOCIATED], [999])
        or (photometric == tiff_tags.INKS and number(order, page, tiff_tags.SAMPLES) > 4)
    )
