"""Watches a folder: finds complete files, sends them, moves them away."""

import asyncio
import math
import signal
import sys
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from media_processor.cli.file_moves import place_beside
from media_processor.cli.file_selection import Found, below
from media_processor.cli.output import Troubles, complain
from media_processor.cli.upload.sender import Outcome, Sender
from media_processor.cli.upload.uploads import AT_A_TIME
from media_processor.errors import MediaProcessorError, SetupError, UnknownProfile
from media_processor.ids import now
from media_processor.terminal import printable

# How a file that is done is treated.
Afterwards = Literal["move", "mark", "delete"]
Signature = tuple[int, int]

# A new file has no bytes at first, and a slow program takes its time to write the first.
_EMPTY_FACTOR = 10
# How long --once waits for a server that is away or cuts the line.
_PATIENCE = 30.0
# How long pictures in flight may take to end once it is to stop.
_GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class Plan:
    """``done`` and ``refused`` are the folders that pictures move to when the server has answered.

    A file is complete after ``settle`` seconds without a change.
    """

    folder: Path
    done: Path
    refused: Path
    afterwards: Afterwards
    settle: float
    once: bool
    wait: bool


def watch_folder(plan: Plan, url: str, profile: str) -> int:
    if not plan.folder.is_dir():
        raise SetupError(f"{plan.folder} isn't a folder.")
    folder, done = plan.folder.resolve(), plan.done.resolve()
    if folder.is_relative_to(done):
        raise SetupError("--done must not be the watched folder or a folder above it.")
    if done.is_relative_to(folder):  # named as what is found below it
        plan = replace(plan, done=plan.folder / done.relative_to(folder))
    return asyncio.run(_Watch(plan).run(url, profile))


class _Watch:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._stop = asyncio.Event()
        self._slots = asyncio.Semaphore(AT_A_TIME)
        # When a file was first seen as it is.
        self._seen: dict[Path, tuple[Signature, float]] = {}
        self._through: dict[Path, Signature] = {}
        self._in_flight: dict[Path, asyncio.Task[None]] = {}
        self._troubles = Troubles()
        self._not_taken = 0
        self._failure: BaseException | None = None

    async def run(self, url: str, profile: str) -> int:
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, self._stop.set)
        patience = _PATIENCE if self._plan.once else math.inf
        sender = Sender(
            url, profile=profile, again=False, patience=patience, on_wait=self._troubles.report
        )
        async with sender:
            await self._unless_stopped(sender.check())
            await (self._pass(sender) if self._plan.once else self._keep_looking(sender))
            await self._end()
        if sender.sent_log.complaint:
            complain(f"The list of sent pictures can't be saved: {sender.sent_log.complaint}.")
        if self._failure:
            raise self._failure
        return 1 if self._plan.once and self._not_taken else 0

    async def _keep_looking(self, sender: Sender) -> None:
        while not self._stop.is_set():
            for found in await asyncio.to_thread(self._whole):
                self._begin(sender, found)
            await self._unless_stopped(asyncio.sleep(min(1.0, self._plan.settle)))

    async def _pass(self, sender: Sender) -> None:
        await asyncio.to_thread(self._whole)
        await self._unless_stopped(asyncio.sleep(self._plan.settle))
        for found in await asyncio.to_thread(self._whole):
            self._begin(sender, found)
        growing = self._seen.keys() - self._in_flight.keys()
        for path in sorted(growing):
            signature = _signature(path)
            empty = signature and not signature[0]
            why = "it is empty" if empty else "it is still growing; run the command again"
            complain(f"{path}: not sent, {why}")
        await self._unless_stopped(_all(self._in_flight.values()))

    async def _unless_stopped(self, work: Coroutine[Any, Any, None]) -> None:
        working = asyncio.ensure_future(work)
        stopping = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if working.done():
            working.result()
        working.cancel()

    async def _end(self) -> None:
        tasks = list(self._in_flight.values())
        if tasks and not self._troubles:
            await asyncio.wait(tasks, timeout=_GRACE_SECONDS)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _whole(self) -> list[Found]:
        at, found = time.monotonic(), list(below(self._plan.folder))
        self._seen = {one.path: self._seen[one.path] for one in found if one.path in self._seen}
        return [one for one in found if self._is_new(one.path) and self._is_whole(one.path, at)]

    def _is_new(self, path: Path) -> bool:
        through = self._through.get(path)
        mine = (self._plan.done, self._plan.refused)
        return (
            path not in self._in_flight
            and (through is None or through != _signature(path))
            and not any(folder in path.parents for folder in mine)
        )

    def _is_whole(self, path: Path, at: float) -> bool:
        signature = _signature(path)
        if signature is None:
            return False
        known, since = self._seen.get(path, (None, at))
        if known != signature:
            self._seen[path] = signature, at
            return False
        return at - since >= self._plan.settle * (1 if signature[0] else _EMPTY_FACTOR)

    def _begin(self, sender: Sender, found: Found) -> None:
        task = asyncio.create_task(self._one(sender, found))
        self._in_flight[found.path] = task
        task.add_done_callback(lambda task: self._ended(found.path, task))

    def _ended(self, path: Path, task: asyncio.Task[None]) -> None:
        del self._in_flight[path]
        if not task.cancelled() and (error := task.exception()):
            self._failure = error  # standard output is gone, or an error of ours
            self._stop.set()

    async def _one(self, sender: Sender, found: Found) -> None:
        async with self._slots:
            signature = await asyncio.to_thread(_signature, found.path)
            if signature is None or self._stop.is_set():
                return
            try:
                outcome = await sender.send(found.path, lambda _: self._troubles.are_over())
                if self._plan.wait and outcome.is_good:
                    outcome = await sender.finished(outcome)
            except UnknownProfile:
                raise
            except MediaProcessorError as error:  # it is there, so it will be tried again
                self._not_taken += 1
                complain(f"{found.path}: {error.detail}")
                return
            self._troubles.are_over()
            if await asyncio.to_thread(_signature, found.path) != signature:
                return  # changed meanwhile: another picture
            self._tell(found.path, outcome)
            try:
                await asyncio.to_thread(self._put_away, found, signature, outcome)
            except OSError as error:
                self._through[found.path] = signature
                complain(f"{found.path} can't be moved: {error.strerror}")

    def _tell(self, path: Path, outcome: Outcome) -> None:
        if not outcome.is_good:
            self._not_taken += 1
            complain(f"{path}: {outcome.detail or outcome.status}")
        elif outcome.was_sent or self._plan.afterwards != "mark":
            sys.stdout.write(f"{printable(str(path))}: {outcome.status} {outcome.media_id}\n")
            sys.stdout.flush()

    def _put_away(self, found: Found, signature: Signature, outcome: Outcome) -> None:
        if self._plan.afterwards == "mark":
            self._through[found.path] = signature
        elif not outcome.is_good:
            _explain(_moved(found, self._plan.refused), outcome)
        elif self._plan.afterwards == "delete":
            found.path.unlink()
        else:
            _moved(found, self._plan.done)


async def _all(tasks: Iterable[asyncio.Task[None]]) -> None:
    # Unlike gather, this leaves the tasks alone if it is cancelled.
    if waiting := set(tasks):
        await asyncio.wait(waiting)


def _explain(refused: Path, outcome: Outcome) -> None:
    text = f"{outcome.detail or outcome.status}\n"
    if outcome.media_id:
        text += f"It was accepted as {outcome.media_id}.\n"
    at = f"{now():%Y-%m-%d %H:%M:%S} UTC\n"
    refused.with_name(f"{refused.name}.txt").write_text(text + at)


def _moved(found: Found, folder: Path) -> Path:
    target = folder / found.place / found.path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    return place_beside(found.path, target)


def _signature(path: Path) -> Signature | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns
