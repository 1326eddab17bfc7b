"""Runs all checks at the same time, each for a few seconds at most, and prints the results."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Iterable
from dataclasses import asdict

from rich.table import Table

from media_processor.cli.doctor import local_checks, pictures, servers
from media_processor.cli.doctor.check import Finding, error, warning
from media_processor.cli.output import BAD, GOOD, WARNING, cell, count, notes, terminal
from media_processor.errors import SetupError
from media_processor.installation import missing_part
from media_processor.messages.base import State
from media_processor.settings import FastServerSettings, read

# Each check has a shorter timeout of its own; this is a bound for everything else.
_TIMEOUT = 6.0

_SIGNS: dict[State, tuple[str, str]] = {
    "ok": ("✔ ok", GOOD),
    "warning": ("⚠ warning", WARNING),
    "error": ("✘ error", BAD),
}


def examine(url: str, *, as_json: bool) -> int:
    with notes().status("checking"):
        findings = asyncio.run(_all(url))
    if as_json:
        is_ok = not any(one.state == "error" for one in findings)
        whole = {"ok": is_ok, "checks": [asdict(one) for one in findings]}
        sys.stdout.write(json.dumps(whole, indent=1) + "\n")
    else:
        _print(findings)
    return 1 if any(one.state == "error" for one in findings) else 0


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
        pass  # the settings check reports it; the checks that need them can't run
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
        async with asyncio.timeout(_TIMEOUT):
            return await work
    except ImportError as missing:
        part = missing_part(missing)
        if part is None:
            raise
        return [warning(name, "not checked", part.detail)]
    except TimeoutError:
        to_do = "Check this machine's network, disk and load."
        return [error(name, f"no answer within {_TIMEOUT:g} s", to_do)]
    except OSError as problem:
        where = f"{problem.filename}: " if problem.filename else ""
        return [
            error(name, f"{where}{problem.strerror or problem}", "Make it readable for this user.")
        ]


def _print(findings: Iterable[Finding]) -> None:
    table = Table(show_header=False, box=None)
    counts: dict[State, int] = {"ok": 0, "warning": 0, "error": 0}
    for one in findings:
        sign, colour = _SIGNS[one.state]
        counts[one.state] += 1
        table.add_row(cell(sign, colour), cell(one.name), cell(one.found))
        if one.to_do:
            table.add_row("", "", cell(f"→ {one.to_do}", colour))
    console = terminal()
    console.print(table)
    problems = (count(counts[state], state) for state in ("warning", "error"))
    console.print(", ".join((f"{counts['ok']} ok", *problems)))
    console.print(
        "Storage, logo and profiles were checked with this shell's settings. The servers' settings "
        "may differ."
    )
