"""An event loop in a thread of its own, on which the blocking client runs the asynchronous one."""

import asyncio
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

# A callback that hangs must not keep the program from ending.
_CLOSING_SECONDS = 5.0

# A signal that another thread receives, or that arrives just before this one waits, wakes nobody:
# Python's handlers run in the main thread, once that runs.
_NOTICED_SECONDS = 0.2

_END: Any = object()


class NotRunning(RuntimeError):
    """The loop can't run this: it was closed, or the caller is on it or in a forked process."""


class BackgroundLoop:
    """Runs coroutines for any number of threads, which wait for them.

    The thread starts with the first coroutine. It runs ``finish`` and ends on ``close``, or when
    this object is dropped or the program ends.
    """

    def __init__(self, finish: Callable[[], Awaitable[None]]) -> None:
        self._finish = finish
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] = lambda: None
        self._is_closed = False
        self._open_items: set[AsyncGenerator[Any]] = set()

    def close(self) -> None:
        """Cancel what is under way and end the thread."""
        with self._lock:
            self._is_closed = True
        self._stop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` returns or raises.

        If the caller is interrupted, by Ctrl-C for example, ``work`` is cancelled and has ended
        before the interrupt goes on.

        Raises:
            NotRunning: it wasn't run, or was cancelled by ``close``.
        """
        outcome: Future[T] = Future()
        task: asyncio.Task[T] | None = None

        def start() -> None:
            nonlocal task
            task = asyncio.get_running_loop().create_task(_keep_exits(work, outcome))
            task.add_done_callback(lambda task: _settle(task, work, outcome))

        def cancel() -> None:
            if task is not None:
                task.cancel()
            else:  # interrupted before it was scheduled
                work.close()
                outcome.set_exception(NotRunning("The client was interrupted."))

        try:
            self._schedule(start)
            while wait([outcome], _NOTICED_SECONDS).not_done:
                pass
            return outcome.result()
        except NotRunning:
            work.close()
            raise
        except BaseException:
            if self._loop is None:
                work.close()
            elif not outcome.done():
                self._loop.call_soon_threadsafe(cancel)
                wait([outcome])
            raise

    def iterate(self, items: AsyncGenerator[T]) -> Generator[T]:
        self._open_items.add(items)
        try:
            while (item := self.run(_next(items))) is not _END:
                yield item
        finally:
            with suppress(NotRunning):  # the loop itself closes what was left open
                self.run(items.aclose())
            self._open_items.discard(items)

    def _schedule(self, start: Callable[[], None]) -> None:
        if threading.current_thread() is self._thread:
            raise NotRunning("A callback can't use the client that calls it.")
        with self._lock:
            if self._is_closed:
                raise NotRunning("The client is closed.")
            if self._loop is None or self._thread is None:
                self._loop, self._thread = self._start()
            if not self._thread.is_alive():
                raise NotRunning("A client can't be used in a forked process. Make a new one.")
            self._loop.call_soon_threadsafe(start)

    def _start(self) -> tuple[asyncio.AbstractEventLoop, threading.Thread]:
        loop, stopped = asyncio.new_event_loop(), asyncio.Event()
        # The thread must not hold this object, or it would never be dropped.
        arguments = (loop, stopped, self._open_items, self._finish)
        name = "media-processor client"
        thread = threading.Thread(target=_serve, args=arguments, name=name, daemon=True)
        self._stop = weakref.finalize(self, _stop, loop, stopped, thread)
        thread.start()
        return loop, thread


def _serve(
    loop: asyncio.AbstractEventLoop,
    stopped: asyncio.Event,
    open_items: set[AsyncGenerator[Any]],
    finish: Callable[[], Awaitable[None]],
) -> None:
    async def until_stopped() -> None:
        await stopped.wait()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # asyncio would close the generators in these at the same time, which fails.
        for items in list(open_items):
            await items.aclose()
        await finish()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(until_stopped())


def _stop(
    loop: asyncio.AbstractEventLoop, stopped: asyncio.Event, thread: threading.Thread
) -> None:
    with suppress(RuntimeError):  # it has ended already
        loop.call_soon_threadsafe(stopped.set)
    if threading.current_thread() is not thread:
        thread.join(_CLOSING_SECONDS)


async def _keep_exits(work: Coroutine[Any, Any, T], outcome: Future[T]) -> Any:
    # asyncio lets these two end the whole loop; they are meant for the caller.
    try:
        return await work
    except (KeyboardInterrupt, SystemExit) as error:
        outcome.set_exception(error)


def _settle(task: asyncio.Task[T], work: Coroutine[Any, Any, T], outcome: Future[T]) -> None:
    work.close()  # if it was cancelled before it began
    if outcome.done():
        return
    if task.cancelled():
        outcome.set_exception(NotRunning("The client was closed."))
    elif error := task.exception():
        outcome.set_exception(error)
    else:
        outcome.set_result(task.result())


async def _next(items: AsyncGenerator[T]) -> T:
    return await anext(items, _END)
