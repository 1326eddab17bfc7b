"""Names the application segments of a JPEG that nothing carries into the result."""

import re

from media_processor.images.exif import PREVIEWS
from media_processor.images.metadata import CREDENTIALS, MOST_SHOWN

_EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED = "extended XMP was dropped: a depth map, another picture, sound or a long history"
_JUMBF = "JUMBF data was dropped"
_APP0, _APP1, _APP2, _APP11, _APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xEE

_JFIF_BYTES = 14  # without a thumbnail

# MPF and gain maps, of which containers/appended.py speaks; what the colours are.
_KNOWN = {_APP2: (b"MPF\0", b"urn:iso:std:iso:ts:21496:-1\0"), _APP14: (b"Adobe",)}


class Losses:
    """``add`` each segment whose content isn't kept."""

    def __init__(self) -> None:
        self._notes: dict[str, None] = {}
        self._unknown: dict[str, None] = {}

    def add(self, marker: int, payload: bytes) -> None:
        if marker == _APP1 and payload.startswith(_EXTENDED_XMP):
            self._notes[_EXTENDED] = None
        elif marker == _APP11 and payload.startswith(b"JP"):  # JUMBF (ISO/IEC 19566-5)
            self._notes[CREDENTIALS if b"c2pa" in payload else _JUMBF] = None
        elif marker == _APP0 and payload.startswith((b"JFIF\0", b"JFXX\0")):
            if payload[:5] == b"JFXX\0" or len(payload) > _JFIF_BYTES:
                self._notes[PREVIEWS] = None
        elif not payload.startswith(_KNOWN.get(marker, ())):
            name = re.match(rb"[A-Za-z0-9 _.-]{3,20}", payload)
            named = f" ({name[0].decode().strip()})" if name else ""
            self._unknown[f"APP{marker - _APP0}{named}"] = None

    @property
    def notes(self) -> list[str]:
        # Credentials may take several segments, of which the first says what they are.
        found = [n for n in self._notes if n != _JUMBF or CREDENTIALS not in self._notes]
        if self._unknown:
            names = ", ".join(list(self._unknown)[:MOST_SHOWN])
            found.append(f"application data was dropped: {names}")
        return found
