"""Gain maps: small pictures behind a JPEG that say how much brighter each place is in HDR.

A sample s (0 to 1) means a boost of 2 ^ (minimum + (maximum - minimum) * s ^ (1 / gamma)).
Ultra HDR Image Format 1.1 says so in XMP (hdrgm), ISO 21496-1 in binary form; Apple's own maps
of before 2024 begin at a boost of 1.
"""

import math
import struct
from dataclasses import dataclass

from media_processor.errors import MediaProcessorError
from media_processor.images import exif, xmp
from media_processor.images.containers import jpeg
from media_processor.images.info import Size
from media_processor.images.metadata import Strip
from media_processor.limits import Limits

URN = b"urn:iso:std:iso:ts:21496:-1\0"
_APPLE = b"urn:com:apple:photo:2020:aux:hdrgainmap"
BASE_COLOURS = 0x40
_MULTICHANNEL, _COMMON_DENOMINATOR = 0x80, 0x08
_JPEG_START = b"\xff\xd8\xff"

Curve = tuple[float, float, float]
"""Minimum and maximum, both as powers of two, and gamma."""


@dataclass(frozen=True)
class GainMap:
    """``data`` is a JPEG, ``segments`` what of its metadata stays; ``neutral`` are the samples
    that mean a boost of 1, one for grey, or three; of a map that has none, the closest ones."""

    data: bytes
    size: Size
    segments: bytes
    neutral: tuple[int, ...]
    has_neutral: bool = True


def read(data: bytes, limits: Limits, strip: Strip) -> GainMap | None:
    """Nothing if it is no gain map, or one that can't be read."""
    if not data.startswith(_JPEG_START):
        return None
    try:
        info = jpeg.read_info(data, limits)
        info.check(limits)
        info.check_memory(limits)
        curves = _curves(data, limits)
        if not curves:
            return None
        channels = 1 if jpeg.components(data) == 1 else 3
    except (MediaProcessorError, IndexError, ValueError, struct.error, ArithmeticError):
        return None
    if jpeg.components(data) == 4:
        return None
    samples = [_neutral(curve) for curve in curves]
    neutral = tuple((samples * channels)[:channels]) if len(samples) < channels else samples
    return GainMap(
        data,
        (info.width, info.height),
        _segments(data, strip),
        tuple(neutral[:channels]),
        all(low <= 0 <= high for low, high, _ in curves),
    )


def iso_metadata(stops: float) -> bytes:
    """Of one channel of boosts from 1 to 2 ^ ``stops``, which are the display's headroom."""
    unit = 1 << 16
    high, none, one = (round(stops * unit), unit), (0, unit), (unit, unit)
    head = struct.pack(">HHB", 0, 0, BASE_COLOURS)
    return head + struct.pack(">14I", *none, *high, *none, *high, *one, *none, *none)


def _curves(data: bytes, limits: Limits) -> list[Curve]:
    for segment in jpeg.segments(data):
        if segment.marker == jpeg.SOS:
            break
        payload = data[segment.start + 4 : segment.end]
        if segment.marker == 0xE2 and payload.startswith(URN) and len(payload) > len(URN) + 4:
            return _iso_curves(payload[len(URN) :])
    packet = jpeg.read_metadata(data, limits).xmp
    if xmp.has(packet, xmp.GAIN_MAP) and xmp.find(packet, xmp.GAIN_MAP, b"Version"):
        return _xmp_curves(packet)
    if xmp.has(packet, xmp.APPLE_GAIN_MAP) or _APPLE in packet:
        return [(0.0, 1.0, 1.0)]
    return []


def _iso_curves(payload: bytes) -> list[Curve]:
    # Annex C.2: two versions of 16 bits, flags, two headrooms, then for each channel minimum,
    # maximum, gamma and two offsets; each is a numerator with a denominator, or all share one.
    flags = payload[4]
    shared = flags & _COMMON_DENOMINATOR
    at = 5 + (12 if shared else 16)
    curves = []
    for _ in range(3 if flags & _MULTICHANNEL else 1):
        if shared:
            low, high, gamma, _, _ = struct.unpack_from(">iiIii", payload, at)
            below = [struct.unpack_from(">I", payload, 5)[0]] * 3
            at += 20
        else:
            values = struct.unpack_from(">iIiIIIiIiI", payload, at)
            (low, high, gamma), below = values[:6:2], list(values[1:6:2])
            at += 40
        curves.append((low / below[0], high / below[1], gamma / below[2]))
    return curves


def _xmp_curves(packet: bytes) -> list[Curve]:
    low, high, gamma = (
        xmp.numbers(packet, xmp.GAIN_MAP, name) for name in (b"GainMapMin", b"GainMapMax", b"Gamma")
    )
    low, high, gamma = low or [0.0], high or [1.0], gamma or [1.0]
    count = max(len(low), len(high), len(gamma))
    return [(low[n % len(low)], high[n % len(high)], gamma[n % len(gamma)]) for n in range(count)]


def _neutral(curve: Curve) -> int:
    low, high, gamma = curve
    if not all(map(math.isfinite, curve)) or high <= low or not 0 < gamma <= 100:
        return 0
    share = min(1.0, max(0.0, -low / (high - low)))
    return round(255 * math.pow(share, gamma))


def _segments(data: bytes, strip: Strip) -> bytes:
    """Those of the map but JFIF's and Adobe's, without previews, and without EXIF and the GPS of
    XMP if anything is stripped."""
    pieces = []
    for segment in jpeg.segments(data):
        if segment.marker == jpeg.SOS:
            break
        if not jpeg.is_application(segment.marker) or segment.marker in (jpeg.APP0, jpeg.APP14):
            continue
        whole = data[segment.start : segment.end]
        if whole[4:10] == exif.PREFIX and segment.marker == 0xE1:
            cleaned = exif.without_previews(whole[10:]).payload if strip == "none" else b""
            whole = jpeg.write_segment(0xE1, exif.PREFIX + cleaned) if cleaned else b""
        elif whole[4:].startswith(jpeg.XMP) and strip != "none":
            packet = xmp.without_gps(whole[4 + len(jpeg.XMP) :])
            whole = jpeg.write_segment(0xE1, jpeg.XMP + packet)
        if _JPEG_START not in whole:
            pieces.append(whole)
    return b"".join(pieces)
