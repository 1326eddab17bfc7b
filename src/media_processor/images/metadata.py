"""What goes with a picture besides its pixels, and what of it may stay."""

import re
from dataclasses import dataclass, replace
from typing import Literal

from media_processor.images import exif

Strip = Literal["none", "gps", "all"]

# XMP specification part 2: xmp:Thumbnails (3.1), exif:GPS… (2.4), as element or attribute.
_XMP_THUMBNAILS = re.compile(
    rb"<(xmp|xap):Thumbnails\b(?:[^>]*/>|.*?</\1:Thumbnails\s*>)", re.DOTALL
)
_XMP_GPS = re.compile(
    rb"<exif:(GPS\w+)\b(?:[^>]*/>|.*?</exif:\1\s*>)|\sexif:GPS\w+\s*=\s*(?:\"[^\"]*\"|'[^']*')",
    re.DOTALL,
)

# Adobe's "Photoshop File Formats", image resource blocks: resolution, IPTC and copyright
# stay; 1033 and 1036 are thumbnails.
_KEPT_RESOURCES = {0x03ED, 0x0404, 0x040A, 0x040B}


@dataclass(frozen=True)
class Metadata:
    """As they stood in the file: ``icc`` a colour profile, ``exif`` without ``Exif\\0\\0``,
    ``xmp`` a packet, ``iptc`` Photoshop's resource block; each ``b""`` if there is none.

    ``notes`` say what couldn't be kept.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    notes: tuple[str, ...] = ()

    def to_keep(self, orientation: int, strip: Strip = "none") -> "Metadata":
        """What of it goes into the watermarked picture, which has ``orientation``.

        Thumbnails go, as they show the unwatermarked picture. ``gps`` also removes where it was
        taken, ``all`` everything but the colour profile and the orientation.
        """
        turned = exif.only_orientation(orientation) if orientation > 1 else b""
        if strip == "all":
            return replace(self, exif=turned, xmp=b"", iptc=b"")
        cleaned, xmp = exif.without_thumbnail(self.exif), _XMP_THUMBNAILS.sub(b"", self.xmp)
        if strip == "gps":
            cleaned, xmp = exif.without_gps(cleaned), _XMP_GPS.sub(b"", xmp)
        if b"Thumbnails" in xmp:
            xmp = b""  # written in a form we don't know
        return replace(self, exif=cleaned or turned, xmp=xmp, iptc=keep_resources(self.iptc))


def keep_resources(block: bytes) -> bytes:
    """Photoshop's resources without thumbnails; a damaged one goes, and all behind it."""
    kept, at = [], 0
    while block[at : at + 4] == b"8BIM" and at + 12 <= len(block):
        number = int.from_bytes(block[at + 4 : at + 6])
        name = block[at + 6] + 1
        start = at + 6 + name + name % 2
        size = int.from_bytes(block[start : start + 4])
        end = start + 4 + size + size % 2
        if start + 4 + size > len(block):
            break
        if number in _KEPT_RESOURCES:
            kept.append(block[at:end])
        at = end
    return b"".join(kept)
