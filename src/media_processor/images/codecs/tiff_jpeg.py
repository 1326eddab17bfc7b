"""Pages of a TIFF that are JPEGs, a strip or a tile each (Technical Note 2): only those that the
overlay covers change, each as any JPEG does."""

from dataclasses import replace

from PIL import Image

from media_processor.images import splice
from media_processor.images.codecs import Options, jpeg, tiff_pictures
from media_processor.images.codecs.tiff_raster import is_planar, number
from media_processor.images.containers import jpeg as container
from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers.tiff import Page
from media_processor.images.geometry import Box
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay

# Adobe's segment, which says what three components are: 0 is RGB, 1 YCbCr.
_ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
_TRANSFORMS = {tiff_tags.RGB: _ADOBE + b"\0", tiff_tags.YCBCR: _ADOBE + b"\1"}
_TAKEN = {tiff_tags.BLACK_IS_ZERO, tiff_tags.RGB, tiff_tags.INKS, tiff_tags.YCBCR}


def can_draw(order: str, page: Page) -> bool:
    return (
        number(order, page, tiff_tags.COMPRESSION) == tiff_tags.JPEG
        and number(order, page, tiff_tags.PHOTOMETRIC) in _TAKEN
        and not is_planar(order, page)
        and (tiff_tags.EXTRA not in page.tags or _has_alpha(order, page))
    )


def draw(order: str, page: Page, overlay: Overlay, icc: bytes, options: Options) -> Page | None:
    """``overlay`` has its variant chosen. None if a JPEG isn't as the page describes it."""

    has_alpha = _has_alpha(order, page)

    def redraw(piece: bytes, place: Box) -> bytes | None:
        picture = _whole(order, page, piece, b"" if has_alpha else icc)
        info = container.read_info(picture, options.limits)
        if info.width != place.width or info.height < place.height:
            return None
        seen = overlay.seen_from(replace(place, height=info.height))
        if has_alpha:
            coded = _bare(_draw_with_alpha(picture, seen, icc))
        else:
            coded = _bare(_draw(picture, info, seen, options))
        return coded if _sampling(coded) == _sampling(picture) else None

    return tiff_pictures.draw(order, page, overlay, redraw)


def _draw(picture: bytes, info: PictureInfo, seen: Overlay, options: Options) -> bytes:
    try:
        made = splice.watermark(picture, info, seen, options)
    except splice.Declined:
        made = jpeg.watermark(picture, info, seen, options)
    return bytes(made.data)


def _draw_with_alpha(picture: bytes, seen: Overlay, icc: bytes) -> bytes:
    """Of four components, which outside a TIFF would be CMYK."""

    def draw(image: Image.Image) -> None:
        rgba = Image.merge("RGBA", image.split())
        seen.draw(rgba, icc)
        image.paste(Image.merge("CMYK", rgba.split()))

    return jpeg.redraw(picture, draw, {})


def _has_alpha(order: str, page: Page) -> bool:
    extras = tiff.values(order, page, tiff_tags.EXTRA)
    rgba = number(order, page, tiff_tags.PHOTOMETRIC), number(order, page, tiff_tags.SAMPLES)
    return rgba == (tiff_tags.RGB, 4) and extras == [tiff_tags.UNASSOCIATED]


def _whole(order: str, page: Page, piece: bytes, icc: bytes) -> bytes:
    """A JPEG for itself, with the tables that all share, and what its colours are."""
    tables = page.tags[tiff_tags.JPEG_TABLES].value if tiff_tags.JPEG_TABLES in page.tags else b""
    shared = _bare(tables)[2:].removesuffix(b"\xff\xd9") if tables else b""
    colours = b""
    if not _has_alpha(order, page):
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
