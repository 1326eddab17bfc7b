"""Where the logo goes: geometry only, no pixels.

*Displayed* coordinates are what a person sees; *stored* ones are the file's. An EXIF
orientation (1 to 8, EXIF 2.32 section 4.6.4) tells how the stored picture is turned
before it is shown.
"""

from dataclasses import dataclass

from media_processor.media.facts import Size, is_sideways
from media_processor.media.profile import Profile


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, from the top left corner."""

    left: int
    top: int
    width: int
    height: int


def place(picture: Size, logo: Size, profile: Profile) -> Box:
    """Where a logo of size ``logo`` goes in a picture of displayed size ``picture``.

    It is scaled, up or down and at least to 1 x 1 px, to fit the profile's share of both
    sides, and lies at the top right. Where the margin doesn't fit, the picture's far edge
    wins: the box is always inside the picture.
    """
    width, height = _fit(logo, (_share(picture[0], profile), _share(picture[1], profile)))
    left = max(0, picture[0] - width - profile.margin)
    top = min(profile.margin, picture[1] - height)
    return Box(left, top, width, height)


def to_stored(box: Box, displayed: Size, orientation: int) -> Box:
    """Map ``box`` from displayed to stored coordinates.

    ``displayed`` is the displayed size of the whole picture.
    """
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


def _share(side: int, profile: Profile) -> int:
    # 0.29 * 100 is 28.999999999999996: what should be whole must not be floored below it.
    return max(1, int(side * profile.scale + 1e-6))


def _fit(logo: Size, limit: Size) -> Size:
    """The largest size with the logo's aspect within ``limit``, at least 1 x 1."""
    if logo[0] * limit[1] >= logo[1] * limit[0]:
        return limit[0], max(1, round(logo[1] * limit[0] / logo[0]))
    return max(1, round(logo[0] * limit[1] / logo[1])), limit[1]
