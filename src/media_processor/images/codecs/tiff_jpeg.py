"""Pages of a TIFF that are JPEGs, a strip or a tile each (Technical Note 2): only those that the
overlay covers change, each as any JPEG does."""

from dataclasses import replace

from media_processor.images import splice
from media_processor.images.codecs import Options, jpeg
from media_processor.images.codecs.tiff_raster import is_planar, number, size_of
from media_processor.images.containers import jpeg as container
from media_processor.images.containers import tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.geometry import Box
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay

# Adobe's segment, which says what three components are: 0 is RGB, 1 YCbCr.
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_TRANSFORMS = {tiff_tags.RGB: _ADOBE + b"\0", tiff_tags.YCBCR: _ADOBE + b"\1"}
_TAKEN = {tiff_tags.BLACK_IS_ZERO, tiff_tags.RGB, tiff_tags.INKS, tiff_tags.YCBCR}


def is_jpeg(order: str, page: Page) -> bool:
    return (
        number(order, page, tiff_tags.COMPRESSION) == tiff_tags.JPEG
        and number(order, page, tiff_tags.PHOTOMETRIC) in _TAKEN
        and not is_planar(order, page)
        and tiff_tags.EXTRA not in page.tags
    )


def draw(order: str, page: Page, overlay: Overlay, icc: bytes, options: Options) -> Page | None:
    """``overlay`` has its variant chosen. None if a JPEG isn't as the page describes it."""
    width, height = size_of(order, page)
    across = number(order, page, tiff_tags.TILE_WIDTH, width)
    down = number(order, page, tiff_tags.TILE_HEIGHT, number(order, page, tiff_tags.ROWS, height))
    is_tiled = tiff_tags.TILE_WIDTH in page.tags
    down = down if is_tiled else min(down, height)
    columns = -(-width // across)
    pieces = list(page.pixels)
    for at, piece in enumerate(pieces):
        left, top = at % columns * across, at // columns * down
        place = Box(left, top, across, down if is_tiled else min(down, height - top))
        if any(_overlap(box, place) for box in overlay.stored):
            drawn = _draw(_whole(order, page, piece, icc), place, overlay, options)
            if drawn is None:
                return None
            pieces[at] = drawn
    tags = {tag: value for tag, value in page.tags.items() if tag in tiff_tags.PIXEL_TAGS}
    return Page(tags, tuple(pieces), {})


def _draw(picture: bytes, place: Box, overlay: Overlay, options: Options) -> bytes | None:
    info = container.read_info(picture, options.limits)
    if info.width != place.width or info.height < place.height:
        return None
    seen = overlay.seen_from(replace(place, height=info.height))
    try:
        made = splice.watermark(picture, info, seen, options)
    except splice.Declined:
        made = jpeg.watermark(picture, info, seen, options)
    coded = _bare(bytes(made.data))
    return coded if _sampling(coded) == _sampling(picture) else None


def _whole(order: str, page: Page, piece: bytes, icc: bytes) -> bytes:
    """A JPEG for itself, with the tables that all share, and what its colours are."""
    tables = page.tags[tiff_tags.JPEG_TABLES].value if tiff_tags.JPEG_TABLES in page.tags else b""
    shared = _bare(tables)[2:].removesuffix(b"\xff\xd9") if tables else b""
    colours = _TRANSFORMS.get(number(order, page, tiff_tags.PHOTOMETRIC), b"")
    alone = b"\xff\xd8" + colours + shared + _bare(piece)[2:]
    return container.add_segments(alone, container.write_metadata(Metadata(icc=icc)))


def _bare(picture: bytes) -> bytes:
    """Without APPn and comments; their place is in the directory."""
    kept = [b"\xff\xd8"]
    for segment in container.segments(picture):
        if segment.marker == container.SOS:
            kept.append(picture[segment.start :])
            break
        if not container.is_application(segment.marker):
            kept.append(picture[segment.start : segment.end])
    return b"".join(kept)


def _sampling(picture: bytes) -> list[bytes]:
    # Numbers and factors of the components (T.81, B.2.2); the directory names them, too.
    for segment in container.segments(picture):
        if segment.marker in container.FRAMES:
            parts = picture[segment.start + 10 : segment.end]
            return [parts[at + 1 : at + 2] for at in range(0, len(parts), 3)]
    return []


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.left < other.left + other.width
        and other.left < one.left + one.width
        and one.top < other.top + other.height
        and other.top < one.top + one.height
    )
