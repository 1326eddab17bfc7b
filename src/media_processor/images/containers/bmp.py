"""BMP, Windows bitmaps (Microsoft, "Bitmap Storage"): a file header, an info header, pixels."""

from media_processor.errors import BrokenPicture, UnsupportedPicture
from media_processor.images.containers import Data
from media_processor.images.info import PictureInfo
from media_processor.images.metadata import Metadata, note_trailer
from media_processor.limits import Limits

_GAP = "data between the header and the pixels was dropped"
_DEPTHS = (1, 4, 8, 16, 24, 32)
_BIT_FIELDS = 3
_WITH_ALPHA = 56  # bytes of the first header that has a mask for it
_COMPRESSIONS = (0, 1, 2, _BIT_FIELDS)  # none, RLE8, RLE4
# Where red, green, blue and alpha lie, by depth: what Pillow decodes.
_LAYOUTS: dict[int, set[tuple[int, ...]]] = {
    16: {(0xF800, 0x7E0, 0x1F), (0x7C00, 0x3E0, 0x1F)},
    24: {(0xFF0000, 0xFF00, 0xFF)},
    32: {
        (0xFF0000, 0xFF00, 0xFF, 0),
        (0xFF0000, 0xFF00, 0xFF, 0xFF000000),
        (0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        (0xFF000000, 0xFF0000, 0xFF00, 0),
        (0xFF000000, 0xFF0000, 0xFF00, 0xFF),
        (0xFF000000, 0xFF00, 0xFF, 0),
        (0xFF000000, 0xFF00, 0xFF, 0xFF0000),
        (0, 0, 0, 0),
    },
}


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
    if compression == _BIT_FIELDS:
        masks = tuple(_number(data, at) for at in range(54, 70 if depth == 32 else 66, 4))
        masks = (*masks[:3], 0) if depth == 32 and size < _WITH_ALPHA else masks
        if masks not in _LAYOUTS.get(depth, ()):
            raise UnsupportedPicture("BMPs with colours in such bits of a pixel aren't supported.")
    return PictureInfo("BMP", width, abs(height))


def read_metadata(data: Data, limits: Limits) -> Metadata:  # noqa: ARG001
    # BITMAPV5HEADER names a profile in the file or on some disk.
    has_profile = data[14:15] == b"\x7c" and data[70:74] in (b"DEBM", b"KNIL")
    notes: tuple[str, ...] = ("the colour profile was dropped",) if has_profile else ()
    # From BITMAPV4HEADER on: a colour space of its own, as end points and gamma.
    is_calibrated = data[14] >= 108 and data[70:74] == bytes(4) and any(data[74:122])
    notes += ("the colour calibration was dropped",) if is_calibrated else ()
    notes += (_GAP,) if data[_header_end(data) : _number(data, 10)].strip(b"\0") else ()
    end = _number(data, 2) if has_profile else _pixels_end(data)
    return Metadata(notes=(*notes, *note_trailer(data[end:])))


def _header_end(data: Data) -> int:
    """Behind masks and palette."""
    size = _number(data, 14)
    is_old = size == 12
    depth = _number(data, 24 if is_old else 28, 2)
    compression, colours = (0, 0) if is_old else (_number(data, 30), _number(data, 46))
    masks = {3: 12, 6: 16}.get(compression, 0) if size == 40 else 0
    colours = colours or (1 << depth if depth <= 8 else 0)
    return 14 + size + masks + colours * (3 if is_old else 4)


def _pixels_end(data: Data) -> int:
    size, start = _number(data, 14), _number(data, 10)
    if size == 12:
        width, height, depth, compression = *(_number(data, at, 2) for at in (18, 20, 24)), 0
    else:
        width, depth, compression = _number(data, 18), _number(data, 28, 2), _number(data, 30)
        height = abs(int.from_bytes(data[22:26], "little", signed=True))
    if compression in (1, 2):  # RLE
        return max(_number(data, 2), start + _number(data, 34))
    return start + (width * depth + 31) // 32 * 4 * height


def _number(data: Data, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "little")
