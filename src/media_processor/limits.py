"""The limits of one picture: their defaults, their checks, and what the errors say."""

from dataclasses import dataclass

from media_processor.errors import ImageBomb, TooManyFrames, TooManyPixels


@dataclass(frozen=True)
class Limits:
    """``pixels`` over all frames, pixels a ``side``, ``frames``, ``scans`` of a JPEG,
    ``metadata`` bytes of one kind, and bytes of ``memory`` while it is watermarked.

    The defaults are those of the settings.
    """

    pixels: int = 100_000_000
    side: int = 65_500
    frames: int = 300
    scans: int = 64
    metadata: int = 1 << 20
    memory: int = 1 << 30

    def check_pixels(self, pixels: int, described: str) -> None:
        if pixels > self.pixels:
            raise TooManyPixels(
                f"The picture has {pixels:,} pixels ({described}); the limit is {self.pixels:,}."
            )

    def check_frames(self, frames: int) -> None:
        if frames > self.frames:
            raise TooManyFrames(f"The picture has more than {self.frames:,} frames, the limit.")

    def check_scans(self, scans: int) -> None:
        if scans > self.scans:
            raise ImageBomb(f"The JPEG has more than {self.scans:,} scans, the limit.")

    def check_metadata(self, kind: str, size: int) -> None:
        if size > self.metadata:
            raise ImageBomb(
                f"The picture has more than {self.metadata:,} bytes of {kind}, the limit."
            )
