"""URLs that can't be used are refused, with what to write instead and without a secret."""

from pathlib import Path

import pytest

from media_processor.errors import SetupError
from media_processor.jobs.connection import connect
from media_processor.settings import PipelineSettings, RedisSettings, read
from media_processor.settings.urls import REDIS_QUERY, REDIS_QUERY_TCP, REDIS_QUERY_TLS


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        # What redis-py takes for localhost, or for a host that is half a password.
        ("redis://:se/same@cache:6379/0", "isn't encoded"),
        ("redis://:12/same@cache:6379/0", "isn't encoded"),
        ("redis://se:12?same@cache:6379/0", "unknown part"),
        ("redis://se:12#same@cache:6379/0", "isn't encoded"),
        ("redis://sesame/@cache", "isn't encoded"),
        ("redis://se:same", "port isn't a number"),
        ("redis://cache:sesame/0", "port isn't a number"),
        ("redis://cache:70000/0", "port isn't a number"),
        ("redis://cache:0", "names no host"),
        ("redis://", "names no host"),
        ("redis:///0", "names no host"),
        ("redis://:sesame@/0", "names no host"),
        ("redis://:sesame@:6379/0", "names no host"),
        ("redis://cache/sesame", "database isn't a number"),
        ("redis://cache/0#sesame", "behind #"),
        ("redis://cache/0?sesame", "unknown part"),
        ("redis://cache/0?sesame=1", "unknown part"),
        ("redis://cache/0?db=sesame", "db isn't a number"),
        ("redis://cache/0?protocol=4", "protocol must be 2 or 3"),
        ("redis://cache/0?ssl_cert_reqs=none", "needs rediss://"),
        ("rediss://cache/0?ssl_cert_reqs=sesame", "must be none, optional or required"),
        ("rediss://cache/0?ssl_ca_certs=/nowhere", "there is no file /nowhere"),
        ("redis://cac\nhe/0", "control character"),
        ("redis://[::1/0", "port isn't a number"),
        ("http://sesame@cache", "must start with redis://"),
        ("sesame", "must start with redis://"),
        ("unix://", "names no socket"),
    ],
)
def test_a_redis_url_that_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str, reason: str
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    with pytest.raises(SetupError) as caught:
        read(RedisSettings)
    assert caught.value.detail.startswith("REDIS_URL: ")
    assert reason in caught.value.detail
    assert "same" not in caught.value.detail
    if "isn't encoded" in reason or "port" in reason:
        assert "write %2F for /" in caught.value.detail


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache", {"host": "cache"}),
        ("redis://cache:6380/2", {"host": "cache", "port": 6380, "db": 2}),
        ("REDIS://cache/2/", {"host": "cache", "db": 2}),
        ("redis://:se:s@me@cache/0", {"password": "se:s@me", "host": "cache"}),
        ("redis://u:se%2Fsa%3Ame@cache", {"username": "u", "password": "se/sa:me"}),
        ("redis://[::1]:6380", {"host": "::1", "port": 6380}),
        ("redis://cache?db=3&client_name=a%20b", {"db": 3, "client_name": "a b"}),
        ("rediss://cache?ssl_cert_reqs=none", {"ssl_cert_reqs": "none"}),
        ("unix:///run/redis.sock?db=1", {"path": "/run/redis.sock", "db": 1}),
        ("unix://:sesame@/run/redis.sock", {"path": "/run/redis.sock", "password": "sesame"}),
    ],
)
def test_a_redis_url_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, url: str, expected: dict[str, object]
) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    pool = connect(read(RedisSettings)).connection_pool
    pool.make_connection()  # type: ignore[no-untyped-call] # redis-py knows its arguments
    assert expected.items() <= pool.connection_kwargs.items()


def test_every_part_of_a_query_is_known_to_redis_py(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.touch()
    values = {"protocol": "2", "ssl_cert_reqs": "none", "ssl_ca_data": "x", "ssl_ciphers": "x"}
    for scheme, names in {
        "redis://cache": {**REDIS_QUERY, **REDIS_QUERY_TCP},
        "rediss://cache": {**REDIS_QUERY, **REDIS_QUERY_TCP, **REDIS_QUERY_TLS},
        "unix:///run/redis.sock": REDIS_QUERY,
    }.items():
        for name in names:
            usual = str(file) if name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") else "1"
            url = f"{scheme}?{name}={values.get(name, usual)}"
            monkeypatch.setenv("REDIS_URL", url)
            pool = connect(read(RedisSettings)).connection_pool
            pool.make_connection()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("cache", "redis://cache:6379/0"),
        ("my_cache.example", "redis://my_cache.example:6379/0"),
        ("10.0.0.1", "redis://10.0.0.1:6379/0"),
        ("::1", "redis://[::1]:6379/0"),
        ("[::1]", "redis://[::1]:6379/0"),
    ],
)
def test_a_redis_host(monkeypatch: pytest.MonkeyPatch, host: str, address: str) -> None:
    monkeypatch.setenv("REDIS_HOST", host)
    assert read(RedisSettings).address() == address


@pytest.mark.parametrize("host", ["cache:6380", "redis://cache", "u@cache", "a b", "cache/0", ":"])
def test_a_redis_host_that_is_refused(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("REDIS_HOST", host)
    with pytest.raises(SetupError, match="REDIS_HOST: must be a host's name or address alone"):
        read(RedisSettings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CENTRAL_SERVER_URL", "archive:8003"),
        ("CENTRAL_SERVER_URL", "http://u:se/same@archive:8003/upload-final"),
        ("CENTRAL_SERVER_URL", "http://archive:port/upload-final"),
        ("CENTRAL_SERVER_URL", "http:///upload-final"),
        ("CENTRAL_SERVER_URL", "http://my archive/upload-final"),
        ("GOOGLE_LOGO", "ftp://cdn/logo.png"),
        ("GOOGLE_LOGO", "https:///logo.png"),
        ("GOOGLE_LOGO", "https://cdn:logo.png"),
    ],
)
def test_another_url_that_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SetupError, match=f"^{variable}: ") as caught:
        read(PipelineSettings)
    assert "same" not in caught.value.detail


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CENTRAL_SERVER_URL", "https://u:p@archive/upload-final"),
        ("CENTRAL_SERVER_URL", "http://[::1]:8003/upload-final?a=b@c"),
        ("GOOGLE_LOGO", "https://u:p@cdn/my logo@2x.png?X=1"),
        ("GOOGLE_LOGO", "file:///srv/logo.png"),
        ("GOOGLE_LOGO", "our/logo@2x.png"),
    ],
)
def test_another_url_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert getattr(read(PipelineSettings), variable.lower()) == value
