"""Sizes and times take units; what was taken without one still is."""

import re
from pathlib import Path

import pytest

from media_processor.errors import SetupError
from media_processor.settings import FastServerSettings, WorkerSettings, read
from media_processor.settings.quantities import written_bytes

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("52428800", 52_428_800),
        (" 1_000 ", 1000),
        ("50.0", 50),
        ("50MB", 50_000_000),
        ("50 mb", 50_000_000),
        ("50MiB", 52_428_800),
        ("1.5kB", 1500),
        ("0.5KiB", 512),
        ("2GiB", 2 * 1024**3),
        ("1TB", 10**12),
        ("7B", 7),
    ],
)
def test_sizes(monkeypatch: pytest.MonkeyPatch, text: str, number: int) -> None:
    monkeypatch.setenv("MAX_UPLOAD_BYTES", text)
    assert read(FastServerSettings).max_upload_bytes == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("30", 30),
        ("1e1", 10),
        (" .5 ", 0.5),
        ("30s", 30),
        ("500ms", 0.5),
        ("5m", 300),
        ("5 min", 300),
        ("1.5h", 5400),
        ("1d", 86400),
    ],
)
def test_times(monkeypatch: pytest.MonkeyPatch, text: str, number: float) -> None:
    monkeypatch.setenv("UPLOAD_TIMEOUT", text)
    assert read(WorkerSettings).upload_timeout == number


def test_lists_and_ranges_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPLOAD_RETRY_DELAYS", "10, 500ms,1m")
    monkeypatch.setenv("SIMULATED_LATENCY", "500ms-8s")
    settings = read(WorkerSettings)
    assert settings.upload_retry_delays == (10, 0.5, 60)
    assert settings.simulated_latency == (0.5, 8)


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("MAX_METADATA_BYTES", "5 apples", "must be a size, such as 50MB"),
        ("MAX_METADATA_BYTES", "5M", "must be a size"),
        ("MAX_METADATA_BYTES", "-5MB", "must be a size"),
        ("MAX_METADATA_BYTES", "0MB", "greater than or equal to 1"),
        ("WATERMARK_MEMORY_BYTES", "1000000000TB", "can't be more"),
        ("LEASE_SECONDS", "soon", "must be a time, such as 500ms"),
        ("LEASE_SECONDS", "500ms", "greater than or equal to 1"),
        ("LEASE_SECONDS", "inf", "can't be more than ten years"),
        ("LEASE_SECONDS", "nan", "greater than or equal to 1"),
        ("UPLOAD_RETRY_DELAYS", "1,x", "must be a time"),
        ("UPLOAD_RETRY_DELAYS", "1,-1", "can't be negative"),
    ],
)
def test_what_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, reason: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(SetupError, match=f"^{variable}: .*{re.escape(reason)}"):
        read(WorkerSettings)


def test_sizes_are_documented_as_they_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (0, 7, 1000, 1024, 50 * 1024**2, 3 * 1024**3, 1024**4):
        monkeypatch.setenv("MIN_FREE_BYTES", written_bytes(number))
        assert read(FastServerSettings).min_free_bytes == number
    assert "| `MAX_UPLOAD_BYTES` | `50MiB` |" in (ROOT / "docs" / "configuration.md").read_text()
