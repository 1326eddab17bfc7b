"""What is wrong with a URL that a setting has, and what to do about it."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

_ENCODE = (
    "In a user name or password, write %2F for /, %3A for :, %40 for @, %3F for ?, %23 for # and "
    "%25 for %."
)

_REDIS_SCHEMES = ("redis", "rediss", "unix")
_REDIS_EXAMPLE = "redis://user:password@host:6379/0"


def check_http_url(url: str, example: str) -> str:
    """Returns ``url``; raises ValueError, without its value, if nothing can be reached at it."""
    url = url.strip()
    parts = _split(url)
    if parts.scheme not in ("http", "https") or not _has_host(parts):
        raise ValueError(f"must be a URL such as {example}")
    return url


def check_host(host: str) -> str:
    """Returns ``host``, with brackets around an IPv6 address."""
    bare = host.strip().removeprefix("[").removesuffix("]")
    if re.fullmatch(r"[\w.-]+", bare):
        return bare
    try:
        ipaddress.IPv6Address(bare)
    except ValueError:
        raise ValueError(
            "must be a host's name or address alone, such as redis.example; the port is "
            "REDIS_PORT, and everything else needs REDIS_URL"
        ) from None
    return f"[{bare}]"


def check_redis_url(url: str) -> str:
    """Returns ``url``; redis-py would take much of what is refused here for localhost:6379."""
    url = url.strip()
    scheme = url.partition("://")[0].lower()
    if "://" not in url or scheme not in _REDIS_SCHEMES:
        raise ValueError("must start with redis://, rediss:// or unix://")
    if "@" in re.sub(r"^[^/?#]*", "", url.partition("://")[2]).partition("?")[0]:
        raise ValueError(f"its user name or password isn't encoded. {_ENCODE}")
    parts = _split(url)
    if scheme == "unix":
        if not parts.path:
            raise ValueError("names no socket; it must be like unix:///run/redis/redis.sock")
    else:
        if not _has_host(parts):
            raise ValueError(f"names no host; it must be like {_REDIS_EXAMPLE}")
        if not re.fullmatch(r"/?\d*/?", unquote(parts.path)):
            raise ValueError(f"its database isn't a number; it must be like {_REDIS_EXAMPLE}")
    if parts.fragment:
        raise ValueError(f"has a part behind #. {_ENCODE}")
    _check_redis_query(parts.query, scheme)
    return url


def _split(url: str) -> SplitResult:
    if re.search(r"[\x00-\x1f\x7f]", url):
        raise ValueError("has a line break or another control character in it")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError(f"its port isn't a number from 1 to 65535. {_ENCODE}") from None
    return parts


def _has_host(parts: SplitResult) -> bool:
    return bool(parts.hostname) and " " not in str(parts.hostname) and parts.port != 0


# ── the query of a Redis URL: arguments of redis-py's connection ─────────────────────────────


def _file(value: str) -> None:
    if not Path(value).is_file():
        raise ValueError(f"there is no file {value}")


def _one_of(*values: str) -> Callable[[str], object]:
    def check(value: str) -> None:
        if value.lower() not in values:
            raise ValueError(f"must be {', '.join(values[:-1])} or {values[-1]}")

    return check


_BOOLEAN = _one_of("true", "false", "yes", "no", "y", "n", "t", "f", "1", "0")

REDIS_QUERY: dict[str, Callable[[str], object]] = {
    "db": int,
    "username": str,
    "password": str,
    "client_name": str,
    "protocol": _one_of("2", "3"),
    "max_connections": int,
    "timeout": float,
    "socket_timeout": float,
    "socket_connect_timeout": float,
    "health_check_interval": int,
    "retry_on_timeout": _BOOLEAN,
}
"""What any Redis URL may have behind the ``?``, and a function that raises ValueError for a value
that can't be used."""

REDIS_QUERY_TCP: dict[str, Callable[[str], object]] = {"socket_keepalive": _BOOLEAN}

REDIS_QUERY_TLS: dict[str, Callable[[str], object]] = {
    "ssl_ca_certs": _file,
    "ssl_certfile": _file,
    "ssl_keyfile": _file,
    "ssl_ca_data": str,
    "ssl_cert_reqs": _one_of("none", "optional", "required"),
    "ssl_check_hostname": _BOOLEAN,
    "ssl_ciphers": str,
}
"""What only ``rediss://`` may have."""


def _check_redis_query(query: str, scheme: str) -> None:
    known = {**REDIS_QUERY}
    if scheme != "unix":
        known |= REDIS_QUERY_TCP
    if scheme == "rediss":
        known |= REDIS_QUERY_TLS
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in REDIS_QUERY_TLS and scheme != "rediss":
            raise ValueError(f"has {name}, which needs rediss://")
        if name not in known:
            # The name may be half a password.
            raise ValueError(f"has an unknown part behind ?. Known: {', '.join(known)}. {_ENCODE}")
        try:
            known[name](value)
        except ValueError as error:
            reason = str(error) if str(error).startswith(("must", "there")) else "isn't a number"
            raise ValueError(f"{name} {reason}") from None
