"""Brand one picture: the list of steps."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal
from uuid import uuid4

from media_processor.media.codecs import (
    Branded,
    Options,
    avif,
    bmp,
    gif,
    heif,
    jpeg,
    png,
    tiff,
    webp,
)
from media_processor.media.facts import CONTENT_TYPES, Format, Limits, PictureFacts
from media_processor.media.logo import Logo
from media_processor.media.placement import Box
from media_processor.media.probe import guarded, probe
from media_processor.media.profile import Profile
from media_processor.media.stamp import Stamp

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


@dataclass(frozen=True)
class Watermarked:
    """What was made. ``width``, ``height`` and ``box`` are in displayed pixels,
    ``size`` in bytes, ``sha256`` in hex; ``notes`` tell what couldn't be kept, ``is_converted``
    that the format isn't the source's."""

    format: Format
    content_type: str
    width: int
    height: int
    box: Box
    method: Literal["decode"]
    sha256: str
    size: int
    notes: tuple[str, ...]
    is_converted: bool


def watermark(
    source: Path, target: Path, logo: Logo, profile: Profile, limits: Limits
) -> Watermarked:
    """Brand the picture in ``source`` and write it to ``target``, whole or not at all.

    The format stays, but for HEIC, which comes out as JPEG. Raises a PictureError where the
    picture can't be used, OSError where a file can't be read or written. Nothing is synced
    to disk.
    """
    data = source.read_bytes()
    facts = probe(data, limits)
    stamp = Stamp(logo, profile, facts)
    with guarded("The picture is damaged or cut short: its pixels can't be decoded."):
        branded = _CODECS[facts.format](data, facts, stamp, Options(limits))
    _write(target, branded.data)
    width, height = facts.displayed_size
    return Watermarked(
        format=branded.format,
        content_type=CONTENT_TYPES[branded.format],
        width=width,
        height=height,
        box=stamp.box,
        method="decode",
        sha256=sha256(branded.data).hexdigest(),
        size=len(branded.data),
        notes=branded.notes,
        is_converted=branded.format != facts.format,
    )


def _write(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{uuid4().hex}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
