"""What two animations show outside of the logo, and whether they show it."""

import numpy as np

from media_processor.images.geometry import Box

from .compositor import Animation, Array
from .pictures import quartered_logo

SIZE = (72, 56)
PLACES = (
    Box(0, 0, *SIZE),
    Box(0, 30, 30, 20),
    Box(40, 0, 32, 30),
    Box(50, 8, 10, 9),
    Box(5, 5, 60, 40),
    Box(71, 55, 1, 1),
)


def outside(shown: Array, box: Box) -> Array:
    """Invisible pixels are all equal."""
    seen = shown * (shown[:, :, 3:] > 0)
    seen[box.top : box.top + box.height, box.left : box.left + box.width] = 0
    return seen


def assert_same_outside(
    before: Animation, after: Animation, box: Box, *, grey: bool = False
) -> None:
    """``grey``: the logo is."""
    assert (after.width, after.height) == (before.width, before.height)
    assert len(after.frames) == len(before.frames)
    for number, (old, new) in enumerate(zip(before.shown(), after.shown(), strict=True)):
        wrong = (outside(old, box) != outside(new, box)).any(axis=2)
        assert not wrong.any(), f"frame {number}: {np.argwhere(wrong)[:5]}"
        assert shows_the_logo(new, box, grey=grey), number
    for old_frame, new_frame in zip(before.frames, after.frames, strict=True):
        assert new_frame.delay == old_frame.delay


def shows_the_logo(shown: Array, box: Box, *, grey: bool = False) -> bool:
    found = shown[box.top : box.top + box.height, box.left : box.left + box.width]
    logo = quartered_logo().resize_to((box.width, box.height))
    return np.array_equal(found, np.asarray(logo.convert("L").convert("RGBA") if grey else logo))
