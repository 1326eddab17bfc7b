"""What a stage of the pipeline is: the columns of the table in stages.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

# The command reads the table for its choices, so this imports nothing that takes time.
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from media_processor.central_client import CentralClient
    from media_processor.jobs.queue import Job
    from media_processor.pipeline.policy import Judge
    from media_processor.sandbox.pool import Sandbox
    from media_processor.settings import WorkerSettings
    from media_processor.watermarks.tasks import TaskBuilder
    from media_processor.work.media import Media
    from media_processor.work.spool import Spool


class StartOver(Exception):
    """Raised by a stage that misses an earlier stage's output: the first stage runs again."""


@dataclass(frozen=True)
class Resources:
    """What the stages of a worker work with."""

    settings: WorkerSettings
    worker: str
    spool: Spool
    sandbox: Sandbox
    tasks: TaskBuilder
    central: CentralClient


@dataclass(frozen=True)
class Stage:
    """One stage. It may run again at any time, so it first looks whether its output exists.

    ``name`` is also the name of its queue and of its attempts, ``task`` what ARQ calls it.
    ``run`` does it and returns what is to be noted in the media's progress.
    ``judge`` decides what a failed attempt means.
    ``slots`` is how many jobs one worker runs at a time.
    ``output`` is the folder of the spool in which ``run`` leaves a file named by the media's id;
    without one, an empty file in ``done/<name>`` is written for it.
    """

    name: str
    task: str
    run: Callable[[Resources, Media], Awaitable[Mapping[str, object]]]
    judge: Judge
    slots: Callable[[WorkerSettings], int]
    output: str | None = None
    needs_picture_processes: bool = False

    @property
    def done_folder(self) -> str:
        return self.output or f"done/{self.name}"

    def job(self, media_id: str) -> Job:
        from media_processor.jobs.queue import Job

        return Job(self.name, self.task, media_id)
