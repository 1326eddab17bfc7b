"""BMP: bit for bit outside the mark; the palette becomes true colour."""

from media_processor.media.codecs import Branded, Options
from media_processor.media.codecs.pillow import encoded, opened, stampable
from media_processor.media.facts import PictureFacts
from media_processor.media.stamp import Stamp


def brand(data: bytes, facts: PictureFacts, stamp: Stamp, options: Options) -> Branded:  # noqa: ARG001
    """An uncompressed BMP of 8 (grey), 24 or 32 bits."""
    image = opened(data, "BMP")
    image.load()
    resolution = image.info.get("dpi")
    still = stampable(image)
    stamp.draw(still)
    kept = {"dpi": resolution} if resolution and resolution[0] else {}
    return Branded(encoded(still, "BMP", **kept), "BMP")
