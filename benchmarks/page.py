"""Measures the page: its bytes, its first render, and what listeners cost. See README.md."""

import asyncio
import os
import signal
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from benchmarks import command, measures, page_loads, page_streams, report
from benchmarks.measures import Session
from benchmarks.page_loads import Loads
from benchmarks.page_streams import Cost
from benchmarks.pictures import Pictures
from benchmarks.problem import BenchmarkError
from benchmarks.report import markdown, verdict
from benchmarks.systems import System
from media_processor.harness.load import picture
from media_processor.images.logo import bundled_logo_path

_MOST_BYTES = 110_000
_MOST_MILLISECONDS = 300
_started = time.monotonic()


def main() -> int:
    options = command.parser(__doc__).parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every finally runs
    with tempfile.TemporaryDirectory(prefix="bench-page-") as folder:
        try:
            text = _measure(Path(folder), page_loads.program())
        except BenchmarkError as error:
            _say(f"stopped: {error}")
            return 1
    print(text)
    if options.write:
        report.write(options.write, text, "bench-page")
    return 0


def _measure(folder: Path, chromium: str) -> str:
    small = [picture(number) for number in range(20)]
    logo = bundled_logo_path().read_bytes()
    with System("ours", folder, logo) as system:
        system.start_all()
        session, load = Session(system), os.getloadavg()[0]
        asyncio.run(measures.warm_up(session, Pictures(small, [], b"", logo)))
        address = f"http://127.0.0.1:{session.port}/"
        # First, as the fast server goes on looking for a while after its last listener has gone.
        none = asyncio.run(page_streams.cost(session, small, 0, _say))
        _say("loading the page in new browsers")
        cold = page_loads.cold(chromium, address)
        _say("loading it again in one")
        warm = page_loads.warm(chromium, address)
        many = asyncio.run(page_streams.cost(session, small, page_streams.MANY, _say))
        system.check_alive()
    return f"{_table(cold, warm, none, many)}\n\n{_note(load, max(none.others, many.others))}"


def _table(cold: Loads, warm: Loads, none: Cost, many: Cost) -> str:
    web = files("media_processor.fast_server") / "web"
    raw = sum(len(part.read_bytes()) for part in web.iterdir())
    streams = f"{page_streams.MANY} open event streams"
    rows = [
        ["Files of the page", f"{raw:,} bytes", _at_most(raw, _MOST_BYTES, "bytes")],
        ["On the wire, cold, with headers", f"{cold.wire:,} bytes", ""],
        ["On the wire, warm", f"{warm.wire:,} bytes", ""],
        *_load_rows("new browser", cold),
        *_load_rows("warm", warm),
        [f"Fast server memory for {streams}", f"{many.mib:.0f} MiB", ""],
        [
            f"Fast server CPU with nothing to do, none / {streams}",
            f"{none.idle:.1%} / {many.idle:.1%} of a core",
            "",
        ],
        [
            f"Fast server CPU for {page_streams.UPLOADS} uploads, none / {streams}",
            f"{none.uploads:.2f} / {many.uploads:.2f} s",
            "",
        ],
        [f"Ratio of {streams} to none", f"{many.uploads / none.uploads:.2f} ×", ""],
    ]
    return markdown(["", "measured", "target"], rows)


def _load_rows(label: str, loads: Loads) -> list[list[str]]:
    median, worst = loads.paints
    met = _at_most(round(median), _MOST_MILLISECONDS, "ms")
    return [
        [f"First contentful paint, {label}, median", f"{median:.0f} ms", met],
        [f"First contentful paint, {label}, worst of {page_loads.LOADS}", f"{worst:.0f} ms", ""],
        [f"of which until the first response, median, {label}", f"{loads.answer:.0f} ms", ""],
    ]


def _at_most(value: int, most: int, unit: str) -> str:
    return f"{verdict(value <= most)} ≤ {most:,} {unit}"


def _note(load: float, others: float) -> str:
    return (
        f"{report.software()}. One run, started at {time.strftime('%H:%M')} with a load average of "
        f"{load:.1f}. {report.disturbed(others)}"
    )


def _say(text: str) -> None:
    print(f"[{time.monotonic() - _started:5.0f} s] {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
