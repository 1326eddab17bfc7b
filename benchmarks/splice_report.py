"""The splice's figures as Markdown."""

import statistics
from dataclasses import dataclass, field

from benchmarks.report import Figures, markdown, verdict
from benchmarks.splice_pictures import GIANT, PNG, Case
from benchmarks.splice_systems import OURS, PILLOW, SHARP

_MIB = 1 << 20
_MOST_MEMORY_BESIDES = 32 * _MIB
_MOST_GROWTH = 0.03
_MOST_OF_SHARPS_GROWTH = 0.25
# What the clock may be wrong by, so that a straight line is called straight.
_MOST_OFF_THE_LINE = 0.05


@dataclass
class Results:
    """Everything measured, over all rounds.

    By ``key``: ``times`` in CPU ms, ``memory`` at the most and ``sizes`` of what came out in
    bytes. By label: why the splice ``declined``. ``depths`` are the rows above the mark's end
    with their CPU ms.
    """

    cases: list[Case]
    names: list[str]
    times: Figures = field(default_factory=Figures)
    memory: Figures = field(default_factory=Figures)
    sizes: dict[str, int] = field(default_factory=dict)
    declined: dict[str, str] = field(default_factory=dict)
    depths: dict[int, list[float]] = field(default_factory=dict)

    def case(self, label: str) -> Case:
        return next(case for case in self.cases if case.label == label)

    def latest(self, case: Case, name: str) -> str:
        samples = self.times.samples.get(key(case, name))
        return f"{samples[-1]:.1f} ms" if samples else "-"


def key(case: Case, name: str) -> str:
    return f"{case.label}: {name}"


def tables(results: Results) -> str:
    others = [name for name in results.names if name != OURS]
    head = ["CPU time per picture", *others, OURS, *(f"faster than {name} by" for name in others)]
    speed = markdown([*head, "target"], [_speed(results, case) for case in results.cases])
    rows = [*_memory(results), *_depths(results), *_growth(results)]
    return f"{speed}\n\n{markdown(['', 'measured', 'target'], rows)}"


def _speed(results: Results, case: Case) -> list[str]:
    others = [name for name in results.names if name != OURS]
    targets = {PILLOW: case.pillow_target, SHARP: case.sharp_target}
    times = [_time(results, case, name) for name in others]
    ours = results.declined.get(case.label)
    told = f"not spliced: {ours}" if ours else _time(results, case, OURS)
    ratios = [_ratio(results, case, name, targets[name]) for name in others]
    aims = [f"≥ {targets[name]:g} × {name}" for name in others if targets[name]]
    return [f"{case.label}, {case.megabytes}", *times, told, *ratios, ", ".join(aims)]


def _time(results: Results, case: Case, name: str) -> str:
    found = key(case, name)
    return f"{results.times.median(found):,.1f} ms" if found in results.times.samples else "-"


def _ratio(results: Results, case: Case, name: str, target: float | None) -> str:
    other, own = key(case, name), key(case, OURS)
    if not {other, own} <= results.times.samples.keys():
        return f"{verdict(False)} -" if target else "-"
    ratio = results.times.median(other) / results.times.median(own)
    mark = f"{verdict(ratio >= target)} " if target else ""
    return f"{mark}{ratio:#.3g} ×"


def _memory(results: Results) -> list[list[str]]:
    giant, label = results.case(GIANT), f"{GIANT}, peak memory of"
    peaks = {name: results.memory.samples.get(key(giant, name), []) for name in (PILLOW, OURS)}
    most = 2 * len(giant.data) + _MOST_MEMORY_BESIDES
    target = f"≤ {most / _MIB:.0f} MiB, 2 × the file + 32 MiB"
    pillow = [f"{label} {PILLOW}", f"{max(peaks[PILLOW]) / _MIB:.0f} MiB", ""]
    if not peaks[OURS]:
        return [pillow, [f"{label} {OURS}", "not spliced", f"{verdict(False)} {target}"]]
    peak = max(peaks[OURS])
    met = f"{verdict(peak <= most)} {target}"
    return [pillow, [f"{label} {OURS}", f"{peak / _MIB:.0f} MiB", met]]


def _depths(results: Results) -> list[list[str]]:
    if not results.depths:
        return []
    times = {rows: statistics.median(each) for rows, each in sorted(results.depths.items())}
    line = statistics.linear_regression(list(times), list(times.values()))
    off = max(
        abs(line.intercept + line.slope * rows - spent) / spent for rows, spent in times.items()
    )
    rows = " / ".join(f"{rows:,}" for rows in times)
    spent = " / ".join(f"{spent:.0f}" for spent in times.values())
    told = f"{line.intercept:.1f} ms + {line.slope * 1000:.1f} ms per 1,000 rows"
    met = f"{verdict(off <= _MOST_OFF_THE_LINE)} ≤ {_MOST_OFF_THE_LINE:.0%}"
    return [
        [f"{GIANT}, a small overlay that ends at row {rows}", f"{spent} ms", ""],
        [f"{GIANT}, a line through these: {told}", f"off by {off:.1%}", met],
    ]


def _growth(results: Results) -> list[list[str]]:
    case = results.case(PNG)
    added = {
        name: results.sizes[key(case, name)] - len(case.data)
        for name in results.names
        if key(case, name) in results.sizes
    }
    rows = [
        [f"{PNG}, bytes added by {name}", f"{added[name] / len(case.data):.1%}", ""]
        for name in (PILLOW, SHARP)
        if name in added
    ]
    label, target = f"{PNG}, bytes added by {OURS}", f"≤ {_MOST_GROWTH:.0%}"
    if OURS not in added:
        return [*rows, [label, "not spliced", f"{verdict(False)} {target}"]]
    growth = added[OURS] / len(case.data)
    rows.append([label, f"{growth:.1%}", f"{verdict(growth <= _MOST_GROWTH)} {target}"])
    if SHARP in added:
        share = added[OURS] / added[SHARP]
        met = f"{verdict(share <= _MOST_OF_SHARPS_GROWTH)} ≤ {_MOST_OF_SHARPS_GROWTH:g} ×"
        rows.append([f"{PNG}, as a ratio to {SHARP}'s", f"{share:.3f} ×", met])
    return rows
