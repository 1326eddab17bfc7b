"""What goes with a picture besides its pixels, and what of it may stay."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from media_processor.images import exif, xmp

Strip = Literal["none", "gps", "all"]
Motion = Literal["keep", "drop"]

CREDENTIALS = "Content Credentials were dropped: a changed picture no longer matches them"
GAIN_MAP = "the HDR gain map was dropped"
VIDEO = "the video of the motion photo was dropped"
NO_PLACE = "dropped, as the new format has no place for it: %s"
SECOND = {
    "EXIF": "a second block of EXIF was dropped",
    "XMP": "a second XMP packet was dropped",
    "colour profile": "a second colour profile was dropped",
}
MOST_SHOWN = 8
_LONGEST_NAME = 60
COLOURS = "colours may look different: what describes them was dropped (%s)"
LOCATION = "the location was removed, as the profile requires"
RESOURCES = "some of Photoshop's resources were dropped: previews, or damaged"
TRAILER = "data behind the picture was dropped"
_OTHER_VIDEO = "a video behind the picture was dropped: nothing in the file speaks of it"

# Adobe's "Photoshop File Formats", image resource blocks: thumbnails, and copies of EXIF and
# XMP, which may have another.
_PREVIEW_RESOURCES = {0x0409, 0x040C, 0x0422, 0x0423, 0x0424}
_SIGNATURES = (b"8BIM", b"AgHg", b"DCSR", b"MeSa", b"PHUT")  # but for the first other programs'
_JPEG_START = b"\xff\xd8\xff"


class Comment(NamedTuple):
    """A comment or text chunk: ``stored`` as its format has it, and what it says."""

    stored: bytes
    content: bytes


@dataclass(frozen=True)
class Metadata:
    """As they stood in the file: ``icc`` a colour profile, ``exif`` without ``Exif\\0\\0``,
    ``xmp`` a packet, ``iptc`` Photoshop's resource block; each ``b""`` if there is none.
    ``comments`` are comments and text chunks.

    ``notes`` say what couldn't be kept.
    """

    icc: bytes = b""
    exif: bytes = b""
    xmp: bytes = b""
    iptc: bytes = b""
    comments: tuple[Comment, ...] = ()
    notes: tuple[str, ...] = ()

    def to_keep(
        self,
        orientation: int,
        strip: Strip = "none",
        gain_map: int = 0,
        video: int = 0,
        before_video: int = 0,
    ) -> "Metadata":
        """What of it goes into the watermarked picture, which has ``orientation``, and behind
        which a gain map and a video of so many bytes, 0 for none, follow, and something else before
        the video.

        Thumbnails go, as they show the unwatermarked picture. ``gps`` also removes where it was
        taken, ``all`` everything but the colour profile, the orientation and the gain map.
        """
        turned = exif.only_orientation(orientation) if orientation > 1 else b""
        if strip == "all":
            return self._stripped(turned, gain_map)
        cleaned, notes = exif.without_previews(self.exif)
        packet = xmp.without_thumbnails(self.xmp)
        if len(packet) < len(self.xmp):
            notes += (exif.PREVIEWS,) if packet else ("XMP was dropped: it has previews",)
        packet = xmp.keep_promises(packet, gain_map, video, before_video)
        iptc, comments = keep_resources(self.iptc), self.comments
        if len(iptc) < len(self.iptc):
            notes += (RESOURCES,)
        if strip == "gps":
            found = (cleaned, packet, comments)
            cleaned, packet = exif.without_gps(cleaned), xmp.without_gps(packet)
            notes += (exif.DAMAGED,) if found[0] and not cleaned else ()
            comments = tuple(each for each in comments if b"gps" not in each.content.lower())
            if found != (cleaned, packet, comments):
                notes += (LOCATION,)
        return Metadata(self.icc, cleaned or turned, packet, iptc, comments, (*self.notes, *notes))

    def _stripped(self, turned: bytes, gain_map: int) -> "Metadata":
        parts = {"EXIF": self.exif, "XMP": self.xmp, "IPTC": self.iptc, "comments": self.comments}
        names = ", ".join(name for name, value in parts.items() if value and value != turned)
        notes = (f"dropped, as the profile requires: {names}",) if names else ()
        needs_xmp = gain_map and xmp.has(self.xmp, xmp.GAIN_MAP)
        packet = xmp.of_gain_map(gain_map) if needs_xmp else b""
        return Metadata(self.icc, turned, packet, notes=(*self.notes, *notes))

    def without(self, names: Collection[str]) -> "Metadata":
        """For a format that has no place for these fields, "exif" and so on."""
        titles = {"icc": "the colour profile", "comments": "comments"}
        lost = [titles.get(name, name.upper()) for name in sorted(names) if getattr(self, name)]
        note = NO_PLACE % ", ".join(lost)
        values = {name: getattr(self, name) for name in ("icc", "exif", "xmp", "iptc")}
        left = {name: value for name, value in values.items() if name not in names}
        comments = () if "comments" in names else self.comments
        return Metadata(**left, comments=comments, notes=(*self.notes, *([note] if lost else [])))


def note_parts(
    title: str, names: Iterable[bytes], common: Mapping[bytes, str] = {}
) -> tuple[str, ...]:
    """A note that parts of a file with such names were dropped; the names are anybody's.
    ``common`` says what people call some of them."""
    shown = []
    for name in dict.fromkeys(names):
        safe = re.sub(rb"[^A-Za-z0-9_/.+-]", b"?", name[:_LONGEST_NAME].strip()).decode()
        shown.append(f"{safe} ({common[name]})" if name in common else safe)
    if not shown:
        return ()
    more = ", …" if len(shown) > MOST_SHOWN else ""
    return (f"{title} were dropped: {', '.join(shown[:MOST_SHOWN])}{more}",)


def note_trailer(behind: bytes) -> tuple[str, ...]:
    if behind[4:8] == b"ftyp":
        return (_OTHER_VIDEO,)
    return (TRAILER,) if behind.strip(b"\0") else ()


def keep_resources(block: bytes) -> bytes:
    """Photoshop's resources without previews; a damaged one goes, and all behind it."""
    kept, at = [], 0
    while block[at : at + 4] in _SIGNATURES and at + 12 <= len(block):
        number = int.from_bytes(block[at + 4 : at + 6])
        name = block[at + 6] + 1
        start = at + 6 + name + name % 2
        size = int.from_bytes(block[start : start + 4])
        end = start + 4 + size + size % 2
        if start + 4 + size > len(block):
            break
        resource = block[at:end]
        if number not in _PREVIEW_RESOURCES and _JPEG_START not in resource:
            kept.append(resource)
        at = end
    return b"".join(kept)
