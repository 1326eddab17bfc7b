"""The examinations, all at the same time and none for long."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Iterable
from dataclasses import asdict

from rich.table import Table

from media_processor.cli.doctor import local_checks, pictures, servers
from media_processor.cli.doctor.check import Finding, State, wrong
from media_processor.cli.output import BAD, DOUBTFUL, GOOD, cell, notes, terminal
from media_processor.errors import SetupError
from media_processor.settings import FastServerSettings, read

# Each of the questions asked has a shorter patience; this is for what none foresaw.
_PATIENCE = 6.0

_SIGNS: dict[State, tuple[str, str]] = {
    "well": ("✔ well", GOOD),
    "doubtful": ("⚠ doubtful", DOUBTFUL),
    "wrong": ("✘ wrong", BAD),
}


def examine(url: str, *, as_json: bool) -> int:
    """Examine everything and print it; the exit status: 1 if something is wrong."""
    with notes().status("examining"):
        findings = asyncio.run(_all(url))
    if as_json:
        is_well = not any(one.state == "wrong" for one in findings)
        whole = {"well": is_well, "checks": [asdict(one) for one in findings]}
        sys.stdout.write(json.dumps(whole, indent=1) + "\n")
    else:
        _print(findings)
    return 1 if any(one.state == "wrong" for one in findings) else 0


async def _all(url: str) -> list[Finding]:
    works: list[tuple[str, Awaitable[list[Finding]]]] = [
        ("settings", local_checks.examine_settings()),
        ("open files", local_checks.examine_open_files()),
        ("native core", pictures.examine_core()),
        ("fast server", servers.examine_fast_server(url)),
    ]
    try:
        settings = read(FastServerSettings)
    except SetupError:
        pass  # told with the settings; what depends on them can't be asked
    else:
        works += [
            ("redis", servers.examine_redis(settings, url)),
            ("central server", servers.examine_central_server(settings, url)),
            ("storage", local_checks.examine_storage(settings)),
            ("logo", pictures.examine_watermarking(settings)),
        ]
    found = await asyncio.gather(*(_bounded(name, work) for name, work in works))
    return [finding for findings in found for finding in findings]


async def _bounded(name: str, work: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        async with asyncio.timeout(_PATIENCE):
            return await work
    except TimeoutError:
        to_do = "Look what holds it up: a network, a disk, a machine that is overwhelmed?"
        return [wrong(name, f"no answer within {_PATIENCE:g} s", to_do)]
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return [wrong(name, f"{where}{error.strerror or error}", "See to it that it can be read.")]


def _print(findings: Iterable[Finding]) -> None:
    table = Table(show_header=False, box=None)
    counts: dict[State, int] = {"well": 0, "doubtful": 0, "wrong": 0}
    for one in findings:
        sign, colour = _SIGNS[one.state]
        counts[one.state] += 1
        table.add_row(cell(sign, colour), cell(one.name), cell(one.found))
        if one.to_do:
            table.add_row("", "", cell(f"→ {one.to_do}", colour))
    console = terminal()
    console.print(table)
    console.print(", ".join(f"{count} {state}" for state, count in counts.items()))
    console.print(
        "Storage, logo and profiles are those of this shell's settings; the servers' may be others."
    )
