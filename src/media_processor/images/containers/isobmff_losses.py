"""Names what lies in an AVIF or HEIF and nothing carries into the result."""

from collections.abc import Iterator

from media_processor.errors import MediaProcessorError
from media_processor.images.containers import Data, tracks
from media_processor.images.containers.boxes import FileBox, boxes
from media_processor.images.containers.items import Item, Items, Reference
from media_processor.images.exif import PREVIEWS
from media_processor.images.metadata import CREDENTIALS, GAIN_MAP, VIDEO, note_parts

_FURTHER = "further pictures in the file were dropped"
_DEPTH = "the depth map was dropped"
_AUXILIARY = "auxiliary pictures were dropped, such as the outlines of persons"
_DAMAGED = "parts of the file were dropped: the list of them is damaged"

_TOP = (b"ftyp", b"meta", b"mdat", b"free", b"skip", b"moov", b"styp", b"sidx")
_IN_META = (b"hdlr", b"pitm", b"iinf", b"iloc", b"iprp", b"iref", b"idat", b"dinf", b"grpl")
_IN_MOOV = (b"mvhd", b"trak", b"mvex", b"iods", b"free", b"skip")
_CREDENTIALS_ID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.1, A.3
_XMP_TYPE = b"application/rdf+xml"
_IMAGE_TRACKS = (b"pict", b"vide", b"auxv")

# How samples are coded, laid out and turned, and what the colours are (nclx.py).
_CODING = {b"ispe", b"pixi", b"clap", b"irot", b"imir", b"colr", b"auxC", b"rloc", b"free"}
_CODING |= {b"av1C", b"a1op", b"a1lx", b"lsel", b"hvcC", b"lhvC", b"oinf", b"tols", b"avcC"}
_CODING |= {b"vvcC", b"jpgC", b"ccst", b"auxi", b"btrt", b"skip"}
_COMMON = {
    b"clli": "HDR brightness",
    b"mdcv": "HDR mastering display",
    b"cclv": "HDR colour volume",
    b"amve": "surrounding light",
    b"reve": "HDR viewing conditions",
    b"ndwt": "HDR white level",
    b"pasp": "pixel aspect ratio",
    b"udes": "description",
    b"altt": "alternative text",
    b"crtt": "time of creation",
    b"mdft": "time of modification",
    b"soun": "sound",
}


def notes_of(data: Data, found: list[FileBox]) -> Iterator[str]:
    """``found`` are the boxes of the file."""
    unknown: list[bytes] = []
    for box in found:
        if box.name == b"uuid" and data[box.start : box.start + 16] == _CREDENTIALS_ID:
            yield CREDENTIALS
        elif box.name == b"mpvd":  # Motion Photo format 1.0
            yield VIDEO
        elif box.name == b"meta":
            try:
                yield from list(_of_items(Items(data, box)))
            except (MediaProcessorError, KeyError, IndexError):
                yield _DAMAGED
        elif box.name == b"moov":
            yield from _of_tracks(data, box)
        elif box.name not in _TOP:
            unknown.append(box.name)
    yield from note_parts("boxes", unknown)


def _of_items(items: Items) -> Iterator[str]:
    listed, references, primary = items.all(), items.references(), items.primary
    # Pictures of which a note speaks, and what they are made of.
    claimed = set(items.parts(primary))
    has_gain_map = False
    for each in references:
        source = listed.get(each.source)
        if each.kind == b"dimg" and source and source.kind == b"tmap" and primary in each.targets:
            has_gain_map = True
            claimed |= {each.source, *each.targets}
    previews = _sources(b"thmb", references)
    claimed = set(items.parts(*claimed, *previews, *_sources(b"auxl", references)))
    kinds = _auxiliary_kinds(items)
    gain_maps = {kind for kind in kinds if b"gainmap" in kind}
    depths = {
        kind for kind in kinds if b"depth" in kind or kind.endswith((b"auxid:2", b"disparity"))
    }
    alphas = {kind for kind in kinds if kind.endswith((b"alpha", b"auxid:1"))}
    described = _sources(b"cdsc", references)
    others = [
        (number, item)
        for number, item in listed.items()
        if number not in claimed and not (number in described and _is_metadata(item))
    ]
    pictures = [
        number
        for number, _ in others
        if any(box.name == b"ispe" for box in items.properties(number))
    ]
    private = [item.content_type or item.kind for number, item in others if number not in pictures]
    if gain_maps or has_gain_map:
        yield GAIN_MAP
    if depths:
        yield _DEPTH
    if kinds - gain_maps - depths - alphas:
        yield _AUXILIARY
    if previews:
        yield PREVIEWS
    if pictures:
        yield _FURTHER
    properties = _unknown_properties(items.data, items.properties(primary))
    yield from note_parts("properties", properties, _COMMON)
    yield from note_parts("items", private)
    yield from note_parts("boxes", (name for name in items.boxes if name not in _IN_META))


def _is_metadata(item: Item) -> bool:
    return item.kind == b"Exif" or item.content_type == _XMP_TYPE


def _sources(kind: bytes, references: list[Reference]) -> set[int]:
    return {each.source for each in references if each.kind == kind}


def _auxiliary_kinds(items: Items) -> set[bytes]:
    # ``auxC`` (23008-12, 6.5.8) says what an auxiliary picture is for.
    return {
        bytes(items.data[box.start + 4 : box.end]).split(b"\0")[0].lower()
        for box in items.all_properties
        if box.name == b"auxC"
    }


def _unknown_properties(data: Data, found: list[FileBox]) -> Iterator[bytes]:
    for box in found:
        # ``pasp`` (14496-12, 12.1.4): both numbers are the same where pixels are square.
        is_square = data[box.start : box.start + 4] == data[box.start + 4 : box.start + 8]
        if box.name not in _CODING and not (box.name == b"pasp" and is_square):
            yield box.name


def _of_tracks(data: Data, moov: FileBox) -> Iterator[str]:
    unknown = [box.name for box in boxes(data, moov.start, moov.end) if box.name not in _IN_MOOV]
    kinds = [kind for kind in tracks.kinds(data, moov) if kind not in _IMAGE_TRACKS]
    properties = _unknown_properties(data, list(tracks.picture_properties(data)))
    yield from note_parts("properties", properties, _COMMON)
    yield from note_parts("tracks", kinds, _COMMON)
    yield from note_parts("boxes", unknown)
