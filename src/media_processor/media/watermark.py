"""Brand one picture: the list of steps."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from media_processor.media import splice
from media_processor.media.codecs import (
    Branded,
    Method,
    Options,
    avif,
    bmp,
    convert,
    gif,
    heif,
    jpeg,
    pillow,
    png,
    tiff,
    webp,
)
from media_processor.media.facts import CONTENT_TYPES, Format, Limits, PictureFacts
from media_processor.media.logo import Artwork
from media_processor.media.placement import Box
from media_processor.media.probe import DAMAGED, guarded, probe
from media_processor.media.profile import Output, Profile, filled
from media_processor.media.stamp import Stamp
from media_processor.media.text import Text
from media_processor.media.whole_file import write

_CODECS: dict[Format, Callable[[bytes, PictureFacts, Stamp, Options], Branded]] = {
    "JPEG": jpeg.brand,
    "PNG": png.brand,
    "WEBP": webp.brand,
    "GIF": gif.brand,
    "TIFF": tiff.brand,
    "BMP": bmp.brand,
    "AVIF": avif.brand,
    "HEIF": heif.brand,
}
_OUTPUTS: dict[Output, Format] = {
    "jpeg": "JPEG",
    "png": "PNG",
    "webp": "WEBP",
    "gif": "GIF",
    "tiff": "TIFF",
    "bmp": "BMP",
    "avif": "AVIF",
}


@dataclass(frozen=True)
class Watermarked:
    """What was made. ``width``, ``height`` and ``boxes`` are in displayed pixels, ``size`` in
    bytes, ``sha256`` in hex; ``notes`` tell what couldn't be kept, ``is_converted`` that the
    format isn't the source's, ``contrast`` (1 to 21) how the chosen variant stands out,
    ``declined`` why the picture wasn't spliced."""

    format: Format
    content_type: str
    width: int
    height: int
    boxes: tuple[Box, ...]
    method: Method
    declined: str | None
    sha256: str
    size: int
    notes: tuple[str, ...]
    is_converted: bool
    contrast: float | None

    @property
    def box(self) -> Box:
        """Where the only mark is."""
        (box,) = self.boxes
        return box


def watermark(
    source: Path,
    target: Path,
    artworks: Sequence[Artwork],
    profile: Profile,
    limits: Limits,
    tokens: Mapping[str, str] | None = None,
    font: Path | None = None,
) -> Watermarked:
    """Brand the picture in ``source`` and write it to ``target``, whole or not at all.

    ``artworks`` are what ``profile.logos`` names; ``tokens`` and ``font`` are for its text.
    The format stays unless the profile names one, but for HEIC, which comes out as JPEG.
    Raises a PictureError where the picture can't be used, LogoUnavailable for a font that
    can't, OSError where a file can't be read or written. Nothing is synced to disk.
    """
    data = source.read_bytes()
    facts = probe(data, limits)
    limits.check_memory(facts)
    width, height = facts.displayed_size
    boxes: tuple[Box, ...] = ()
    contrast = None
    if min(width, height) < profile.skip_below:
        branded = Branded(data, facts.format, ("too small to be branded",), method="skip")
        declined = None
    else:
        drawn = artworks if profile.text is None else [_text(data, facts, profile, tokens, font)]
        branded, stamp, declined = _branded(data, facts, drawn, profile, limits)
        boxes, contrast = tuple(stamp.boxes), stamp.contrast
    write(target, branded.data)
    return Watermarked(
        format=branded.format,
        content_type=CONTENT_TYPES[branded.format],
        width=width,
        height=height,
        boxes=boxes,
        method=branded.method,
        declined=declined,
        sha256=sha256(branded.data).hexdigest(),
        size=len(branded.data),
        notes=branded.notes,
        is_converted=branded.format != facts.format,
        contrast=contrast,
    )


def _branded(
    data: bytes,
    facts: PictureFacts,
    artworks: Sequence[Artwork],
    profile: Profile,
    limits: Limits,
) -> tuple[Branded, Stamp, str | None]:
    options = Options(limits, profile.strip, profile.quality)
    wanted = _OUTPUTS.get(profile.format, facts.format)
    with guarded(DAMAGED):
        if wanted == facts.format:
            stamp = Stamp(artworks, profile, facts)
            try:
                return splice.brand(data, facts, stamp, options), stamp, None
            except splice.Declined as error:
                branded = _CODECS[facts.format](data, facts, stamp, options)
                return branded, stamp, error.reason
        width, height = facts.displayed_size
        stamp = Stamp(artworks, profile, replace(facts, width=width, height=height, orientation=1))
        branded = convert.brand(data, facts, stamp, options, wanted)
        return branded, stamp, f"{facts.format} becomes {wanted}"


def _text(
    data: bytes,
    facts: PictureFacts,
    profile: Profile,
    tokens: Mapping[str, str] | None,
    font: Path | None,
) -> Text:
    known: dict[str, Any] = dict(tokens or {})
    text = profile.text or ""
    if "{exif.artist}" in text:
        known["exif.artist"] = pillow.artist(data, facts.format)
    return Text(filled(text, known), font, profile.colour, profile.shadow)
