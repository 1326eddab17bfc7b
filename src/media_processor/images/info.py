"""What a picture is, as its header says."""

from dataclasses import dataclass, field
from typing import TypeAlias

from media_processor import formats
from media_processor.errors import OutOfMemory, TooManyPixels
from media_processor.formats import PictureFormat
from media_processor.limits import Limits

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class PictureInfo:
    """``format`` is the name of a row of formats.py; ``width`` and ``height`` are stored pixels;
    ``orientation`` is EXIF's, 1 to 8; ``frames`` counts the frames of an animation or the pages
    of a TIFF. ``splice_bytes`` is the memory that a splice takes, 0 if it can't be foreseen."""

    format: str
    width: int
    height: int
    orientation: int = 1
    frames: int = 1
    splice_bytes: int = field(default=0, compare=False)

    @property
    def kind(self) -> PictureFormat:
        return formats.named(self.format)

    @property
    def content_type(self) -> str:
        return self.kind.content_type

    @property
    def displayed_size(self) -> Size:
        if is_sideways(self.orientation):
            return self.height, self.width
        return self.width, self.height

    @property
    def described(self) -> str:
        frames = f", {self.frames} frames" if self.frames > 1 else ""
        turned = f", orientation {self.orientation}" if self.orientation > 1 else ""
        return f"{self.kind.title} of {self.width:,} x {self.height:,} pixels{frames}{turned}"

    @property
    def memory(self) -> int:
        """Bytes that watermarking takes, about."""
        return self.width * self.height * self.kind.bytes_a_pixel

    def check(self, limits: Limits) -> None:
        size = f"{self.width:,} x {self.height:,}"
        if max(self.width, self.height) > limits.side:
            raise TooManyPixels(
                f"The picture is {size} pixels; the limit is {limits.side:,} per side."
            )
        limits.check_frames(self.frames)
        described = f"{size} in {self.frames} frames" if self.frames > 1 else size
        frames = 1 if self.kind.has_pages else self.frames
        # However many pixels a spliced one has, they are never all decoded.
        is_spliced = 0 < self.splice_bytes <= limits.memory
        pixels = self.width * self.height * frames
        limits.check_pixels(pixels, described, is_spliced=is_spliced)

    def check_memory(self, limits: Limits) -> None:
        # Before a library runs out of memory in its own way.
        if self.memory > limits.memory:
            raise OutOfMemory(
                f"A {self.kind.title} of {self.width:,} x {self.height:,} pixels needs about "
                f"{self.memory >> 20:,} MiB of memory; the limit is {limits.memory >> 20:,} MiB.",
                for_good=True,
            )


def is_sideways(orientation: int) -> bool:
    # EXIF's 5 to 8 swap width and height.
    return orientation >= 5
