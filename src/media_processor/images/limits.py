"""The most that a picture may have."""

from dataclasses import dataclass

from media_processor.errors import ImageBomb, OutOfMemory, TooManyFrames, TooManyPixels
from media_processor.images.info import Format, PictureInfo

# Measured on pictures of 98 megapixels, the codec's own and our copies together.
_BYTES_A_PIXEL: dict[Format, int] = {
    "JPEG": 9,
    "PNG": 6,
    "WEBP": 25,
    "GIF": 15,
    "TIFF": 6,
    "BMP": 9,
    "AVIF": 28,
    "HEIF": 16,
}


@dataclass(frozen=True)
class Limits:
    """The most that one picture may have: ``pixels`` over all frames, pixels a ``side``,
    ``frames``, ``scans`` of a JPEG, ``metadata`` bytes of one kind, and bytes of ``memory``
    while it is watermarked."""

    pixels: int = 100_000_000
    side: int = 65_500
    frames: int = 300
    scans: int = 64
    metadata: int = 1 << 20
    memory: int = 1 << 30

    def check(self, info: PictureInfo) -> PictureInfo:
        """The same info; raises TooManyPixels or TooManyFrames."""
        size = f"{info.width:,} x {info.height:,}"
        if max(info.width, info.height) > self.side:
            raise TooManyPixels(
                f"The picture measures {size} pixels; a side may have at most {self.side:,}."
            )
        self.check_frames(info.frames)
        times = f" in {info.frames} frames" if info.frames > 1 else ""
        # A TIFF's pages differ in size and are counted where they are read.
        frames = 1 if info.format == "TIFF" else info.frames
        self.check_pixels(info.width * info.height * frames, size + times)
        return info

    def check_pixels(self, pixels: int, told: str) -> None:
        """Raises TooManyPixels; ``told`` is how they come together."""
        if pixels > self.pixels:
            raise TooManyPixels(
                f"The picture has {told} = {pixels:,} pixels; at most {self.pixels:,} are allowed."
            )

    def check_memory(self, info: PictureInfo) -> None:
        """Raises OutOfMemory, before a library meets its end of memory in its own way."""
        need = info.width * info.height * _BYTES_A_PIXEL[info.format]
        if need > self.memory:
            raise OutOfMemory(
                f"A {info.format} of {info.width:,} x {info.height:,} pixels needs about "
                f"{need >> 20:,} MiB of memory; {self.memory >> 20:,} MiB are allowed.",
                for_good=True,
            )

    def check_frames(self, frames: int) -> None:
        """Raises TooManyFrames."""
        if frames > self.frames:
            raise TooManyFrames(
                f"The picture has more than {self.frames:,} frames, which is the most allowed."
            )

    def check_scans(self, scans: int) -> None:
        """Raises ImageBomb."""
        if scans > self.scans:
            raise ImageBomb(
                f"The picture is told in more than {self.scans} scans, which is the most allowed."
            )

    def check_metadata(self, kind: str, size: int) -> None:
        """Raises ImageBomb for more than the allowed bytes of ``kind``, as ``"EXIF"``."""
        if size > self.metadata:
            raise ImageBomb(
                f"The picture has more than {self.metadata:,} bytes of {kind}, "
                "which is the most allowed."
            )
