"""Sends any number of pictures and prints what became of each."""

import asyncio
import json
import sys
import time
from pathlib import Path

from rich.table import Table

from media_processor.cli import interrupts, streams
from media_processor.cli.file_selection import NONE_THERE, pictures_in
from media_processor.cli.output import BAD, GOOD, amount, cell, complain, count, rate, terminal
from media_processor.cli.upload.bar import UploadBar
from media_processor.cli.upload.sender import Outcome, Sender
from media_processor.errors import (
    Overloaded,
    ServerRefused,
    ServerUnreachable,
    SetupError,
    UnknownProfile,
)

# Enough to keep a fast server busy, few enough to keep every transfer fast.
AT_A_TIME = 4
# Each picture that is waited for holds a connection; they are stored about in order.
_FOLLOWED_AT_A_TIME = 32
# What is begun and not ended; more would only fill memory.
_BEGUN = 256

# A server that restarts is back within seconds.
_PATIENCE = 30.0

_LISTED_WHOLE = 20


def upload_all(
    paths: list[Path], *, url: str, profile: str, wait: bool, again: bool, as_json: bool
) -> int:
    files = list(dict.fromkeys(found.path for found in pictures_in(paths)))
    if not files:
        raise SetupError(NONE_THERE)
    began = time.monotonic()
    output = streams.outlive_reader()
    with UploadBar(files) as bar:
        run = _Run(files, bar, wait=wait, as_json=as_json)
        sender = Sender(url, profile=profile, again=again, patience=_PATIENCE, on_wait=bar.waits)
        interrupted = interrupts.run(run.send_all(sender))
    outcomes = run.outcomes()
    unfinished = [one for one in outcomes if one.is_unfinished(wait=wait)]
    if as_json:
        _print_json(*unfinished)
    else:
        _print(outcomes, time.monotonic() - began, wait=wait)
    if run.gave_up:
        complain(run.gave_up)
    if unfinished:
        what = "wait for" if all(one.media_id for one in unfinished) else "send"
        complain(f"Run the same command again to {what} the rest. Nothing is sent twice.")
    if sender.sent_log.complaint:
        complain(f"The list of sent pictures can't be saved: {sender.sent_log.complaint}.")
    is_printed = _is_printed(output, outcomes)
    is_done = not unfinished and all(one.is_good for one in outcomes)
    return interrupted or (0 if is_printed and is_done else 1)


def _is_printed(output: streams.Outlet, outcomes: list[Outcome]) -> bool:
    # A reader that stopped reading chose to; any other loss is an error.
    sys.stdout.flush()
    bad = sum(not one.is_good for one in outcomes)
    if output.lost and bad:
        complain(
            f"{bad} of {count(len(outcomes), 'picture')} failed, but not all results were printed."
        )
    if output.lost is None or isinstance(output.lost, BrokenPipeError):
        return True
    complain(f"The results can't be written: {output.lost.strerror}.")
    return False


class _Run:
    def __init__(self, files: list[Path], bar: UploadBar, *, wait: bool, as_json: bool) -> None:
        self._files, self._bar, self._wait, self._as_json = files, bar, wait, as_json
        self._ended: dict[Path, Outcome] = {}
        self._unsent = len(files)
        self._sending = asyncio.Semaphore(AT_A_TIME)
        self._following = asyncio.Semaphore(_FOLLOWED_AT_A_TIME)
        self._begun = asyncio.Semaphore(_BEGUN)
        self.gave_up: str | None = None

    def outcomes(self) -> list[Outcome]:
        return [self._ended.get(path) or Outcome(path, "unsent") for path in self._files]

    async def send_all(self, sender: Sender) -> int:
        try:
            async with sender, asyncio.TaskGroup() as works:
                await sender.check()
                for path in self._files:
                    await self._begun.acquire()
                    works.create_task(self._one(sender, path))
        except* (ServerUnreachable, ServerRefused, UnknownProfile, Overloaded) as errors:
            self.gave_up = str(errors.exceptions[0])
        return 0

    async def _one(self, sender: Sender, path: Path) -> None:
        async with self._sending:
            outcome = await sender.send(path, lambda sent: self._bar.moved(path, sent))
        # Should it be interrupted from here on, it has been sent all the same.
        self._ended[path] = outcome
        self._bar.accepted(path, was_sent=outcome.was_sent)
        self._unsent -= 1
        if not self._unsent and self._wait:
            self._bar.all_sent()
        if self._wait and outcome.is_good:
            async with self._following:
                outcome = await sender.finished(outcome)
            self._ended[path] = outcome
        self._bar.ended()
        self._begun.release()
        if self._as_json:
            _print_json(outcome)


def _print_json(*outcomes: Outcome) -> None:
    for outcome in outcomes:
        fields = {
            "path": str(outcome.path),
            "status": outcome.status,
            "id": outcome.media_id,
            "sent": outcome.was_sent and outcome.media_id is not None,
            "bytes": outcome.size,
            "seconds": round(outcome.seconds, 3),
            "detail": outcome.detail,
        }
        sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _print(outcomes: list[Outcome], seconds: float, *, wait: bool) -> None:
    shown = outcomes
    if len(outcomes) > _LISTED_WHOLE:
        shown = [
            one
            for one in outcomes
            if one.status in ("refused", "failed")
            or (one.media_id and one.is_unfinished(wait=wait))
        ]
    console = terminal()
    if shown:
        table = Table("picture", "status", "id or reason", box=None)
        for one in shown:
            note = ": ".join(part for part in (one.media_id, one.detail) if part)
            colour = GOOD if one.is_good and not one.is_unfinished(wait=wait) else BAD
            table.add_row(cell(one.path), cell(one.status, colour), cell(note))
        console.print(table)
        console.print()
    console.print(_summary(outcomes, seconds, wait=wait))


def _summary(outcomes: list[Outcome], seconds: float, *, wait: bool) -> Table:
    accepted = [one for one in outcomes if one.media_id]
    sent = [one for one in accepted if one.was_sent]
    size = sum(one.size for one in sent)
    columns = {
        "sent": len(sent),
        "sent before": len(accepted) - len(sent),
        "stored": sum(one.status == "stored" for one in outcomes) if wait else None,
        "unfinished": sum(one.is_unfinished(wait=wait) for one in accepted) if wait else None,
        "failed": sum(one.status == "failed" for one in outcomes),
        "refused": sum(one.status == "refused" for one in outcomes),
        "not sent": sum(one.status == "unsent" for one in outcomes),
        "size": amount(size),
        "seconds": f"{seconds:.1f}",
        "rate": f"{rate(size / 1e6, seconds):.1f} MB/s",
        "pictures/s": f"{rate(len(sent), seconds):.1f}",
    }
    kept = {name: value for name, value in columns.items() if value is not None}
    table = Table(*kept, box=None)
    table.add_row(*(str(value) for value in kept.values()))
    return table
