"""The gain map of an iPhone's HEIC, turned into one of ISO 21496-1 for a JPEG.

Apple, "Applying Apple HDR effect to your photos": a sample, decoded from Rec. 709, means a
boost of 1 + (headroom - 1) * sample. How large the headroom is, newer maps say in XMP of their own
(HDRGainMapHeadroom), for older ones two values of the maker note do.
"""

import math
import struct

import pi_heif
from PIL import Image

from media_processor.images import xmp
from media_processor.images.containers import gain_map, jpeg
from media_processor.images.containers.gain_map import GainMap
from media_processor.images.containers.items import items_of
from media_processor.images.exif import EXIF_IFD, MAKER_NOTE_TAG, PREFIX, Tiff
from media_processor.images.pillow import encode_image

_KIND = "urn:com:apple:photo:2020:aux:hdrgainmap"
_MAKER = b"Apple iOS\0\0\1MM"
_HEADROOM, _GAIN = 0x21, 0x30
_SIGNED_RATIONAL = 10
_QUALITY = 90
_MOST_STOPS = 8.0
_MOST_XMP = 1 << 20


def read(data: bytes, heif: pi_heif.HeifFile, exif: bytes) -> GainMap | None:
    """Nothing if there is none, or if its headroom isn't known: Apple calls such a map not valid.
    It lies as the picture is shown."""
    found = (heif.info.get("aux") or {}).get(_KIND)
    stops = (_stated_stops(data, found[0]) or _stops(exif)) if found else 0.0
    if not found or not stops:
        return None
    auxiliary = heif.get_aux_image(found[0])
    mode, size = auxiliary.mode, auxiliary.size
    image = Image.frombytes(mode, size, auxiliary.data, "raw", mode, auxiliary.stride).convert("L")
    if abs(size[0] * heif.size[1] - size[1] * heif.size[0]) > 0.02 * size[0] * heif.size[1]:
        return None
    image = image.point([_code(sample, stops) for sample in range(256)])
    segment = jpeg.write_segment(0xE2, gain_map.URN + gain_map.iso_metadata(stops))
    return GainMap(encode_image(image, "JPEG", quality=_QUALITY), size, segment, (0,))


def _code(sample: int, stops: float) -> int:
    value = sample / 255
    linear = value / 4.5 if value < 0.081 else ((value + 0.099) / 1.099) ** (1 / 0.45)
    return round(255 * math.log2(1 + (2**stops - 1) * linear) / stops)


def _stated_stops(data: bytes, number: int) -> float:
    items = items_of(data)
    for each in items.references() if items else ():
        if items and each.kind == b"cdsc" and number in each.targets:
            packet = items.content(each.source, _MOST_XMP)
            said = xmp.numbers(packet, xmp.APPLE_GAIN_MAP, b"HDRGainMapHeadroom")
            if said and math.isfinite(said[0]) and said[0] > 1:
                return min(math.log2(said[0]), _MOST_STOPS)
    return 0.0


def _stops(exif: bytes) -> float:
    """The headroom as a power of two, 0 if it isn't known."""
    try:
        first, second = _maker_values(exif)
    except (ValueError, KeyError, struct.error, ZeroDivisionError):
        return 0.0
    if first < 1:
        stops = -20 * second + 1.8 if second <= 0.01 else -0.101 * second + 1.601
    else:
        stops = -70 * second + 3.0 if second <= 0.01 else -0.303 * second + 2.303
    return min(stops, _MOST_STOPS) if math.isfinite(stops) and stops > 0 else 0.0


def _maker_values(exif: bytes) -> tuple[float, float]:
    tiff = Tiff(exif.removeprefix(PREFIX))
    entry = tiff.find(tiff.directories()[EXIF_IFD], MAKER_NOTE_TAG)
    start, stop = tiff.value(entry) if entry else (0, 0)
    note = bytes(tiff.data[start:stop])
    if not note.startswith(_MAKER):
        raise ValueError("not Apple's")
    (count,) = struct.unpack_from(">H", note, len(_MAKER))
    values = {}
    for at in range(len(_MAKER) + 2, len(_MAKER) + 2 + 12 * min(count, 200), 12):
        tag, kind, _, place = struct.unpack_from(">HHII", note, at)
        if kind == _SIGNED_RATIONAL and tag in (_HEADROOM, _GAIN):
            above, below = struct.unpack_from(">ii", note, place)
            values[tag] = above / below
    return values[_HEADROOM], values[_GAIN]
