"""A Redis that refuses us is named at once, with what to do: by a real Valkey where it can be."""

import asyncio
import http.server
import re
import shutil
import signal
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from media_processor.errors import QueueUnavailable
from media_processor.harness.ports import free_port
from media_processor.harness.valkey import Valkey
from media_processor.harness.waiting import wait_until, wait_until_async
from media_processor.jobs.connection import TOO_OLD, OutageLog, explain
from media_processor.jobs.queue import Job, open_queue
from media_processor.jobs.server_info import _check_version, read_server_info
from media_processor.jobs.systems import Presence
from media_processor.jobs.unreadable import Unreadable
from media_processor.jobs.worker import LeasedWorker, TaskFunction
from media_processor.settings import RedisSettings
from tests.conftest import KEYS

ROOT = Path(__file__).parents[2]
QUEUE, TASK = "watermark", "watermark_image_task"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    server = Valkey(tmp_path_factory.mktemp("refusing"))
    yield server
    server.stop()


@contextmanager
def configured(server: Valkey, **values: str) -> Iterator[None]:
    names = {name.replace("_", "-"): value for name, value in values.items()}
    found: Any = server.client.config_get()
    before = {name: found[name] for name in names}
    for name, value in names.items():
        server.client.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            server.client.config_set(name, value)


def at(server: Valkey, credentials: str = "", more: str = "", scheme: str = "redis") -> str:
    return f"{scheme}://{credentials}127.0.0.1:{server.port}{more}"


def refusal(url: str) -> str:
    """What is said of the Redis at ``url``, on the event loop that the services use."""

    async def check() -> str:
        async with open_queue(RedisSettings.model_validate({"redis_url": url}), KEYS) as queue:
            with pytest.raises(QueueUnavailable) as caught:
                await queue.check()
        return caught.value.detail

    began = time.monotonic()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        told = runner.run(check())
    assert time.monotonic() - began < 3
    return told


@pytest.mark.parametrize(
    ("requirepass", "credentials", "told"),
    [
        ("sesame", "", "Redis wants a password: set REDIS_PASSWORD"),
        ("sesame", ":wrong@", "Redis refuses the user name or password: correct REDIS_PASSWORD"),
        ("sesame", "nobody:sesame@", "Redis refuses the user name or password"),
        ("", ":sesame@", "Redis has no password: unset REDIS_PASSWORD"),
    ],
)
def test_a_password_that_is_missing_wrong_or_too_much(
    server: Valkey, requirepass: str, credentials: str, told: str
) -> None:
    with configured(server, requirepass=requirepass):
        before = _connections(server)
        assert told in refusal(at(server, credentials))
        assert _connections(server) == before + 1, "it was tried again"


def _connections(server: Valkey) -> int:
    info: Any = server.client.info("stats")
    return int(info["total_connections_received"])


@pytest.mark.parametrize("rights", ["~* &* +@all -evalsha", "~other:* &* +@all", "~* &* +ping"])
def test_a_user_without_the_rights(server: Valkey, rights: str) -> None:
    server.acl("SETUSER", "poor", "on", ">sesame", *rights.split())
    try:
        assert "doesn't allow its user" in refusal(at(server, "poor:sesame@"))
    finally:
        server.acl("DELUSER", "poor")


async def test_the_documented_rights_are_enough(server: Valkey) -> None:
    page = (ROOT / "docs" / "configuration.md").read_text()
    (rights,) = re.findall(r"^ACL SETUSER media (.*)$", page, re.MULTILINE)
    server.acl("LOG", "RESET")
    server.acl("SETUSER", "media", *rights.replace(">password", ">sesame").split())
    ran = asyncio.Event()

    async def task(_: dict[str, Any], __: str) -> None:
        ran.set()

    settings = RedisSettings.model_validate({"redis_url": at(server, "media:sesame@")})
    async with open_queue(settings, KEYS) as queue, _working(settings, task):
        await queue.check()
        await queue.ensure([Job(QUEUE, TASK, "01a20a66-a48f-7ad5-bb5f-7d611df2d0fa")])
        await asyncio.wait_for(ran.wait(), 10)
        await wait_until_async(queue.workers, "the worker is known")
        await queue.depth(QUEUE)
        assert await queue.has_lease("t", "me", 1)
        presence = Presence(queue, "worker", "w", "/folder")
        await presence.announce()
        await presence.leave()
        async with queue.redis.pubsub() as channel:
            await channel.subscribe(KEYS.changes)
            assert await channel.get_message(timeout=5)
            await channel.unsubscribe(KEYS.changes)
            assert await channel.get_message(timeout=5)
    assert (await read_server_info(settings)).server.startswith("Valkey")
    denied: Any = server.client.acl_log()
    assert not denied, denied
    server.acl("DELUSER", "media")


def test_a_database_that_does_not_exist(server: Valkey) -> None:
    assert "has no database of this number" in refusal(at(server, more="/99"))


@pytest.mark.parametrize("stale", ["yes", "no"])
def test_a_replica(server: Valkey, stale: str) -> None:
    with configured(server, replica_serve_stale_data=stale):
        server.client.replicaof("127.0.0.1", str(free_port()))
        try:
            assert "is a replica" in refusal(at(server))
        finally:
            server.client.replicaof("NO", "ONE")


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("maxmemory", "1", "out of memory: raise its maxmemory"),
        ("min_replicas_to_write", "1", "too few of its replicas"),
    ],
)
def test_a_redis_that_takes_no_writes(server: Valkey, setting: str, value: str, told: str) -> None:
    with configured(server, **{setting: value}):
        assert told in refusal(at(server))


def test_a_redis_whose_disk_fails(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    server = Valkey(folder)  # it won't stop by itself without having saved
    try:
        server.client.config_set("save", "3600 1")
        shutil.rmtree(folder)
        server.client.bgsave()

        def failed() -> bool:
            info: Any = server.client.info("persistence")
            return bool(info["rdb_last_bgsave_status"] == "err")

        wait_until(failed, "the save has failed")
        assert "can't save to its disk" in refusal(at(server))
    finally:
        server.kill()
        server.client.close()


def test_a_redis_that_is_too_old() -> None:
    for version in ("2.8.24", "5.0.14"):
        with pytest.raises(QueueUnavailable, match=r"Redis 6\.0"):
            _check_version({"redis_version": version})
    for version in ("6.0.0", "7.2.4", "10.0", "unknown"):
        _check_version({"redis_version": version})
    assert explain(Exception("timeout is not an integer or out of range")) == TOO_OLD


@pytest.mark.slow
def test_tls_to_a_redis_without_it(server: Valkey) -> None:
    assert "doesn't speak TLS" in refusal(at(server, scheme="rediss"))


@pytest.fixture(scope="module")
def tls_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that shakes hands and closes, as Debian's redis-server is not always there."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_certificate(tmp_path_factory.mktemp("tls")))
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(5)


def _certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "both.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


def test_a_redis_that_wants_tls(tls_port: int) -> None:
    assert "must begin with rediss://" in refusal(f"redis://127.0.0.1:{tls_port}")
    assert "isn't trusted: add ?ssl_ca_certs=" in refusal(f"rediss://127.0.0.1:{tls_port}")


def test_another_program() -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), _Silent) as other:
        thread = threading.Thread(target=other.serve_forever, args=(0.05,))
        thread.start()
        try:
            told = refusal(f"redis://127.0.0.1:{other.server_port}")
        finally:
            other.shutdown()
            thread.join()
    assert "isn't Redis" in told


class _Silent(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


def test_the_name_of_a_host_is_no_reason() -> None:
    host = "cluster-oom-misconf.example"
    error = ConnectionError(f"Error 111 connecting to {host}:6379. Connection refused.")
    assert explain(error) == "Redis can't be reached; jobs wait until it is back."


@contextmanager
def _stopped(server: Valkey) -> Iterator[None]:
    server.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


async def test_a_worker_says_it_once_and_stops_at_once(
    server: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    """It went round and round in redis-py's health check, and took 25 s to stop."""
    settings = RedisSettings.model_validate({"redis_url": at(server)})
    with configured(server, requirepass="sesame"):
        async with _working(settings, _nothing):
            await wait_until_async(lambda: _true("wants a password" in caplog.text), "it says so")
            began = time.monotonic()
        assert time.monotonic() - began < 5
    assert caplog.text.count("wants a password") == 1
    assert "Recursion" not in caplog.text


@pytest.mark.slow
async def test_a_worker_stops_at_once_while_redis_hangs(server: Valkey) -> None:
    settings = RedisSettings.model_validate({"redis_url": at(server)})
    async with open_queue(settings, KEYS) as queue:
        working = _working(settings, _nothing)
        await working.__aenter__()
        await wait_until_async(queue.workers, "the worker is up")
        with _stopped(server):
            began = time.monotonic()
            await working.__aexit__(None, None, None)
            assert time.monotonic() - began < 5


@asynccontextmanager
async def _working(settings: RedisSettings, task: TaskFunction) -> AsyncIterator[None]:
    of_all: dict[str, Any] = {
        "settings": settings,
        "keys": KEYS,
        "outage": OutageLog(),
        "unreadable": Unreadable(),
    }
    worker = LeasedWorker(QUEUE, TASK, task, name="w", slots=1, lease=10, **of_all)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.work(stop, grace=5))
    try:
        yield
    finally:
        stop.set()
        await running


async def _nothing(_: dict[str, Any], __: str) -> None: ...


async def _true(value: bool) -> bool:
    return value
