"""The names of everything kept in Redis: ARQ's keys, and ours beside them.

All but two have the prefix of one system, so that several can share a Redis. Where ARQ's name is
fixed (``arq:job:``), the prefix begins the job's id.
"""

import socket
from dataclasses import dataclass

from media_processor.settings import PipelineSettings

JOB_PREFIX = "arq:job:"
"""Before a job's id: its payload."""

IN_PROGRESS_PREFIX = "arq:in-progress:"
"""Before a job's id: the token of the worker that runs it. Lasts one lease."""

RETRY_PREFIX = "arq:retry:"
"""Before a job's id: how often ARQ tried it. Attempts that count are in the spool."""

SYSTEMS = "media:systems"
"""Sorted set of the processes of all systems, scored by when each was last seen."""

PROBES = ("media:probe", "media:probe:set")
"""Keys that only a check of the server writes to. They last a second."""


@dataclass(frozen=True)
class Keys:
    """The names of one system. ``spool`` is the identity of its spool, ``place`` where that is,
    for people: host and folder."""

    prefix: str
    spool: str
    place: str = ""

    @property
    def owner(self) -> str:
        """Says which spool the prefix belongs to: no other may use it."""
        return f"media:{self.prefix}:spool"

    @property
    def ownership(self) -> str:
        """What ``owner`` holds: the identity up to the first space counts."""
        return f"{self.spool} {self.place}"

    @property
    def workers(self) -> str:
        """Sorted set of ``<worker>:<queue>``, scored by the last heartbeat."""
        return f"media:{self.prefix}:workers"

    @property
    def changes(self) -> str:
        """Channel on which the id of a media is published when one of its jobs begins or ends."""
        return f"media:{self.prefix}:changes"

    def heartbeat(self, worker: str) -> str:
        """The latest heartbeat of a worker id: what it is doing. Lasts one lease."""
        return f"media:{self.prefix}:worker:{worker}"

    def lease(self, task: str) -> str:
        """The token of the one worker that does ``task`` for all. Lasts one lease of its own."""
        return f"media:{self.prefix}:lease:{task}"

    def queue(self, queue: str) -> str:
        """Sorted set of a queue's job ids, scored by when each may next be claimed."""
        return f"arq:queue:{self.prefix}:{queue}"

    def wakeup(self, queue: str) -> str:
        """List that idle workers of a queue wait on."""
        return f"{self.queue(queue)}:wake-up"

    def job_id(self, queue: str, media_id: str) -> str:
        """The same for the same work, so that it is never queued twice."""
        return f"{self.prefix}:{queue}:{media_id}"

    def of_job(self, queue: str, job: str) -> list[str]:
        """The keys of a job id, in the order that the scripts take them."""
        return [
            self.queue(queue),
            JOB_PREFIX + job,
            IN_PROGRESS_PREFIX + job,
            RETRY_PREFIX + job,
            self.wakeup(queue),
        ]


def keys_of(settings: PipelineSettings, spool: str) -> Keys:
    place = f"{socket.gethostname()} {settings.uploads_dir}"
    return Keys(settings.redis_prefix or spool, spool, place)


def media_of(job: str) -> str:
    return job.rpartition(":")[2]


def worker_id(name: str, queue: str) -> str:
    return f"{name}:{queue}"
