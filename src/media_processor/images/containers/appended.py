"""What follows the picture in the file of a JPEG: a gain map, the video of a motion photo.

An index in MPF, Container:Directory in XMP, or a maker's trailer says where. What lies there must
look like it, as anybody may write such an index. All else behind the picture is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from media_processor.images import xmp
from media_processor.images.containers import Data, gain_map, jpeg, motion_photo, mpf
from media_processor.images.containers.gain_map import GainMap
from media_processor.images.metadata import VIDEO, Motion, Strip, note_parts, note_trailer
from media_processor.limits import Limits

_GAIN_MAP = "the HDR gain map was dropped: it is damaged, or isn't where the file says"
_BOOSTED = "in HDR the logo isn't as bright as in SDR: the gain map has no boost of 1"
_PICTURES = "further pictures in the file were dropped, such as previews"

Range = tuple[int, int]


@dataclass(frozen=True)
class Appended:
    """``index`` is the picture and the gain map as the file's own index has them; ``version`` the
    picture's segment that says that there is one (ISO 21496-1); each may be missing. ``before`` and
    ``video`` are the video with what its maker has around it. ``known`` is all that was found,
    ``notes`` say what of it is left out."""

    gain_map: GainMap | None = None
    before: bytes = b""
    video: bytes = b""
    index: tuple[mpf.Picture, ...] = ()
    version: bytes = b""
    notes: tuple[str, ...] = ()
    known: tuple[Range, ...] = ()

    @property
    def segments(self) -> bytes:
        """For the picture's header; ``attach`` puts the right numbers into the last one."""
        if not self.gain_map:
            return b""
        version = jpeg.write_segment(0xE2, self.version) if self.version else b""
        if not self.index:
            return version
        unplaced = [picture._replace(place=(0, 0)) for picture in self.index]
        return version + jpeg.write_segment(0xE2, mpf.MARK + mpf.write(unplaced, 0))

    def attach(
        self, picture: bytes | memoryview, header: bytes, drawn: bytes
    ) -> bytes | memoryview:
        """The whole file. ``header`` are the metadata's segments in ``picture``, which end with
        ours; ``drawn`` is the watermarked gain map."""
        if not drawn and not self.video:
            return picture
        pieces: list[bytes | memoryview] = [picture, drawn, self.before, self.video]
        if self.index and drawn:
            end = bytes(picture[: len(header) + 1000]).index(header) + len(header)
            size = len(picture)
            places = (0, size), (size, size + len(drawn))
            index = [
                each._replace(place=place) for each, place in zip(self.index, places, strict=True)
            ]
            base = end - mpf.size(index)
            pieces = [picture[:base], mpf.write(index, base), picture[end:], *pieces[1:]]
        return b"".join(pieces)

    def without_gain_map(self) -> "Appended":
        """For one that turned out to be damaged."""
        if not self.gain_map:
            return self
        notes = (*self.notes, _GAIN_MAP)
        return replace(self, gain_map=None, index=(), version=b"", notes=notes)

    def all_notes(self, data: Data, end: int) -> tuple[str, ...]:
        """With one of what nothing speaks of, behind the picture, which ends at ``end``."""
        at = end
        for start, stop in [*sorted(self.known), (len(data), len(data))]:
            if note := note_trailer(data[at:start]):
                return (*self.notes, *note)
            at = max(at, stop)
        return self.notes


def behind_new(found: GainMap | None, video: bytes) -> Appended:
    """For a file that is no JPEG yet; the gain map as ISO 21496-1 has it."""
    if found is None:
        return Appended(video=video)
    notes = () if found.has_neutral else (_BOOSTED,)
    version = gain_map.URN + bytes(4)
    return Appended(found, b"", video, mpf.WITH_GAIN_MAP, version, notes)


def read(data: Data, limits: Limits, strip: Strip = "none", motion: Motion = "keep") -> Appended:
    keep_video = motion == "keep" and strip == "none"  # a video may say where it was taken
    index, packet, version = announced(data)
    known: list[Range] = []
    notes: list[str] = []
    number, found = 0, None
    for place, at in _gain_maps(data, index, packet):
        if found := gain_map.read(data[slice(*place)], limits, strip):
            known.append(place)
            number = at
            if not found.has_neutral:
                notes.append(_BOOSTED)
            break
    if not found and xmp.find(packet, xmp.GAIN_MAP, b"Version"):
        notes.append(_GAIN_MAP)
    clip = motion_photo.find(data, _videos(data, packet))
    known += clip.known
    if clip.place and not keep_video:
        notes.append(f"{VIDEO}, as the profile requires")
    elif not clip.place and (xmp.has_video(packet) or clip.is_promised):
        notes.append(f"{VIDEO}: it isn't where the file says")
    notes += note_parts("Samsung's blocks behind the picture", clip.lost)
    others = [picture.place for picture in index[1:] if picture.place not in known]
    if others:
        notes.append(_PICTURES)
    return Appended(
        found,
        clip.before if keep_video else b"",
        data[slice(*clip.place)] + clip.after if clip.place and keep_video else b"",
        tuple(mpf.chosen(index, [0, number])) if number else (),
        version,
        tuple(notes),
        (*known, *others),
    )


def announced(data: Data) -> tuple[list[mpf.Picture], bytes, bytes]:
    index: list[mpf.Picture] = []
    packet = version = b""
    for segment in jpeg.segments(data):
        if segment.marker == jpeg.SOS:
            break
        payload = data[segment.start + 4 : segment.end]
        if segment.marker == 0xE2 and payload.startswith(mpf.MARK):
            base = segment.start + 4 + len(mpf.MARK)
            index = index or mpf.read(payload[len(mpf.MARK) :], base)
        elif segment.marker == 0xE2 and payload.startswith(gain_map.URN):
            version = payload
        elif segment.marker == 0xE1 and payload.startswith(jpeg.XMP):
            packet = packet or payload[len(jpeg.XMP) :]
    return index, packet, version


def _gain_maps(data: Data, index: list[mpf.Picture], packet: bytes) -> Iterator[tuple[Range, int]]:
    """Where one may lie, and its number in the index or 0."""
    for number, (_, place, _) in enumerate(index[1:], start=1):
        if 0 < place[0] < place[1] <= len(data):
            yield place, number
    for place in _named(data, packet, b"GainMap"):
        yield place, 0


def _videos(data: Data, packet: bytes) -> Iterator[int]:
    """Where one may begin, as XMP says."""
    yield from (place[0] for place in _named(data, packet, b"MotionPhoto"))
    offset = (xmp.find(packet, xmp.CAMERA, b"MicroVideoOffset") or b"").strip()
    if offset.isdigit() and len(offset) <= 12:
        yield len(data) - int(offset)


def _named(data: Data, packet: bytes, semantic: bytes) -> Iterator[Range]:
    """Where an item of Container:Directory may lie: counted from the end of the file, as the
    formats say, then from the end of the picture."""
    items = xmp.items(packet)
    at = len(data)
    for item in reversed(items[1:]):
        at -= item.padding + item.length
        if item.semantic == semantic and at > 0:
            yield at, at + item.length
    if not any(item.semantic == semantic for item in items):
        return
    at = jpeg.picture_end(data) + items[0].padding
    for item in items[1:]:
        if item.semantic == semantic and at + item.length <= len(data):
            yield at, at + item.length
        at += item.length + item.padding
