"""What the routes work with, built once by main.py."""

import asyncio
from dataclasses import dataclass
from typing import cast

from fastapi import Request

from media_processor.central_client import CentralClient
from media_processor.jobs.queue import Changes, JobQueue
from media_processor.settings import FastServerSettings
from media_processor.spool import Spool


@dataclass(frozen=True)
class Parts:
    settings: FastServerSettings
    spool: Spool
    queue: JobQueue
    changes: Changes
    central: CentralClient
    stopping: asyncio.Event


def parts_of(request: Request) -> Parts:
    """The parts of the application that serves ``request``."""
    return cast(Parts, request.state.parts)
