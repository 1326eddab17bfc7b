"""Brand one picture: the list of steps."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal
from uuid import uuid4

from media_processor.media import decode
from media_processor.media.logo import Logo
from media_processor.media.placement import Box, logo_turn, place, to_stored
from media_processor.media.probe import Format
from media_processor.media.profile import Profile


@dataclass(frozen=True)
class Watermarked:
    """What was made. ``width``, ``height`` and ``box`` are in displayed pixels,
    ``size`` in bytes, ``sha256`` in hex."""

    format: Format
    content_type: str
    extension: str
    width: int
    height: int
    box: Box
    method: Literal["decode"]
    sha256: str
    size: int


def watermark(
    source: Path, target: Path, logo: Logo, profile: Profile, *, max_pixels: int
) -> Watermarked:
    """Brand the picture in ``source`` and write it to ``target``, whole or not at all.

    The format stays. Raises a PictureError where the picture can't be used, OSError where
    a file can't be read or written. Nothing is synced to disk.
    """
    data = source.read_bytes()
    image, facts = decode.load(data, max_pixels)
    box = place(facts.displayed_size, logo.size, profile)
    mark = logo.sized(box.width, box.height, logo_turn(facts.orientation))
    decode.stamp(image, mark, to_stored(box, facts.displayed_size, facts.orientation))
    branded = decode.encode(image, facts, data)
    _write(target, branded)
    width, height = facts.displayed_size
    return Watermarked(
        format=facts.format,
        content_type=facts.content_type,
        extension=facts.extension,
        width=width,
        height=height,
        box=box,
        method="decode",
        sha256=sha256(branded).hexdigest(),
        size=len(branded),
    )


def _write(target: Path, data: bytes) -> None:
    temporary = target.with_name(f".{uuid4().hex}.part")
    try:
        temporary.write_bytes(data)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
