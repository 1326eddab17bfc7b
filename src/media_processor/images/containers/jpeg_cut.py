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
        self._components = b""
        for segment in jpeg.segments(data):
            head = data[segment.start + 4 : segment.end]
            if segment.marker in jpeg.FRAMES:
                self._components = head[6::3]
            elif segment.marker == jpeg.SOS:
                first, last, bits = head[-3:]
                self.append(Scan(head[1:-3:2], first, last, bits & 15))

    def missing_bits(self, count: int) -> int | None:
        """How many a coefficient may lack after ``count`` scans; nothing if there is none yet."""
        known: dict[tuple[int, int], int] = {}
        for scan in self[:count]:
            for component in scan.components:
                for place in range(scan.first, min(scan.last, 63) + 1):
                    known[component, place] = scan.missing_bits
        return max(known.values()) if len(known) == 64 * len(self._components) else None

    @property
    def come_at_once(self) -> bool:
        """Whether the rows are whole one after the other, and not scan after scan."""
        return len(self) == 1 and self.missing_bits(1) == 0
