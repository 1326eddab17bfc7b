"""What a picture is, as its header says."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

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
class PictureInfo:
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
