"""What is left of a JPEG that is cut off (ITU T.81: B.2.3 for scans, G.1.1 for progression)."""

from typing import NamedTuple

from media_processor.images.containers import Data, jpeg


def is_cut_off(data: Data) -> bool:
    """Whether no EOI follows the coded data."""
    for segment in jpeg.segments(data):
        if segment.marker == jpeg.SOS:
            return data.rfind(jpeg.END, segment.end) < 0
    return True


def with_end(data: bytes) -> bytes:
    *_, last = jpeg.segments(data)
    return data[: jpeg.coded_end(data, last.end)] + jpeg.END


class Scan(NamedTuple):
    """Of ``components``, the coefficients from ``first`` to ``last``, but for their
    ``missing_bits``, the lowest ones."""

    components: bytes
    first: int
    last: int
    missing_bits: int


class Scans(list[Scan]):
    def __init__(self, data: Data) -> None:
        self._components, self._is_rgb = b"", False
        for segment in jpeg.segments(data):
            head = data[segment.start + 4 : segment.end]
            if segment.marker in jpeg.FRAMES:
                self._components = head[6::3]
            elif segment.marker == jpeg.APP14 and head.startswith(b"Adobe"):
                self._is_rgb = head[11:12] == b"\0"  # no transform
            elif segment.marker == jpeg.SOS:
                first, last, bits = head[-3:]
                self.append(Scan(head[1:-3:2], first, last, bits & 15))

    def lack_detail(self, count: int) -> str | None:
        """Where detail is missing after ``count`` scans, in a note's words; nothing if more is
        missing than the coefficients' lowest bit, or all detail of the colours."""
        known: dict[tuple[int, int], int] = {}
        for scan in self[:count]:
            for component in scan.components:
                for place in range(scan.first, min(scan.last, 63) + 1):
                    known[component, place] = scan.missing_bits
        bits = [[known.get((each, place)) for place in range(64)] for each in self._components]
        of_brightness = bits[:1] if self._have_colour_differences else bits
        needed = [*of_brightness, *(each[:1] for each in bits)]
        if any(missing is None or missing > 1 for each in needed for missing in each):
            return None
        if any(missing for each in of_brightness for missing in each):
            return "the whole picture"
        return "the colours" if any(missing != 0 for each in bits for missing in each) else ""

    @property
    def _have_colour_differences(self) -> bool:
        return len(self._components) == 3 and not self._is_rgb and self._components != b"RGB"

    @property
    def come_at_once(self) -> bool:
        """Whether the rows are whole one after the other, and not scan after scan."""
        return len(self) == 1 and self.lack_detail(1) == ""
