"""Every variable, who reads it, and variables whose names are nearly those of settings."""

import difflib
import logging
import os

from pydantic_settings import BaseSettings

from media_processor.addresses import fast_server_url
from media_processor.settings.central_server import CentralServerSettings
from media_processor.settings.fast_server import FastServerSettings
from media_processor.settings.redis import RedisSettings
from media_processor.settings.up import UpSettings
from media_processor.settings.worker import WorkerSettings

READERS: dict[str, tuple[type[BaseSettings], ...]] = {
    "fast-server": (FastServerSettings,),
    "worker-server": (WorkerSettings,),
    "central-server": (CentralServerSettings,),
    "up": (UpSettings, RedisSettings),
}
OF_COMMANDS = {"FAST_SERVER_URL": fast_server_url()}

# MAX_UPLOAD_BYTE is 0.97 like MAX_UPLOAD_BYTES; LOGNAME, which every shell sets, is 0.67
# like HOSTNAME.
_ALIKE = 0.8


def given() -> dict[str, str]:
    """The environment as settings read it: names in any case, and what is empty isn't set."""
    return {name.upper(): value for name, value in os.environ.items() if value}


def misspelt() -> dict[str, str]:
    """The variables that no service reads, and for each the setting that was probably meant."""
    known = set(OF_COMMANDS)
    for kind in (kind for kinds in READERS.values() for kind in kinds):
        known |= {name.upper() for name in kind.model_fields}
    found: dict[str, str] = {}
    for name in sorted(given().keys() - known):
        if close := difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE):
            found[name] = close[0]
    return found


def warn_of_misspelt(log: logging.Logger) -> None:
    for name, meant in misspelt().items():
        log.warning("⚠️ no service reads %s. Did you mean %s?", name, meant)


def forget_misspelt() -> None:
    """Remove them from the environment: child processes needn't warn of them again."""
    found = misspelt()
    for name in [name for name in os.environ if name.upper() in found]:
        del os.environ[name]
