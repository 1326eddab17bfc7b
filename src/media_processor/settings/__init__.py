"""Every environment variable: one class a service, one file a class.

A field's name in capitals is the variable's name. ``docs/configuration.md`` is tested
against these classes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from media_processor.settings.base import Settings as Settings
    from media_processor.settings.base import read as read
    from media_processor.settings.central_server import (
        CentralServerSettings as CentralServerSettings,
    )
    from media_processor.settings.fast_server import FastServerSettings as FastServerSettings
    from media_processor.settings.pipeline import PipelineSettings as PipelineSettings
    from media_processor.settings.redis import RedisSettings as RedisSettings
    from media_processor.settings.server import ServerSettings as ServerSettings
    from media_processor.settings.spool import SpoolSettings as SpoolSettings
    from media_processor.settings.up import UpSettings as UpSettings
    from media_processor.settings.worker import WorkerSettings as WorkerSettings

else:
    _FILES = {
        "CentralServerSettings": "central_server",
        "FastServerSettings": "fast_server",
        "PipelineSettings": "pipeline",
        "RedisSettings": "redis",
        "ServerSettings": "server",
        "Settings": "base",
        "SpoolSettings": "spool",
        "UpSettings": "up",
        "WorkerSettings": "worker",
        "read": "base",
    }

    def __getattr__(name: str) -> object:
        # Loaded when it is first used: a service loads only its own.
        if name not in _FILES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_FILES[name]}"), name)
