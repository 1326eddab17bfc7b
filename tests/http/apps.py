"""Both servers' applications, not served."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI

from media_processor.central_server import main as central_main
from media_processor.fast_server import main as fast_main
from media_processor.settings import CentralServerSettings, FastServerSettings


def apps(folder: Path) -> Iterator[tuple[str, FastAPI]]:
    fast = FastServerSettings(media_data_dir=folder)
    yield "fast", fast_main.create_app(fast, asyncio.Event())
    central = CentralServerSettings(media_data_dir=folder)
    yield "central", central_main.create_app(central, None)
