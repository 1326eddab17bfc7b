"""What a service doesn't import when it starts: each takes 0.1 s of CPU or more."""

import subprocess
import sys

import pytest

_LOADED = (
    "import sys, {}; print(*(name for name in {!r} if name in sys.modules and sys.modules[name]))"
)
_USE_JWT = """
import media_processor.jobs.queue, sys, jwt
assert "jwt.api_jwt" not in sys.modules
print(jwt.decode.__name__)
"""


@pytest.mark.parametrize(
    ("service", "heavy"),
    [
        ("fast_server", ["PIL", "cryptography.x509", "pydantic.v1", "sqlalchemy", "rich", "typer"]),
        ("worker_server", ["PIL", "cryptography.x509", "fastapi", "sqlalchemy", "rich", "typer"]),
        ("central_server", ["PIL", "pydantic.v1", "redis", "httpx2", "rich", "typer"]),
    ],
)
def test_a_service_starts_without(service: str, heavy: list[str]) -> None:
    assert _python(_LOADED.format(f"media_processor.{service}.main", heavy)) == ""


def test_settings_load_when_they_are_used() -> None:
    assert _python(_LOADED.format("media_processor.settings", ["pydantic"])) == ""
    code = _LOADED.format("media_processor.settings", ["media_processor.settings.up"])
    assert _python(f"from media_processor.settings import WorkerSettings; {code}") == ""


def test_a_deferred_module_loads_when_it_is_used() -> None:
    assert _python(_USE_JWT) == "decode"


def _python(source: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()
