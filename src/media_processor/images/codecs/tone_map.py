"""The gain map of a HEIC that ISO 21496-1 describes (``tmap``), carried over into a JPEG.

The item ``tmap`` (ISO/IEC 23008-12, amendment 1 of 2025) derives the HDR picture from two others,
the picture and its gain map. It holds a version, 0, and then what the map's segment has in a JPEG.
"""

import pi_heif
from PIL import Image

from media_processor.images.containers import gain_map, jpeg, nclx
from media_processor.images.containers.gain_map import GainMap
from media_processor.images.containers.isobmff import size_of
from media_processor.images.containers.items import Items, items_of
from media_processor.images.info import Size
from media_processor.images.pillow import encode_image, to_eight_bits
from media_processor.limits import Limits

_QUALITY = 90
_MOST_BYTES = 1000  # three channels take 142


def read(data: bytes, size: Size, icc: bytes, limits: Limits) -> GainMap | None:
    """Nothing if there is none, or none that a JPEG can have. It lies as the picture is shown,
    which has this size and profile."""
    items = items_of(data)
    found = _find(items) if items else None
    if items is None or found is None:
        return None
    tone_map, number = found
    held = items.content(tone_map, _MOST_BYTES)
    described = _with_colours(items, tone_map, held[1:], icc)
    if held[:3] != bytes(3) or described is None:  # the version, and the least to be understood
        return None
    if not _has_its_depth(items, number):
        return None
    description, profile = described
    image = _decode(data, items, number)
    if image.size != size_of(items, number):  # libheif took another one
        return None
    if abs(image.width * size[1] - image.height * size[0]) > 0.02 * image.width * size[1]:
        return None
    made = encode_image(image, "JPEG", quality=_QUALITY, icc_profile=profile or None)
    segment = jpeg.write_segment(0xE2, gain_map.URN + description)
    return gain_map.read(made[:2] + segment + made[2:], limits, "none")


def _find(items: Items) -> tuple[int, int] | None:
    listed, primary = items.all(), items.primary
    for each in items.references():
        is_derived = each.kind == b"dimg" and len(each.targets) == 2 and each.targets[0] == primary
        if is_derived and each.source in listed and listed[each.source].kind == b"tmap":
            return each.source, each.targets[1]
    return None


def _with_colours(
    items: Items, tone_map: int, description: bytes, icc: bytes
) -> tuple[bytes, bytes] | None:
    """The description, and a profile for the map if the colours in which it applies aren't the
    picture's. Only the primaries matter. Nothing if they are others and have no profile."""
    flags = description[4:5]
    if not flags or flags[0] & gain_map.BASE_COLOURS:
        return description, b""
    primaries = nclx.UNSPECIFIED
    for box in items.properties(tone_map):
        if box.name == b"colr":
            held = bytes(items.data[box.start : box.end])
            if held[:4] in (b"prof", b"rICC"):
                return description, held[4:]
            primaries = int.from_bytes(held[4:6])
    own = nclx.primaries_of_profile(icc) if icc else nclx.primaries(items.data)
    if primaries not in (nclx.UNSPECIFIED, own):
        return None
    return description[:4] + bytes((flags[0] | gain_map.BASE_COLOURS,)) + description[5:], b""


def _has_its_depth(items: Items, number: int) -> bool:
    """pi_heif writes beyond its memory if deep grey turns out to have 8 bits, so that must be
    said twice: in ``hvcC`` (14496-15, 8.3.3.1.2) and in ``pixi`` (23008-12, 6.5.6)."""
    said = [box for part in items.parts(number) for box in items.properties(part)]
    coded = {(items.data[box.start + 17] & 7) + 8 for box in said if box.name == b"hvcC"}
    shown = {items.data[box.start + 5] for box in said if box.name == b"pixi"}
    return coded <= {8} or coded == shown


def _decode(data: bytes, items: Items, number: int) -> Image.Image:
    """libheif hands out no hidden or auxiliary item but as the primary one of a file."""
    changed = bytearray(data)
    start = items.boxes[b"pitm"].start
    size = 2 if data[start] == 0 else 4
    changed[start + 4 : start + 4 + size] = number.to_bytes(size)
    changed[items.all()[number].at + 3] &= 0xFE
    for each in items.references():
        if each.source == number and each.kind in (b"auxl", b"thmb"):
            changed[each.at - 4 : each.at] = b"skip"
    heif = pi_heif.open_heif(bytes(changed), convert_hdr_to_8bit=True)
    image = Image.frombytes(heif.mode, heif.size, heif.data, "raw", heif.mode, heif.stride)
    image = to_eight_bits(image)  # deep grey comes as it is
    return image if image.mode == "L" else image.convert("RGB")
