"""What XMP says of other parts of a file is read, and taken out where it no longer holds."""

import time

import pytest

from media_processor.images import xmp

from .hdr_files import directory, xmp_packet

ULTRA = xmp_packet('hdrgm:Version="1.0"', directory(("GainMap", "image/jpeg", 1234)))
MOTION = xmp_packet(
    'GCamera:MotionPhoto="1" GCamera:MotionPhotoPresentationTimestampUs="5"',
    directory(("GainMap", "image/jpeg", 77), ("MotionPhoto", "video/mp4", 4321), padding=8),
)
ELEMENTS = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about='' xmlns:G='http://ns.google.com/photos/1.0/container/'
 xmlns:I='http://ns.google.com/photos/1.0/container/item/' xmlns:c='http://ns.google.com/photos/1.0/camera/'>
<c:MotionPhoto>1</c:MotionPhoto><c:MicroVideoOffset> 99 </c:MicroVideoOffset>
<G:Directory><rdf:Seq><rdf:li rdf:parseType="Resource"><G:Item rdf:parseType="Resource">
<I:Semantic>Primary</I:Semantic></G:Item></rdf:li><rdf:li rdf:parseType="Resource"><G:Item
 rdf:parseType="Resource"><I:Semantic>MotionPhoto</I:Semantic><I:Length>99</I:Length></G:Item></rdf:li>
</rdf:Seq></G:Directory></rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_the_items_are_read() -> None:
    found = xmp.items(MOTION)
    assert [(item.semantic, item.length, item.padding) for item in found] == [
        (b"Primary", 0, 8),
        (b"GainMap", 77, 0),
        (b"MotionPhoto", 4321, 0),
    ]
    assert [(item.semantic, item.length) for item in xmp.items(ELEMENTS)] == [
        (b"Primary", 0),
        (b"MotionPhoto", 99),
    ]


def test_what_is_there_gets_its_length() -> None:
    found = xmp.keep_promises(MOTION, gain_map=5, video=1_000_000)
    assert [item.length for item in xmp.items(found)] == [0, 5, 1_000_000]
    assert xmp.items(found)[0].padding == 0
    assert b'GCamera:MotionPhoto="1"' in found
    found = xmp.keep_promises(ELEMENTS, video=12)
    assert b"<c:MicroVideoOffset> 12 </c:MicroVideoOffset>" in found
    assert b"<I:Length>12</I:Length>" in found


def test_what_is_not_there_is_not_spoken_of() -> None:
    found = xmp.keep_promises(MOTION, gain_map=5)
    assert [item.semantic for item in xmp.items(found)] == [b"Primary", b"GainMap"]
    assert b"MotionPhoto" not in found
    assert b"Motion" not in xmp.keep_promises(ELEMENTS)
    assert b"Directory" not in xmp.keep_promises(ELEMENTS)
    plain = xmp.keep_promises(ULTRA)
    assert b"hdrgm:Version" not in plain
    assert b"Directory" not in plain
    assert b'dc:source="a phone"' in plain


def test_usual_prefixes_count_even_if_they_are_not_bound() -> None:
    damaged = ULTRA.replace(xmp.GAIN_MAP, b"http://ns.adobe.com/hdr-gain-mop/1.0/")
    assert b"hdrgm:Version" not in xmp.keep_promises(damaged)


def test_extended_xmp_and_what_it_holds_are_not_spoken_of() -> None:
    packet = (
        b'<x xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="ABC" '
        b'xmlns:GDepth="http://ns.google.com/photos/1.0/depthmap/" GDepth:Near="1" mine="2"/>'
    )
    found = xmp.keep_promises(packet)
    assert b"HasExtendedXMP" not in found
    assert b"GDepth:Near" not in found
    assert b'mine="2"/>' in found


@pytest.mark.parametrize("packet", [b"", b"<x/>", b"<exif:Flash>1</exif:Flash>", b"\xff\0<"])
def test_other_packets_stay(packet: bytes) -> None:
    assert xmp.keep_promises(xmp.without_gps(xmp.without_thumbnails(packet))) == packet


def test_positions_of_any_namespace_go() -> None:
    packet = (
        b'<r exif:GPSLatitude="47,22N" drone-dji:GpsLongitude="8.5" a="1">'
        b"<exif:GPSAltitude>12</exif:GPSAltitude><b/></r>"
    )
    assert xmp.without_gps(packet) == b'<r a="1"><b/></r>'


def test_numbers_are_read_as_attributes_and_lists() -> None:
    packet = xmp_packet(
        'hdrgm:GainMapMin="-0.5"',
        "<hdrgm:GainMapMax><rdf:Seq><rdf:li>1</rdf:li><rdf:li>2.5</rdf:li></rdf:Seq></hdrgm:GainMapMax>",
    )
    assert xmp.numbers(packet, xmp.GAIN_MAP, b"GainMapMin") == [-0.5]
    assert xmp.numbers(packet, xmp.GAIN_MAP, b"GainMapMax") == [1.0, 2.5]
    assert xmp.numbers(packet, xmp.GAIN_MAP, b"Gamma") == []


@pytest.mark.parametrize(
    "piece",
    [
        b"<exif:GPSa ",
        b"<exif:GPSa>",
        b' exif:GPSa="',
        b"<rdf:li>",
        b"<rdf:li><C:Item I:Length='1'/></rdf:li>",
        b"<xmp:Thumbnails>",
        b'xmlns:a="http://ns.google.com/photos/1.0/container/" ',
        b"<c:MotionPhoto>",
        b" " * 99,
    ],
)
def test_a_megabyte_of_anything_takes_little_time(piece: bytes) -> None:
    head = (
        b'<x xmlns:C="http://ns.google.com/photos/1.0/container/" '
        b'xmlns:I="http://ns.google.com/photos/1.0/container/item/" '
        b'xmlns:c="http://ns.google.com/photos/1.0/camera/"><C:Directory>'
    )
    packet = head + piece * (1_000_000 // len(piece)) + b"</C:Directory>"
    began = time.process_time()
    xmp.keep_promises(xmp.without_gps(xmp.without_thumbnails(packet)))
    xmp.without_padding(packet)
    assert time.process_time() - began < 2
