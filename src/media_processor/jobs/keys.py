"""The names of everything kept in Redis: ARQ's keys, and ours beside them."""

JOB_PREFIX = "arq:job:"
"""Before a job's id: its payload."""

IN_PROGRESS_PREFIX = "arq:in-progress:"
"""Before a job's id: the token of the worker that runs it. Lasts one lease."""

RETRY_PREFIX = "arq:retry:"
"""Before a job's id: how often ARQ tried it. Attempts that count are in the spool."""

WORKERS = "media:workers"
"""Sorted set of ``<worker>:<queue>``, scored by the last heartbeat."""

CHANGES_CHANNEL = "media:changes"
"""Channel on which the id of a media is published when one of its jobs begins or ends."""

PROBES = ("media:probe", "media:probe:set")
"""Keys that only a check of the server writes to. They last a second."""

_QUEUE_PREFIX = "arq:queue:"


def queue_key(queue: str) -> str:
    """Sorted set of a queue's job ids, scored by when each may next be claimed."""
    return _QUEUE_PREFIX + queue


def is_queue_key(key: str) -> bool:
    # Of all keys only these last for ever.
    return key.startswith(_QUEUE_PREFIX) and ":" not in key.removeprefix(_QUEUE_PREFIX)


def wakeup_key(queue: str) -> str:
    """List that idle workers of a queue wait on."""
    return f"{queue_key(queue)}:wake-up"


def job_id(queue: str, media_id: str) -> str:
    """The same for the same work, so that it is never queued twice."""
    return f"{queue}:{media_id}"


def media_of(job: str) -> str:
    return job.partition(":")[2]


def job_keys(queue: str, job: str) -> list[str]:
    """The keys of a job id, in the order that the scripts take them."""
    return [
        queue_key(queue),
        JOB_PREFIX + job,
        IN_PROGRESS_PREFIX + job,
        RETRY_PREFIX + job,
        wakeup_key(queue),
    ]


def worker_id(name: str, queue: str) -> str:
    return f"{name}:{queue}"


def heartbeat_key(worker: str) -> str:
    """The latest heartbeat of a worker id: what it is doing. Lasts one lease."""
    return f"media:worker:{worker}"


def lease_key(task: str) -> str:
    """The token of the one worker that does ``task`` for all. Lasts one lease of its own."""
    return f"media:lease:{task}"
