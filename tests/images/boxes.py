"""Where boxes lie."""

from media_processor.images.geometry import Box


def is_inside(box: Box, size: tuple[int, int]) -> bool:
    return (
        box.left >= 0
        and box.top >= 0
        and box.width >= 1
        and box.height >= 1
        and box.left + box.width <= size[0]
        and box.top + box.height <= size[1]
    )
