"""The limits of one picture: their defaults, their checks, and what the errors say."""

from dataclasses import dataclass

from media_processor.errors import BrokenPicture, ImageBomb, TooManyFrames, TooManyPixels


@dataclass(frozen=True)
class Limits:
    """``pixels`` over all frames, those of a ``spliced`` JPEG, pixels a ``side``, ``frames``,
    ``scans`` of a JPEG, bytes of a colour ``profile`` and of any other kind of ``metadata``, the
    share of ``rows`` that must be there, and bytes of ``memory`` while it is watermarked.

    The defaults are those of the settings.
    """

    pixels: int = 100_000_000
    spliced: int = 1 << 32
    side: int = 65_500
    frames: int = 20_000
    scans: int = 64
    profile: int = 4 << 20
    metadata: int = 1 << 20
    rows: float = 0.99
    memory: int = 1 << 30

    def check_pixels(self, pixels: int, described: str, *, is_spliced: bool = False) -> None:
        most = self.spliced if is_spliced else self.pixels
        if pixels > most:
            raise TooManyPixels(
                f"The picture has {pixels:,} pixels ({described}); the limit is {most:,}."
            )

    def check_frames(self, frames: int) -> None:
        if frames > self.frames:
            raise TooManyFrames(f"The picture has more than {self.frames:,} frames, the limit.")

    def check_scans(self, scans: int) -> None:
        if scans > self.scans:
            raise ImageBomb(f"The JPEG has more than {self.scans:,} scans, the limit.")

    def most(self, kind: str) -> int:
        """Bytes of a kind of metadata."""
        return self.profile if kind in ("colour profile", "ICC") else self.metadata

    def check_metadata(self, kind: str, size: int) -> None:
        if size > self.most(kind):
            raise ImageBomb(
                f"The picture has more than {self.most(kind):,} bytes of {kind}, the limit."
            )

    def check_rows(self, share: float) -> None:
        if share < self.rows:
            missing = 100 * (1 - share)
            raise BrokenPicture(
                f"The picture is truncated: {missing:.3g}% of its rows are missing; the limit is "
                f"{1 - self.rows:.0%}."
            )
