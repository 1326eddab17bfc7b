"""The way through pixels: decode, draw the mark, encode again. One file a format.

Each codec's ``brand`` takes a whole file and gives it back with the mark on every frame,
in the same format, with what of its metadata may stay.
"""

from dataclasses import dataclass

from media_processor.media.facts import Format, Limits
from media_processor.media.metadata import Strip


@dataclass(frozen=True)
class Options:
    """What a codec has to know besides the picture and the mark."""

    limits: Limits
    strip: Strip = "none"


@dataclass(frozen=True)
class Branded:
    """A whole file; ``notes`` tell a person what of the source couldn't be kept."""

    data: bytes
    format: Format
    notes: tuple[str, ...] = ()
