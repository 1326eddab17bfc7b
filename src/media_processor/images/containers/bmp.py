"""BMP, Windows bitmaps (Microsoft, "Bitmap Storage"): a file header, an info header, pixels."""

from media_processor.errors import BrokenPicture, UnsupportedPicture
from media_processor.images.containers import Data
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata, note_trailer
from media_processor.limits import Limits

_DEPTHS = (1, 4, 8, 16, 24, 32)
_COMPRESSIONS = (0, 1, 2, 3, 6)  # none, RLE8, RLE4, bit fields without and with alpha


def read_info(data: Data, limits: Limits) -> PictureInfo:  # noqa: ARG001 - as every container
    head = data[:34]
    size = int.from_bytes(head[14:18], "little")
    if size == 12:  # OS/2
        width, height = (int.from_bytes(head[at : at + 2], "little") for at in (18, 20))
        depth, compression = int.from_bytes(head[24:26], "little"), 0
    elif 40 <= size <= 124 and len(head) == 34:
        width, height = (
            int.from_bytes(head[at : at + 4], "little", signed=True) for at in (18, 22)
        )
        depth, compression = (
            int.from_bytes(head[28:30], "little"),
            int.from_bytes(head[30:34], "little"),
        )
    else:
        raise BrokenPicture("The picture's header is damaged.")
    if width <= 0 or not height:
        raise BrokenPicture("The picture's header is damaged.")
    if depth not in _DEPTHS or compression not in _COMPRESSIONS:
        raise UnsupportedPicture("This kind of BMP isn't supported.")
    return PictureInfo("BMP", width, abs(height))


def read_metadata(data: Data, limits: Limits) -> Metadata:  # noqa: ARG001
    # BITMAPV5HEADER names a profile in the file or on some disk.
    has_profile = data[14:15] == b"\x7c" and data[70:74] in (b"DEBM", b"KNIL")
    notes: tuple[str, ...] = ("the colour profile was dropped",) if has_profile else ()
    # From BITMAPV4HEADER on: a colour space of its own, as end points and gamma.
    is_calibrated = data[14] >= 108 and data[70:74] == bytes(4) and any(data[74:122])
    notes += ("the colour calibration was dropped",) if is_calibrated else ()
    size = int.from_bytes(data[2:6], "little")
    return Metadata(notes=(*notes, *note_trailer(data[size:] if size > 54 else b"")))
