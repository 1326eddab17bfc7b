"""Just enough XMP: what it says about other parts of the file, and how to take something out.

A packet is XML (XMP specification part 1), in which a property is an attribute or an element.
It comes from anybody, so it is never parsed: names are looked for, in time proportional to its
length, and no entity is ever expanded.

What it may say of what lies behind a JPEG: Container:Directory lists the file's items in their
order with their lengths (Ultra HDR Image Format 1.1; Motion Photo format 1.0);
GCamera:MicroVideoOffset is how far a video begins before the end of the file.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

NAMESPACE = b"http://ns.adobe.com/xap/1.0/"
GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/1.0/"
APPLE_GAIN_MAP = b"http://ns.apple.com/HDRGainMap/1.0/"
CAMERA = b"http://ns.google.com/photos/1.0/camera/"
CONTAINER = b"http://ns.google.com/photos/1.0/container/"
ITEM = b"http://ns.google.com/photos/1.0/container/item/"
_EXTENSION = b"http://ns.adobe.com/xmp/note/"
# Of a depth map, a second picture or a sound, in extended XMP or behind the picture.
_ELSEWHERE = [
    b"http://ns.google.com/photos/" + name
    for name in (b"1.0/depthmap/", b"1.0/image/", b"1.0/audio/", b"dd/1.0/device/")
]

# Some readers look for these, whatever they are bound to.
_USUAL = {GAIN_MAP: b"hdrgm", CAMERA: b"GCamera"}

_BOUND = re.compile(rb"xmlns:([\w.-]{1,40})\s*=\s*[\"']([^\"'<>]{1,200})[\"']")
_NUMBER = re.compile(rb"[-+]?\d{1,12}(?:\.\d{1,20})?(?:[eE][-+]?\d{1,2})?")
_ANY = rb"[\w.-]+"
_GPS = rb"[\w.-]+:[gG][pP][sS][\w.-]*"
_MOST_ITEMS = 100

Range = tuple[int, int]


def without_thumbnails(packet: bytes) -> bytes:
    """``b""`` if there are any in a form that isn't known."""
    for prefix in {b"xmp", b"xap", *_prefixes(packet, NAMESPACE)}:
        packet = _without(packet, re.escape(prefix) + b":Thumbnails")
    return b"" if b"Thumbnails" in packet else packet


def without_gps(packet: bytes) -> bytes:
    """Without the properties of any namespace whose names begin with GPS."""
    return _without(packet, _GPS)


def find(packet: bytes, namespace: bytes, name: bytes) -> bytes | None:
    """A property's value where it is simple, else what its element holds."""
    for prefix in _prefixes(packet, namespace):
        full = re.escape(prefix + b":" + name)
        found = re.search(rb"\s" + full + rb"\s*=\s*(?:\"([^\"<]*)\"|'([^'<]*)')", packet)
        if found:
            return found[1] if found[1] is not None else found[2]
        for start, end in _elements(packet, full):
            return packet[packet.find(b">", start) + 1 : packet.rfind(b"<", start, end)]
    return None


def numbers(packet: bytes, namespace: bytes, name: bytes) -> list[float]:
    """Of a number, or of a list of at most three."""
    found = find(packet, namespace, name)
    if found is None:
        return []
    text = re.sub(rb"<[^<>]*>", b" ", found)
    return [float(number) for number in _NUMBER.findall(text)[:3]]


def has(packet: bytes, namespace: bytes) -> bool:
    return bool(_prefixes(packet, namespace))


@dataclass(frozen=True)
class Item:
    """One of Container:Directory's: ``length`` bytes, then ``padding``. The first is the
    picture."""

    semantic: bytes
    length: int
    padding: int
    place: Range


def items(packet: bytes) -> list[Item]:
    directory = next(iter(_named(packet, CONTAINER, b"Directory")), None)
    if directory is None:
        return []
    bound, found = _prefixes(packet, ITEM), []
    for first, last in islice(_elements(packet, rb"rdf:li", *directory), _MOST_ITEMS):
        part = packet[first:last]
        semantic, length, padding = (
            _of_item(bound, part, name) for name in (b"Semantic", b"Length", b"Padding")
        )
        found.append(Item(semantic, _integer(length), _integer(padding), (first, last)))
    return found


def keep_promises(packet: bytes, gain_map: int = 0, video: int = 0, before_video: int = 0) -> bytes:
    """The packet for a file in which a gain map and then a video of so many bytes, 0 for none,
    follow the picture; ``before_video`` is what lies between."""
    lengths = {b"GainMap": gain_map, b"MotionPhoto": video}
    bound, padding = _prefixes(packet, ITEM), 0
    for number, item in reversed(list(enumerate(items(packet)))):
        start, end = item.place
        if number == 0:
            part = _with_number(bound, packet[start:end], b"Padding", padding)
            part = part.replace(b"image/heic", b"image/jpeg")  # which comes out as one
        elif length := lengths.get(item.semantic):
            part = _with_number(bound, packet[start:end], b"Padding", padding)
            part = _with_number(bound, part, b"Length", length)
            padding = before_video if item.semantic == b"MotionPhoto" else 0
        else:
            part = b""
        packet = packet[:start] + part + packet[end:]
    if len(items(packet)) < 2:
        packet = _without_namespace(packet, CONTAINER, b"Directory")
    if not gain_map:
        packet = _without_namespace(packet, GAIN_MAP, _ANY)
        packet = _without_namespace(packet, APPLE_GAIN_MAP, _ANY)
    if not video:
        packet = _without_namespace(packet, CAMERA, rb"(?:MotionPhoto|MicroVideo)\w*")
    packet = _without_namespace(packet, _EXTENSION, b"HasExtendedXMP")
    for namespace in _ELSEWHERE:
        packet = _without_namespace(packet, namespace, _ANY)
    return _with_number(_prefixes(packet, CAMERA), packet, b"MicroVideoOffset", video)


def has_video(packet: bytes) -> bool:
    """Whether it says that the picture is a motion photo."""
    return b"1" in (find(packet, CAMERA, b"MotionPhoto"), find(packet, CAMERA, b"MicroVideo"))


def of_gain_map(length: int) -> bytes:
    """A packet that says only that a gain map of so many bytes follows the picture."""
    items = (
        b'<Container:Item Item:Semantic="Primary" Item:Mime="image/jpeg"/>',
        b'<Container:Item Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="%d"/>'
        % length,
    )
    listed = b"".join(b'<rdf:li rdf:parseType="Resource">%s</rdf:li>' % item for item in items)
    names = ((b"hdrgm", GAIN_MAP), (b"Container", CONTAINER), (b"Item", ITEM))
    bound = b" ".join(b'xmlns:%s="%s"' % pair for pair in names)
    return (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description rdf:about="" %s hdrgm:Version="1.0"><Container:Directory><rdf:Seq>%s'
        b"</rdf:Seq></Container:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"
    ) % (bound, listed)


def without_padding(packet: bytes) -> bytes:
    """Without the white space for editing in place (part 1, 7.3.2)."""
    end = packet.rfind(b"<?xpacket")
    return packet[:end].rstrip() + packet[end:] if end > 0 else packet


def _prefixes(packet: bytes, namespace: bytes) -> list[bytes]:
    usual = _USUAL.get(namespace)
    found = {usual} if usual and usual + b":" in packet else set[bytes]()
    if namespace in packet:
        found |= {match[1] for match in _BOUND.finditer(packet) if match[2] == namespace}
    return sorted(found)[:8]


def _named(packet: bytes, namespace: bytes, name: bytes) -> Iterator[Range]:
    for prefix in _prefixes(packet, namespace):
        yield from _elements(packet, re.escape(prefix + b":" + name))


def _elements(packet: bytes, name: bytes, at: int = 0, end: int | None = None) -> Iterator[Range]:
    """Each element of that name (a regular expression), from its first to its last byte."""
    end = len(packet) if end is None else end
    opening = re.compile(rb"<(" + name + rb")(?=[\s/>])[^<>]*>")
    while found := opening.search(packet, at, end):
        at = found.end()
        if not found[0].endswith(b"/>"):
            closing = packet.find(b"</" + found[1], at, end)
            at = packet.find(b">", closing, end) + 1 if closing >= 0 else 0
        if not at:
            return
        yield found.start(), at


def _without(packet: bytes, name: bytes) -> bytes:
    pieces, at = [], 0
    for start, end in _elements(packet, name):
        pieces.append(packet[at:start])
        at = end
    packet = b"".join([*pieces, packet[at:]])
    return re.sub(rb"\s" + name + rb"\s*=\s*(?:\"[^\"<]*\"|'[^'<]*')", b"", packet)


def _without_namespace(packet: bytes, namespace: bytes, names: bytes) -> bytes:
    for prefix in _prefixes(packet, namespace):
        packet = _without(packet, re.escape(prefix) + b":" + names)
    return packet


def _of_item(prefixes: list[bytes], part: bytes, name: bytes) -> bytes:
    for prefix in prefixes:
        full = re.escape(prefix + b":" + name)
        found = re.search(full + rb"\s*(?:=\s*[\"']|>)\s*([^\"'<>]{1,100})", part)
        if found:
            return found[1].strip()
    return b""


def _with_number(prefixes: list[bytes], part: bytes, name: bytes, number: int) -> bytes:
    for prefix in prefixes:
        full = re.escape(prefix + b":" + name)
        part = re.sub(
            rb"(" + full + rb"\s*(?:=\s*[\"']|>)\s*)\d{1,12}",
            lambda match: match[1] + b"%d" % number,
            part,
        )
    return part


def _integer(text: bytes) -> int:
    return int(text) if text.isdigit() and len(text) <= 12 else 0
