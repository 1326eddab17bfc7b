"""Checks Redis, the fast server, the workers, the central server, and their clocks."""

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx2
from pydantic import ValidationError

from media_processor.addresses import CENTRAL_SERVER_PORT
from media_processor.cli.config.configuration import masked
from media_processor.cli.doctor.check import Finding, error, ok, warning
from media_processor.errors import QueueUnavailable, SetupError
from media_processor.messages.base import Readiness
from media_processor.settings import CentralServerSettings, PipelineSettings, RedisSettings, read

if TYPE_CHECKING:
    from media_processor.jobs.server_info import ServerInfo

# Leases and log times tolerate a second or two; HTTP dates have whole seconds only.
_SKEW_SECONDS = 2.0
_TIMEOUT = 3.0
# Checks of the fast server that are reported by themselves.
_MOVEMENT = ("workers", "work")
_PICTURES_WAIT = "Until this is fixed, accepted pictures wait in the spool."
_SET_CLOCK = "Synchronize both machines' clocks with NTP."
_OWN = "REDIS_HOST is not set in this shell, and media-processor up keeps its Valkey private"


@dataclass(frozen=True)
class Answer:
    """A server's answer to ``GET /ready``; ``skew`` is how many seconds its clock is ahead."""

    readiness: Readiness | None
    status: int
    skew: float | None


async def examine_redis(settings: RedisSettings, fast_url: str) -> list[Finding]:
    # The fast server's word counts if only that can reach it.
    where = masked(settings.address(), is_secret=True)
    if not settings.redis_is_set:
        answer = await _get_ready(fast_url)
        if not isinstance(answer, str) and answer.readiness:
            return [_from_fast_server(answer.readiness)]
    from media_processor.jobs.server_info import read_server_info  # the servers may be missing

    try:
        info = await read_server_info(settings)
    except QueueUnavailable as problem:
        if settings.redis_is_set:
            return [_unusable(where, problem.detail)]
        to_do = "Run media-processor up. Services started one by one need REDIS_HOST."
        return [warning("redis", f"{_OWN}; the fast server can't be reached", to_do)]
    return _of_redis(info, where)


def _unusable(where: str, reason: str) -> Finding:
    from media_processor.jobs.connection import AWAY

    if reason == AWAY:
        to_do = "Start it, or set REDIS_HOST or REDIS_URL. Until then, pictures wait."
        return error("redis", f"{where} can't be reached", to_do)
    return error("redis", f"{where}: {reason}", _PICTURES_WAIT)


def _from_fast_server(readiness: Readiness) -> Finding:
    check = readiness.checks.get("redis")
    if check is None:
        return warning(
            "redis", f"{_OWN}; the fast server doesn't report on Redis", "Set REDIS_HOST."
        )
    found = f"{_OWN}; the fast server reports: {check.detail}"
    if check.ok:
        return ok("redis", found)
    return error("redis", found, "See the log of media-processor up, and data/valkey/valkey.log.")


def _of_redis(info: "ServerInfo", where: str) -> list[Finding]:
    found = [ok("redis", f"{info.server} at {where}")]
    if info.policy != "noeviction":
        reason = f"maxmemory-policy is {info.policy}: when memory is full, Redis drops jobs"
        to_do = "Run CONFIG SET maxmemory-policy noeviction, and set it in redis.conf, too."
        found.append(error("redis eviction", reason, to_do))
    else:
        found.append(ok("redis eviction", "maxmemory-policy is noeviction"))
    if info.keeps_a_file:
        found.append(ok("redis persistence", "appendonly is on"))
    else:
        reason = "appendonly is off: a restart loses the jobs until the workers recreate them"
        to_do = "Run CONFIG SET appendonly yes, and set it in redis.conf, too."
        found.append(warning("redis persistence", reason, to_do))
    found.append(_clock("redis", info.skew_seconds))
    return found


async def examine_fast_server(url: str) -> list[Finding]:
    to_do = "Start it (media-processor up starts everything), or set FAST_SERVER_URL."
    answer = await _get_ready(url)
    found = _server("fast server", url, answer, to_do)
    return found if isinstance(answer, str) else found + _movement(answer.readiness)


async def examine_central_server(settings: PipelineSettings, fast_url: str) -> list[Finding]:
    # If CENTRAL_SERVER_URL isn't set and nothing answers at the default address, it is enough that
    # the fast server reaches it.
    to_do = "Start it, or set CENTRAL_SERVER_URL. Until then, watermarked pictures wait."
    url = _central_url(settings)
    is_named = "central_server_url" in settings.model_fields_set
    answer = await _get_ready(url)
    if not is_named and isinstance(answer, str) and await _reaches_archive(fast_url):
        return [
            ok(
                "central server",
                "CENTRAL_SERVER_URL is not set in this shell; the fast server reaches it",
            )
        ]
    return _server("central server", url, answer, to_do)


async def _reaches_archive(fast_url: str) -> bool:
    try:
        async with httpx2.AsyncClient(timeout=_TIMEOUT) as http:
            answer = await http.get(f"{fast_url.rstrip('/')}/archive", params={"limit": 1})
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return False
    return answer.status_code == 200


def _central_url(settings: PipelineSettings) -> str:
    # Where ``up`` has its own, unless one is named.
    if "central_server_url" in settings.model_fields_set:
        return str(httpx2.URL(settings.central_server_url).join("."))
    try:
        port = read(CentralServerSettings).central_server_port
    except SetupError:  # the settings check reports it
        port = CENTRAL_SERVER_PORT
    return f"http://127.0.0.1:{port}"


def _server(name: str, url: str, answer: Answer | str, to_do: str) -> list[Finding]:
    where = masked(url)
    if isinstance(answer, str):
        return [error(name, f"{where} can't be reached ({answer})", to_do)]
    clock = [] if answer.skew is None else [_clock(name, answer.skew)]
    if answer.readiness is None and answer.status >= 500:
        return [error(name, f"{where} answered {answer.status}", to_do), *clock]
    if answer.readiness is None:
        to_do = "Check the address: this may be another program."
        found = f"{where} answered {answer.status}, but not with a readiness report"
        return [warning(name, found, to_do), *clock]
    problems = answer.readiness.problems
    bad = {part: check for part, check in problems.items() if part not in _MOVEMENT}
    if not bad:
        return [ok(name, f"{where} is ready"), *clock]
    reasons = "; ".join(f"{part}: {check.detail}" for part, check in bad.items())
    to_do = "The server's log has details."
    found = f"{where} is {'ready, but' if answer.readiness.ready else 'not ready:'} {reasons}"
    is_error = any(check.state == "error" for check in bad.values())
    return [(error if is_error else warning)(name, found, to_do), *clock]


async def _get_ready(url: str) -> Answer | str:
    """Returns the kind of error if there is no answer."""
    try:
        async with httpx2.AsyncClient(timeout=_TIMEOUT, follow_redirects=False) as http:
            sent_at = time.time()
            answer = await http.get(f"{url.rstrip('/')}/ready")
            middle = (sent_at + time.time()) / 2
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as problem:
        return type(problem).__name__
    try:
        readiness = Readiness.model_validate_json(answer.content)
    except ValidationError:
        readiness = None
    return Answer(readiness, answer.status_code, _skew(answer.headers.get("Date"), middle))


def _skew(date: str | None, now: float) -> float | None:
    # 0 within the precision of the header: it has no fractions, and may be a second old.
    try:
        sent = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    return min(0.0, sent + 2 - now) if sent < now else sent - now


def _clock(name: str, skew: float) -> Finding:
    found = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine"
    if abs(skew) > _SKEW_SECONDS:
        return warning(f"{name} clock", found, _SET_CLOCK)
    return ok(f"{name} clock", "same as this machine")


def _movement(readiness: Readiness | None) -> list[Finding]:
    # Servers before 0.3 don't report these.
    checks = readiness.checks if readiness else {}
    return [
        Finding(name, one.state, one.detail, None if one.state == "ok" else _PICTURES_WAIT)
        for name, one in checks.items()
        if name in _MOVEMENT
    ]
