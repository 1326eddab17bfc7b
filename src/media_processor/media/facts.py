"""What is known of a picture from its header, and how much of it is too much."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from media_processor.errors import ImageBomb, OutOfMemory, TooManyFrames, TooManyPixels

Format = Literal["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"]
Size: TypeAlias = tuple[int, int]

CONTENT_TYPES: dict[Format, str] = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "AVIF": "image/avif",
    "HEIF": "image/heic",
}
"""Each format that is taken, with its media type."""


@dataclass(frozen=True)
class PictureFacts:
    """``width`` and ``height`` are stored pixels; ``orientation`` is EXIF's, 1 to 8;
    ``frames`` counts the frames of an animation or the pages of a TIFF."""

    format: Format
    width: int
    height: int
    orientation: int = 1
    frames: int = 1

    @property
    def content_type(self) -> str:
        """The media type, as ``image/jpeg``."""
        return CONTENT_TYPES[self.format]

    @property
    def displayed_size(self) -> Size:
        """Width and height as a person sees the picture."""
        if is_sideways(self.orientation):
            return self.height, self.width
        return self.width, self.height


def is_sideways(orientation: int) -> bool:
    """Whether displaying swaps width and height."""
    return orientation >= 5


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
    while it is branded."""

    pixels: int = 100_000_000
    side: int = 65_500
    frames: int = 300
    scans: int = 64
    metadata: int = 1 << 20
    memory: int = 1 << 30

    def check(self, facts: PictureFacts) -> PictureFacts:
        """The same facts; raises TooManyPixels or TooManyFrames."""
        size = f"{facts.width:,} x {facts.height:,}"
        if max(facts.width, facts.height) > self.side:
            raise TooManyPixels(
                f"The picture measures {size} pixels; a side may have at most {self.side:,}."
            )
        self.check_frames(facts.frames)
        times = f" in {facts.frames} frames" if facts.frames > 1 else ""
        # A TIFF's pages differ in size and are counted where they are read.
        frames = 1 if facts.format == "TIFF" else facts.frames
        self.check_pixels(facts.width * facts.height * frames, size + times)
        return facts

    def check_pixels(self, pixels: int, told: str) -> None:
        """Raises TooManyPixels; ``told`` is how they come together."""
        if pixels > self.pixels:
            raise TooManyPixels(
                f"The picture has {told} = {pixels:,} pixels; at most {self.pixels:,} are allowed."
            )

    def check_memory(self, facts: PictureFacts) -> None:
        """Raises OutOfMemory, before a library meets its end of memory in its own way."""
        need = facts.width * facts.height * _BYTES_A_PIXEL[facts.format]
        if need > self.memory:
            raise OutOfMemory(
                f"A {facts.format} of {facts.width:,} x {facts.height:,} pixels needs about "
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
