"""Thumbnails, differences and previews: made on demand, cached in a folder that may be removed."""

import asyncio
import stat
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from pathlib import Path
from uuid import uuid4

from media_processor.cancellation import cancel_and_wait
from media_processor.errors import Overloaded
from media_processor.messages.sandbox import DifferenceTask, ThumbnailTask
from media_processor.sandbox.pool import Sandbox
from media_processor.settings import FastServerSettings
from media_processor.storage.probe import clock_of
from media_processor.watermarks.tasks import TaskBuilder


class Side(IntEnum):
    """Largest side in pixels: for a grid at double pixel density, or for a whole window."""

    THUMBNAIL = 384
    VIEW = 1600


# Two, so that one large picture doesn't delay everybody's small ones.
_PROCESSES = 2
# Browsers request six at a time, so about ten pages fit before Overloaded.
_MOST_WAITING = 64
_RETRY_AFTER = 2
_SWEEP_EVERY = 200
_ROOM = 0.9
# Younger files may still be being written or read; in seconds.
_IN_USE = 60.0
# Hidden files are unfinished ones; no picture takes this many seconds.
_LEFT_BEHIND = 3600.0

Source = Callable[[], AbstractAsyncContextManager[Path]]
"""Gives the file of a picture while the context lasts."""

Make = Callable[[Path], Awaitable[None]]


class Vanished(Exception):
    """A source's file was removed while it was read."""


@dataclass(frozen=True)
class Key:
    """Names a rendition of a media; both parts are safe in a path."""

    media_id: str
    what: str

    @property
    def path(self) -> str:
        # Ids end in random digits, which spread over the folders.
        return f"{self.media_id[-2:]}/{self.media_id}.{self.what}"


class Renditions:
    """Makes each rendition once, however many requests ask for it at the same time."""

    def __init__(self, settings: FastServerSettings, tasks: TaskBuilder) -> None:
        self._folder = settings.thumbnails_dir
        self._most_bytes = settings.thumbnail_cache_bytes
        self.tasks = tasks
        self._folder.mkdir(parents=True, exist_ok=True)
        self._sandbox = Sandbox(
            _PROCESSES,
            memory_bytes=settings.watermark_memory_bytes,
            timeout=settings.watermark_timeout,
            folder=self._folder / "picture-processes",
        )
        self._making: dict[Key, asyncio.Task[bytes]] = {}
        self._waiting = 0
        self._made_since_sweep = _SWEEP_EVERY  # sweeps what the last run left

    async def close(self) -> None:
        await cancel_and_wait(*self._making.values())
        await self._sandbox.close()

    async def view(self, key: Key, side: int, source: Source) -> bytes:
        """A WebP of at most ``side`` pixels a side.

        Raises:
            PictureError, SandboxError: this picture can't be shown.
            Overloaded: too many requests wait.
            Whatever ``source`` raises.
        """

        async def make(target: Path) -> None:
            async with source() as picture:
                await self._sandbox.make_thumbnail(self._thumbnail_task(picture, target, side))

        return await self._get(key, make)

    async def difference(self, key: Key, before: Source, after: Source) -> bytes:
        """A JSON document of messages.Difference; raises what ``view`` does."""

        async def make(target: Path) -> None:
            async with before() as first, after() as second:
                task = DifferenceTask(
                    before=str(first),
                    after=str(second),
                    target=str(target),
                    limits=self.tasks.limits,
                )
                await self._sandbox.difference(task)

        return await self._get(key, make)

    async def preview(self, picture: Path, profile: str, tokens: dict[str, str]) -> bytes:
        """``picture`` as it would be watermarked, as a WebP.

        Raises:
            PictureError, SandboxError, LogoUnavailable: it can't be watermarked.
            Overloaded: too many requests wait.
        """
        with self._turn(), self.scratch() as watermarked, self.scratch() as shown:
            order = await self.tasks.build(picture, watermarked, profile, tokens)
            await self._sandbox.watermark(order)
            await self._sandbox.make_thumbnail(self._thumbnail_task(watermarked, shown, Side.VIEW))
            return await asyncio.to_thread(shown.read_bytes)

    def check_room(self) -> None:
        if self._waiting >= _MOST_WAITING:
            raise Overloaded(
                f"Too many requests for thumbnails. Try again in {_RETRY_AFTER} s.",
                retry_after=_RETRY_AFTER,
            )

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        self._folder.mkdir(parents=True, exist_ok=True)  # somebody may have removed it
        file = self._folder / f".{uuid4().hex}"
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)

    def _thumbnail_task(self, source: Path, target: Path, side: int) -> ThumbnailTask:
        return ThumbnailTask(
            source=str(source), target=str(target), side=side, limits=self.tasks.limits
        )

    @contextmanager
    def _turn(self) -> Iterator[None]:
        self.check_room()
        self._waiting += 1
        try:
            yield
        finally:
            self._waiting -= 1

    async def _get(self, key: Key, make: Make) -> bytes:
        path = self._folder / key.path
        with suppress(FileNotFoundError):
            return await asyncio.to_thread(path.read_bytes)
        if key not in self._making:
            self._making[key] = asyncio.create_task(self._make(path, make))
            self._making[key].add_done_callback(partial(self._forget, key))
        # The first client may disconnect; the others still need the result.
        return await asyncio.shield(self._making[key])

    def _forget(self, key: Key, task: asyncio.Task[bytes]) -> None:
        del self._making[key]
        if not task.cancelled():
            task.exception()  # retrieved, as every client may be gone

    async def _make(self, path: Path, make: Make) -> bytes:
        with self._turn():
            await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
            try:
                await make(path)
            except Vanished:
                await make(path)  # the picture was moved to the archive
            made = await asyncio.to_thread(path.read_bytes)
        self._made_since_sweep += 1
        if self._made_since_sweep >= _SWEEP_EVERY:
            self._made_since_sweep = 0
            await asyncio.to_thread(_sweep, self._folder, self._most_bytes)
        return made


def _sweep(folder: Path, most_bytes: int) -> None:
    try:
        files, now = [], clock_of(folder)
    except FileNotFoundError:
        return  # somebody has removed it
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            found = path.stat()
            if path.name.startswith(".") and found.st_mtime < now - _LEFT_BEHIND:
                path.unlink()
            elif stat.S_ISREG(found.st_mode):
                files.append((found.st_mtime, found.st_size, path))
    total = sum(size for _, size, _ in files)
    for made_at, size, path in sorted(files):
        if total <= most_bytes * _ROOM or made_at > now - _IN_USE:
            break
        path.unlink(missing_ok=True)
        total -= size
