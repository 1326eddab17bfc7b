"""Health check of a worker's container: does Redis hold a heartbeat of this worker?

A worker's process can exist and still do nothing; its heartbeat lasts one lease only.
"""

import asyncio
import sys

from media_processor.errors import MediaProcessorError
from media_processor.filenames import safe_worker_name
from media_processor.jobs.keys import keys_of
from media_processor.jobs.queue import open_queue
from media_processor.settings import WorkerSettings, read
from media_processor.work.spool import open_spool


async def check(settings: WorkerSettings) -> str | None:
    """What is wrong, or None."""
    name = safe_worker_name(settings.hostname)
    keys = keys_of(settings, open_spool(settings).identity)
    async with asyncio.timeout(5), open_queue(settings, keys) as queue:
        alive = await queue.workers()
    if any(worker.name == name for worker in alive):
        return None
    return f"no heartbeat from {name}"


def main() -> None:
    """Exit with status 1 and one line that says why, if the worker is not alive."""
    try:
        sys.exit(asyncio.run(check(read(WorkerSettings))))
    except TimeoutError:
        sys.exit("Redis doesn't answer")
    except MediaProcessorError as error:
        sys.exit(error.detail)


if __name__ == "__main__":
    main()
