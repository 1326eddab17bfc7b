"""JPEGs with more behind the picture, as phones write them, and readers of them by the formats' own
words: Ultra HDR, ISO 21496-1, Apple's gain maps, motion photos."""

import struct
from dataclasses import dataclass
from io import BytesIO

import pillow_heif
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from .pictures import encoded, photo

URN = b"urn:iso:std:iso:ts:21496:-1\0"
XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
VIDEO = b"".join(
    struct.pack(">I4s", 8 + len(content), name) + content
    for name, content in (
        (b"ftyp", b"mp42\0\0\0\0mp42isom"),
        (b"moov", b"the tracks"),
        (b"mdat", bytes(range(256)) * 20),
    )
)
APPLE_XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF "
    b"xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' "
    b"xmlns:apdi='http://ns.apple.com/pixeldatainfo/1.0/' "
    b"xmlns:HDRGainMap='http://ns.apple.com/HDRGainMap/1.0/' "
    b"apdi:AuxiliaryImageType='urn:com:apple:photo:2020:aux:hdrgainmap' "
    b"HDRGainMap:HDRGainMapVersion='65536'/></rdf:RDF></x:xmpmeta>"
)


def segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2) + payload


def with_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Behind JFIF's."""
    return jpeg[:20] + b"".join(segments) + jpeg[20:]


def xmp_packet(attributes: str = "", inside: str = "") -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
        'xmlns:GCamera="http://ns.google.com/photos/1.0/camera/" '
        'xmlns:Container="http://ns.google.com/photos/1.0/container/" '
        'xmlns:Item="http://ns.google.com/photos/1.0/container/item/" '
        f'dc:source="a phone" {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def directory(*items: tuple[str, str, int], padding: int = 0) -> str:
    """Of semantic, media type and length, behind the picture."""
    first = (
        f'<Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg" Item:Padding="{padding}"/>'
    )
    others = [
        f'<Container:Item Item:Semantic="{semantic}" Item:Mime="{mime}" Item:Length="{length}"/>'
        for semantic, mime, length in items
    ]
    parts = "".join(
        f'<rdf:li rdf:parseType="Resource">{item}</rdf:li>' for item in (first, *others)
    )
    return f"<Container:Directory><rdf:Seq>{parts}</rdf:Seq></Container:Directory>"


def mpf(attributes: list[int]) -> bytes:
    """An index with room for so many pictures, little-endian as no other part is."""
    count = len(attributes)
    head = struct.pack("<2sHIH", b"II", 42, 8, 3)
    entries = struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    entries += struct.pack("<HHII", 0xB001, 4, 1, count)
    entries += struct.pack("<HHII", 0xB002, 7, 16 * count, 8 + 2 + 36 + 4)
    places = b"".join(struct.pack("<IIIHH", kind, 0, 0, 0, 0) for kind in attributes)
    return b"MPF\0" + head + entries + bytes(4) + places


def with_index(jpeg: bytes, *others: bytes) -> bytes:
    """The file of ``jpeg``, whose index is empty, and pictures behind it."""
    at = jpeg.index(b"MPF\0II*\0") + 4
    start, size, data = at + 8 + 2 + 36 + 4, len(jpeg), bytearray(jpeg)
    struct.pack_into("<II", data, start + 4, size, 0)
    for number, other in enumerate(others, start=1):
        struct.pack_into("<II", data, start + 16 * number + 4, len(other), size - at)
        size += len(other)
    return bytes(data) + b"".join(others)


@dataclass(frozen=True)
class Curve:
    """What a sample means: powers of two, and gamma."""

    low: float = 0.0
    high: float = 3.0
    gamma: float = 1.0

    def boost(self, sample: float) -> float:
        share = (sample / 255) ** (1 / self.gamma)
        return float(2 ** (self.low * (1 - share) + self.high * share))

    @property
    def xmp(self) -> str:
        return (
            f'hdrgm:Version="1.0" hdrgm:GainMapMin="{self.low}" hdrgm:GainMapMax="{self.high}" '
            f'hdrgm:Gamma="{self.gamma}" hdrgm:HDRCapacityMax="{self.high}"'
        )

    @property
    def iso(self) -> bytes:
        def ratio(value: float, letter: str) -> bytes:
            return struct.pack(f">{letter}I", round(value * 10_000), 10_000)

        parts = [ratio(0, "I"), ratio(self.high, "I")]
        parts += [ratio(self.low, "i"), ratio(self.high, "i"), ratio(self.gamma, "I")]
        return struct.pack(">HHB", 0, 0, 0x40) + b"".join([*parts, *[ratio(1 / 64, "i")] * 2])

    @property
    def iso_with_common_denominator(self) -> bytes:
        numbers = [round(value * 10_000) for value in (self.low, self.high, self.gamma)]
        numbers += [156, 156]
        head = struct.pack(">HHBIII", 0, 0, 0x48, 10_000, 0, round(self.high * 10_000))
        return head + struct.pack(">iiIii", *numbers)


def gain_map(size: tuple[int, int] = (100, 76), mode: str = "L", *segments: bytes) -> bytes:
    return with_segments(encoded(photo(size, mode), "JPEG", quality=90), *segments)


def ultra_hdr(
    picture: bytes | None = None,
    map_jpeg: bytes | None = None,
    curve: Curve = Curve(),
    video: bytes = b"",
    *,
    index: bool = True,
    xmp: bool = True,
    iso: bytes = b"",
    padding: int = 0,
) -> bytes:
    """As Android writes it; without ``xmp`` as ISO 21496-1 has it."""
    picture = picture or encoded(photo((400, 300)), "JPEG", quality=85)
    map_segments = [segment(0xE1, XMP_MARK + xmp_packet(curve.xmp))] if xmp else []
    map_segments += [segment(0xE2, URN + iso)] if iso else []
    behind = with_segments(map_jpeg or gain_map(), *map_segments)
    items = [("GainMap", "image/jpeg", len(behind))]
    items += [("MotionPhoto", "video/mp4", len(video))] if video else []
    moves = 'GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"' if video else ""
    packet = xmp_packet(f'hdrgm:Version="1.0" {moves}', directory(*items, padding=padding))
    parts = [segment(0xE1, XMP_MARK + packet)] if xmp else []
    parts += [segment(0xE2, URN + bytes(4))] if iso else []
    parts += [segment(0xE2, mpf([0x030000, 0]))] if index else []
    picture = with_segments(picture, *parts)
    whole = with_index(picture, behind) if index else picture + bytes(padding) + behind
    return whole + video


def apple(picture: bytes | None = None, *more: bytes) -> bytes:
    """A gain map that the index alone names, beside ``more`` pictures before it."""
    picture = picture or encoded(photo((400, 300)), "JPEG", quality=85)
    picture = with_segments(picture, segment(0xE2, mpf([0x030000, *[0] * len(more), 0])))
    behind = gain_map((100, 76), "L", segment(0xE1, XMP_MARK + APPLE_XMP))
    return with_index(picture, *more, behind)


def motion_photo(video: bytes = VIDEO, *, micro: bool = False, said: int | None = None) -> bytes:
    """``micro`` is the older form; ``said`` the length that it has by its own words."""
    length = len(video) if said is None else said
    if micro:
        packet = xmp_packet(
            'GCamera:MicroVideo="1" GCamera:MicroVideoVersion="1" '
            f'GCamera:MicroVideoOffset="{length}"'
        )
    else:
        inside = directory(("MotionPhoto", "video/mp4", length))
        packet = xmp_packet('GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"', inside)
    picture = encoded(photo((400, 300)), "JPEG", quality=85)
    return with_segments(picture, segment(0xE1, XMP_MARK + packet)) + video


UTC_BLOCK = (0x0A01, b"Image_UTC_Data", b"1700000000123")
VERSION_BLOCK = (0x0A31, b"MotionPhoto_Version", b"mpv3")


def sef(*blocks: tuple[int, bytes, bytes]) -> bytes:
    """Samsung's trailer, of type, name and content of each block."""
    written = [struct.pack("<HHI", 0, kind, len(name)) + name + data for kind, name, data in blocks]
    lengths = [len(block) for block in written]
    directory = struct.pack("<4sII", b"SEFH", 107, len(blocks))
    for number, (kind, _, _) in enumerate(blocks):
        directory += struct.pack("<HHII", 0, kind, sum(lengths[number:]), lengths[number])
    return b"".join([*written, directory, struct.pack("<I4s", len(directory), b"SEFT")])


def samsung(*blocks: tuple[int, bytes, bytes], xmp: bool = False, video: bytes = VIDEO) -> bytes:
    """A Galaxy's motion photo; the newer ones have ``xmp``, too."""
    video_block = (0x0A30, b"MotionPhoto_Data", video)
    trailer = sef(*(blocks or (UTC_BLOCK, VERSION_BLOCK)), video_block)
    picture = encoded(photo((400, 300)), "JPEG", quality=85)
    if xmp:
        at = trailer.index(video[:12])
        inside = directory(("MotionPhoto", "video/mp4", len(trailer) - at), padding=at)
        packet = xmp_packet('GCamera:MotionPhoto="1" GCamera:MotionPhotoVersion="1"', inside)
        picture = with_segments(picture, segment(0xE1, XMP_MARK + packet))
    return picture + trailer


def huawei(texts: int, video: bytes = VIDEO) -> bytes:
    """So many texts of 20 characters follow the video."""
    said = ["v2_f30", "0:1477", f"LIVE_{len(video)}"][-texts:]
    trailer = "".join(text.ljust(20) for text in said).encode()
    return encoded(photo((400, 300)), "JPEG", quality=85) + video + trailer


def second_picture(data: bytes) -> bytes:
    """The JPEG that the index names as the second, by Pillow's reader."""
    image = JpegImageFile(BytesIO(data))
    index = image._getmp()
    assert index is not None
    first, second = index[0xB002]
    start = image.info["mpoffset"] + second["DataOffset"]
    assert first["Size"] == start, "nothing lies between"
    return data[start : start + second["Size"]]


def iphone_heic(picture: Image.Image, maker_note: tuple[float, float] | None) -> bytes:
    """Grey, as the library that writes it has no other way: its thumbnail is made a gain map.
    ``maker_note`` are the values 33 and 48 of Apple's."""
    exif = b"Exif\0\0" + camera_exif(apple_note(*maker_note) if maker_note else b"another's")
    whole = pillow_heif.from_pillow(picture.convert("L"))
    whole.info["thumbnails"] = [picture.width // 4]
    file = BytesIO()
    whole.save(file, quality=90, exif=exif)
    data = file.getvalue().replace(b"thmb", b"auxl")
    kind = b"urn:com:apple:photo:2020:aux:hdrgainmap\0"
    auxiliary = struct.pack(">I4sI", 12 + len(kind), b"auxC", 0) + kind
    properties = data.index(b"ipco") - 4
    end = properties + int.from_bytes(data[properties : properties + 4])
    # The property's number, from 1, is told to the second item of ``ipma``.
    number, at = 0, properties + 8
    while at < end:
        at, number = at + int.from_bytes(data[at : at + 4]), number + 1
    data = grown(data, end, auxiliary, b"meta", b"iprp", b"ipco")
    entry = data.index(b"ipma") + 12
    entry += 3 + data[entry + 2]
    assert data[entry : entry + 2] in (b"\0\2", b"\0\3")  # EXIF is an item, too
    data = data[: entry + 2] + bytes((data[entry + 2] + 1,)) + data[entry + 3 :]
    return grown(data, entry + 3, bytes((number + 1,)), b"meta", b"iprp", b"ipma")


def grown(data: bytes, at: int, new: bytes, *boxes: bytes) -> bytes:
    """With ``new`` inserted in these boxes, and the places of the items (``iloc``) adjusted."""
    longer = bytearray(data[:at] + new + data[at:])
    for name in boxes:
        place = data.index(name) - 4
        size = int.from_bytes(data[place : place + 4]) + len(new)
        longer[place : place + 4] = size.to_bytes(4)
    # Version 0 or 1, with offsets of 4 bytes: the pixels lie behind what has grown.
    at = data.index(b"iloc") + 4
    version, sizes, base_size = longer[at], longer[at + 4], longer[at + 5] >> 4
    count, at = int.from_bytes(longer[at + 6 : at + 8]), at + 8
    for _ in range(count):
        at += 6 if version else 4
        at = _move(longer, at, base_size, len(new))
        extents, at = int.from_bytes(longer[at : at + 2]), at + 2
        for _ in range(extents):
            at = _move(longer, at, sizes >> 4 if not base_size else 0, len(new))
            at += (sizes & 15) + (sizes >> 4 if base_size else 0)
    return bytes(longer)


def _move(data: bytearray, at: int, size: int, by: int) -> int:
    if size:
        data[at : at + size] = (int.from_bytes(data[at : at + size]) + by).to_bytes(size)
    return at + size


def apple_note(headroom: float, gain: float) -> bytes:
    entries = struct.pack(">HHII", 0x21, 10, 1, 42) + struct.pack(">HHII", 0x30, 10, 1, 50)
    values = b"".join(struct.pack(">ii", round(n * 10_000), 10_000) for n in (headroom, gain))
    return b"Apple iOS\0\0\1MM" + struct.pack(">H", 2) + entries + bytes(2) + values


def camera_exif(note: bytes, behind: bytes = b"") -> bytes:
    """IFD0 with make and EXIF; EXIF with a comment and a MakerNote; then what nothing names."""
    exif_ifd = 8 + 2 + 24 + 4
    values = exif_ifd + 2 + 24 + 4
    comment = b"ASCII\0\0\0a comment"
    return b"".join(
        [
            struct.pack("<2sHI", b"II", 42, 8),
            struct.pack("<H", 2),
            struct.pack("<HHI4s", 0x010F, 2, 4, b"Cam\0"),
            struct.pack("<HHII", 0x8769, 4, 1, exif_ifd),
            bytes(4),
            struct.pack("<H", 2),
            struct.pack("<HHII", 0x927C, 7, len(note), values + len(comment)),
            struct.pack("<HHII", 0x9286, 7, len(comment), values),
            bytes(4),
            comment,
            note,
            behind,
        ]
    )
