"""Text chunks of a PNG (W3C PNG, third edition, 11.3.3), and EXIF in one of them.

ImageMagick's way of old: the keyword "Raw profile type exif", then a name, a length and
hexadecimal digits. "APP1" holds what a JPEG's segment does, so EXIF or XMP; "8bim" and "iptc" hold
Photoshop's resources.
"""

import re
import zlib
from typing import NamedTuple

from media_processor.images import exif
from media_processor.images.metadata import RESOURCES, Comment, keep_resources
from media_processor.limits import Limits

_KEYWORD = re.compile(rb"Raw profile type (exif|APP1|xmp)\0", re.IGNORECASE)
_RESOURCES = re.compile(rb"Raw profile type (8bim|iptc)\0", re.IGNORECASE)
_DIGITS = re.compile(rb"\s*[^\n]{1,40}\n\s*\d{1,10}\s([0-9a-fA-F\s]*)")
_XMP_IN_JPEG = b"http://ns.adobe.com/xap/1.0/\0"


class RawProfile(NamedTuple):
    """``exif`` without ``Exif\\0\\0``; both are ``b""`` if it is damaged."""

    exif: bytes = b""
    xmp: bytes = b""


class Texts:
    """The text chunks of a picture: ``kept`` as they are; of some the ``exif`` or ``xmp``."""

    def __init__(self, limits: Limits) -> None:
        self.kept: list[Comment] = []
        self.exif = self.xmp = b""
        self.notes: list[str] = []
        self._limits, self._room = limits, limits.metadata

    def add(self, name: bytes, payload: bytes) -> None:
        profile = raw_profile(name, payload, self._limits)
        if profile == RawProfile():
            self.notes.append("a text chunk with EXIF or XMP was dropped: it is damaged")
        elif profile:
            self.exif, self.xmp = profile.exif or self.exif, profile.xmp or self.xmp
        elif found := _read(name, payload, self._room):
            self._room -= len(found.content)
            cleaned = _without_previews(found)
            self.kept += [cleaned] if cleaned else []
            self.notes += [RESOURCES] if cleaned != found else []
        else:
            self.notes.append("text chunks were dropped: damaged, or too large")


def _read(name: bytes, payload: bytes, most: int) -> Comment | None:
    """Nothing if it is damaged, or has more than ``most`` bytes: decoders refuse a picture with
    such a text. ``stored`` is the chunk's name and payload."""
    keyword = payload.find(b"\0") + 1
    content = _content(name, payload[keyword:], most + 1)
    if not keyword or content is None or len(content) > most:
        return None
    return Comment(name + payload, payload[:keyword] + content)


def _without_previews(text: Comment) -> Comment | None:
    """Nothing if nothing is left of it."""
    keyword = _RESOURCES.match(text.content)
    digits = _DIGITS.match(text.content[keyword.end() :]) if keyword else None
    if not keyword or not digits:
        return text
    found = _bytes_of(digits[1])
    kept = keep_resources(found)
    if not found.startswith(b"8BIM") or kept == found:
        return text
    written = b"\n%s\n%8d\n%s\n" % (keyword[1], len(kept), kept.hex().encode())
    stored = b"zTXt" + keyword[0] + b"\0" + zlib.compress(written)
    return Comment(stored, keyword[0] + written) if kept else None


def _bytes_of(digits: bytes) -> bytes:
    try:
        return bytes.fromhex(digits.decode())
    except ValueError:
        return b""


def raw_profile(name: bytes, payload: bytes, limits: Limits) -> RawProfile | None:
    """Nothing if it is another text."""
    keyword = _KEYWORD.match(payload)
    if not keyword:
        return None
    content = _content(name, payload[keyword.end() :], 3 * limits.metadata)
    digits = _DIGITS.match(content or b"")
    found = _bytes_of(digits[1]) if digits else b""
    if len(found) > limits.metadata:
        return RawProfile()
    if found.startswith(_XMP_IN_JPEG):
        return RawProfile(xmp=found[len(_XMP_IN_JPEG) :])
    if keyword[1].lower() == b"xmp":
        return RawProfile(xmp=found)
    found = found.removeprefix(exif.PREFIX)
    return RawProfile(found if found[:4] in exif.HEADERS else b"")


def _content(name: bytes, value: bytes, most: int) -> bytes | None:
    # Behind the keyword: of zTXt the method, of iTXt a flag, the method, language, translation.
    compressed = name == b"zTXt" or (name == b"iTXt" and value[:1] != b"\0")
    if name == b"iTXt":
        parts = value[2:].split(b"\0", 2)
        value = parts[2] if len(parts) == 3 else b""
    elif compressed:
        value = value[1:]
    if not compressed:
        return value
    try:
        return zlib.decompressobj().decompress(value, most)
    except zlib.error:
        return None
