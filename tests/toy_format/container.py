"""``TOY!``, width and height in two bytes each, then RGB samples."""

from media_processor.errors import BrokenPicture
from media_processor.images.containers import Data
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata
from media_processor.limits import Limits


def read_info(data: Data, limits: Limits) -> PictureInfo:  # noqa: ARG001 - as every container
    width, height = (int.from_bytes(data[at : at + 2]) for at in (4, 6))
    if len(data) != 8 + 3 * width * height:
        raise BrokenPicture("The picture is truncated.")
    return PictureInfo("TOY", width, height)


def read_metadata(data: Data, limits: Limits) -> Metadata:  # noqa: ARG001
    return Metadata()


def write(size: tuple[int, int], samples: bytes) -> bytes:
    return b"TOY!" + b"".join(side.to_bytes(2) for side in size) + samples
