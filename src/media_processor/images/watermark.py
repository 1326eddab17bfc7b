"""Watermark one picture: the list of steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from media_processor import formats
from media_processor.atomic_files import write_atomically
from media_processor.errors import WrongResult
from media_processor.images import splice
from media_processor.images.codecs import Encoded, Method, Options, codec_of
from media_processor.images.geometry import Box
from media_processor.images.info import PictureInfo
from media_processor.images.logo import Artwork
from media_processor.images.overlay import Overlay
from media_processor.images.probe import DAMAGED, guarded, probe
from media_processor.images.profile import Profile, fill_tokens
from media_processor.images.result_check import check_result
from media_processor.limits import Limits

if TYPE_CHECKING:
    from media_processor.images.text import Text


TOO_SMALL = "too small for any overlay"


@dataclass(frozen=True)
class Watermarked:
    """What was made. ``width``, ``height`` and ``boxes`` are in displayed pixels, ``size`` in
    bytes, ``sha256`` in hex; ``notes`` say what couldn't be kept, ``is_converted`` that the
    format isn't the source's, ``contrast`` (1 to 21) its chosen variant's contrast to the ground,
    ``declined`` why the picture wasn't spliced."""

    format: str
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
    """Watermark the picture in ``source`` and write it to ``target``, whole or not at all.

    ``artworks`` are what ``profile.logos`` names; ``tokens`` and ``font`` are for its text.
    The format stays unless the profile names one, but for HEIC, which comes out as JPEG.
    Raises a PictureError where the picture can't be used, LogoUnavailable for a font that
    can't, WrongResult where what came out isn't that picture, OSError where a file can't be read
    or written. Nothing is synced to disk.
    """
    data = source.read_bytes()
    info = probe(data, limits)
    width, height = info.displayed_size
    boxes: tuple[Box, ...] = ()
    notes: tuple[str, ...] = ()
    contrast = None
    declined = None
    if min(width, height) < profile.skip_below:
        watermarked = _skipped(data, info, "smaller than the profile's skip_below")
    else:
        drawn = artworks
        if profile.text is not None:
            text = _text_of(data, info, profile, tokens, font)
            drawn, notes = [text], text.notes
        watermarked, overlay, declined = _draw_overlay(data, info, drawn, profile, limits)
        if watermarked.method != "skip":
            boxes, contrast = tuple(overlay.boxes), overlay.contrast
    write_atomically(target, watermarked.data)
    is_converted = watermarked.format != info.format
    try:
        expected = PictureInfo(watermarked.format, width, height) if is_converted else info
        check_result(target, expected, watermarked.method)
    except WrongResult:
        target.unlink()
        raise
    return Watermarked(
        format=watermarked.format,
        content_type=formats.named(watermarked.format).content_type,
        width=width,
        height=height,
        boxes=boxes,
        method=watermarked.method,
        declined=declined,
        sha256=sha256(watermarked.data).hexdigest(),
        size=len(watermarked.data),
        notes=tuple(dict.fromkeys((*watermarked.notes, *notes))),
        is_converted=is_converted,
        contrast=contrast,
    )


def _draw_overlay(
    data: bytes,
    info: PictureInfo,
    artworks: Sequence[Artwork],
    profile: Profile,
    limits: Limits,
) -> tuple[Encoded, Overlay, str | None]:
    options = Options(limits, profile.strip, profile.quality, profile.motion)
    target = formats.writable().get(profile.format, info.kind)
    with guarded(DAMAGED):
        if target == info.kind:
            overlay = Overlay(artworks, profile, info)
            if overlay.is_too_small:
                return _skipped(data, info, TOO_SMALL), overlay, None
            try:
                return splice.watermark(data, info, overlay, options), overlay, None
            except splice.Declined as error:
                info.check_memory(limits)
                watermarked = codec_of(info.kind).watermark(data, info, overlay, options)
                return watermarked, overlay, error.reason
        info.check_memory(limits)
        # Turning a picture into another format is rare, and brings a module of its own.
        from media_processor.images.codecs import convert

        width, height = info.displayed_size
        overlay = Overlay(
            artworks, profile, replace(info, width=width, height=height, orientation=1)
        )
        if overlay.is_too_small:
            return _skipped(data, info, TOO_SMALL), overlay, None
        watermarked = convert.watermark(data, info, overlay, options, target)
        return watermarked, overlay, f"{info.format} becomes {target.name}"


def _skipped(data: bytes, info: PictureInfo, why: str) -> Encoded:
    return Encoded(data, info.format, (f"not watermarked: {why}",), method="skip")


def _text_of(
    data: bytes,
    info: PictureInfo,
    profile: Profile,
    tokens: Mapping[str, str] | None,
    font: Path | None,
) -> "Text":
    from media_processor.images.pillow import read_artist
    from media_processor.images.text import Text

    known: dict[str, Any] = dict(tokens or {})
    text = profile.text or ""
    if "{exif.artist}" in text:
        known["exif.artist"] = read_artist(data, info.format)
    return Text(fill_tokens(text, known), font, profile.colour, profile.shadow)
