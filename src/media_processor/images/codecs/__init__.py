"""The way through pixels: decode, draw the mark, encode again. One file a format.

Each codec's ``watermark`` takes a whole file and gives it back with the mark on every frame,
in the same format, with what of its metadata may stay.
"""

from dataclasses import dataclass
from typing import Literal

from media_processor.images.info import Format
from media_processor.images.limits import Limits
from media_processor.images.metadata import Strip

Method = Literal["splice", "decode", "skip"]
"""How a picture was watermarked: only what the mark covers, all its pixels, or not at all."""


@dataclass(frozen=True)
class Options:
    """What a codec has to know besides the picture and the mark."""

    limits: Limits
    strip: Strip = "none"
    quality: int | None = None

    @property
    def coding(self) -> dict[str, int]:
        """The chosen quality, 1 to 100, of a lossy format; empty if the source's is kept."""
        return {"quality": self.quality} if self.quality else {}


@dataclass(frozen=True)
class Encoded:
    """A whole file; ``notes`` tell a person what of the source couldn't be kept."""

    data: bytes | memoryview
    format: Format
    notes: tuple[str, ...] = ()
    method: Method = "decode"
