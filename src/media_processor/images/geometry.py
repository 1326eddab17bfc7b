"""Where the overlay goes: geometry only, no pixels.

*Displayed* coordinates are what a person sees; *stored* ones are the file's. An EXIF
orientation (1 to 8, EXIF 2.32 section 4.6.4) says how the stored picture is turned
before it is shown.
"""

import math
from dataclasses import dataclass

from media_processor.images.info import Size, is_sideways
from media_processor.images.profile import Profile, pixels

# Nobody can tell more overlays apart; the rows then move away from each other.
MOST_TILES = 2000


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from the top left corner."""

    left: int
    top: int
    width: int
    height: int


def corners(box: Box) -> tuple[int, int, int, int]:
    return box.left, box.top, box.left + box.width, box.top + box.height


def place(picture: Size, shape: Size, profile: Profile) -> Box:
    """Where an overlay of the shape ``shape`` goes in a picture of displayed size ``picture``.

    It is scaled, up or down and at least to 1 x 1 px, as the profile says, but never beyond
    the picture. Where the margin doesn't fit, the picture's far edge wins: the box is always
    inside the picture.
    """
    width, height = scale(picture, shape, profile)
    margin = pixels(profile.margin, min(picture))
    return Box(
        _along(profile.anchor, ("left", "right"), picture[0], width, margin),
        _along(profile.anchor, ("top", "bottom"), picture[1], height, margin),
        width,
        height,
    )


def tiles(picture: Size, shape: Size, profile: Profile) -> list[Box]:
    """Where overlays go that cover all of a picture: each reaches into it, at most MOST_TILES.

    The lattice stands in the middle of the picture and is turned counterclockwise by the
    tile's angle.
    """
    if profile.tile is None:
        return [place(picture, shape, profile)]
    width, height = scale(picture, shape, profile)
    spacing = pixels(profile.tile.spacing, min(picture))
    across, down = float(width + spacing), float(height + spacing)
    reach = math.hypot(*picture) / 2 + max(width, height)
    if (spread := (2 * reach / across + 1) * (2 * reach / down + 1) / MOST_TILES) > 1:
        across, down = across * math.sqrt(spread), down * math.sqrt(spread)
    turn = math.radians(-profile.tile.angle)
    columns, rows = math.ceil(reach / across), math.ceil(reach / down)
    boxes = []
    for row in range(-rows, rows + 1):
        for column in range(-columns, columns + 1):
            # Every other row is moved by half a step, so that no lines stand out.
            x, y = (column + (row % 2) / 2) * across, row * down
            box = Box(
                round(picture[0] / 2 + x * math.cos(turn) - y * math.sin(turn) - width / 2),
                round(picture[1] / 2 + x * math.sin(turn) + y * math.cos(turn) - height / 2),
                width,
                height,
            )
            if _reaches_into(picture, box):
                boxes.append(box)
    return boxes[:MOST_TILES]


def scale(picture: Size, shape: Size, profile: Profile) -> Size:
    share, (width, height) = profile.scale, picture
    match profile.scale_of:
        case "box":
            size = _fit(shape, (_part(width, share), _part(height, share)))
        case "width":
            size = _as_wide(shape, _part(width, share))
        case "height":
            size = _as_high(shape, _part(height, share))
        case "short-side":
            size = _as_wide(shape, _part(min(picture), share))
        case "area":
            area = width * height * share
            size = _as_wide(shape, max(1, round(math.sqrt(area * shape[0] / shape[1]))))
    longer = max(size)
    if profile.min_size and longer < profile.min_size:
        size = _fit(shape, (profile.min_size, profile.min_size))
    if profile.max_size and longer > profile.max_size:
        size = _fit(shape, (profile.max_size, profile.max_size))
    return _fit(shape, picture) if size[0] > width or size[1] > height else size


def to_stored(box: Box, displayed: Size, orientation: int) -> Box:
    """``displayed`` is the displayed size of the whole picture."""
    right = displayed[0] - box.left - box.width
    bottom = displayed[1] - box.top - box.height
    left, top = {
        1: (box.left, box.top),
        2: (right, box.top),
        3: (right, bottom),
        4: (box.left, bottom),
        5: (box.top, box.left),
        6: (box.top, right),
        7: (bottom, right),
        8: (bottom, box.left),
    }[orientation]
    if is_sideways(orientation):
        return Box(left, top, box.height, box.width)
    return Box(left, top, box.width, box.height)


def _along(anchor: str, ends: tuple[str, str], side: int, length: int, margin: int) -> int:
    if ends[0] in anchor:
        return min(margin, side - length)
    if ends[1] in anchor:
        return max(0, side - length - margin)
    return (side - length) // 2


def _reaches_into(picture: Size, box: Box) -> bool:
    return -box.width < box.left < picture[0] and -box.height < box.top < picture[1]


def _part(side: int, share: float) -> int:
    # 0.29 * 100 is 28.999999999999996: what should be whole must not be floored below it.
    return max(1, int(side * share + 1e-6))


def _fit(shape: Size, limit: Size) -> Size:
    if shape[0] * limit[1] >= shape[1] * limit[0]:
        return _as_wide(shape, limit[0])
    return _as_high(shape, limit[1])


def _as_wide(shape: Size, width: int) -> Size:
    return width, max(1, round(shape[1] * width / shape[0]))


def _as_high(shape: Size, height: int) -> Size:
    return max(1, round(shape[0] * height / shape[1])), height
