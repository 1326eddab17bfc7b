"""Pages of a TIFF whose strips or tiles are WebPs, as libtiff writes them (compression 50001)."""

from media_processor.images.codecs import Options, tiff_pictures, webp
from media_processor.images.codecs.tiff_raster import is_planar, number
from media_processor.images.containers import tiff, tiff_tags
from media_processor.images.containers import webp as container
from media_processor.images.containers.tiff import Page
from media_processor.images.geometry import Box
from media_processor.images.metadata import Metadata
from media_processor.images.overlay import Overlay


def can_draw(order: str, page: Page) -> bool:
    return (
        number(order, page, tiff_tags.COMPRESSION) == tiff_tags.WEBP
        and number(order, page, tiff_tags.PHOTOMETRIC) == tiff_tags.RGB
        and tiff.values(order, page, tiff_tags.EXTRA) in ([], [tiff_tags.UNASSOCIATED])
        and not is_planar(order, page)
    )


def draw(order: str, page: Page, overlay: Overlay, icc: bytes, options: Options) -> Page | None:
    """``overlay`` has its variant chosen. None if a WebP isn't as the page describes it."""

    def redraw(piece: bytes, place: Box) -> bytes | None:
        info = container.read_info(piece, options.limits)
        if (info.width, info.height, info.frames) != (place.width, place.height, 1):
            return None
        # What its colours mean stands in the page.
        alpha = number(order, page, tiff_tags.SAMPLES) == 4
        kept = Metadata(icc=icc)
        whole = container.build(
            (info.width, info.height), container.pixels(piece), kept, alpha=alpha
        )
        return container.strip(
            bytes(webp.watermark(whole, info, overlay.seen_from(place), options).data)
        )

    return tiff_pictures.draw(order, page, overlay, redraw)
