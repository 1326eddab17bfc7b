"""The others: Redis, the fast server, the central server, and their clocks."""

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx2
from pydantic import ValidationError

from media_processor.cli.configuration import masked
from media_processor.cli.doctor.check import Finding, doubtful, well, wrong
from media_processor.errors import QueueUnavailable, SetupError
from media_processor.jobs.server_info import ServerInfo, read_server_info
from media_processor.messages.base import Readiness
from media_processor.messages.fast_server import QueueReport
from media_processor.settings import CentralServerSettings, PipelineSettings, RedisSettings, read

# Leases and the log's times stand a second or two; HTTP tells whole seconds only.
_SKEW_SECONDS = 2.0
_PATIENCE = 3.0
_SET_CLOCK = "Let both machines keep their time by NTP."
_OWN = "no Redis is set, so 'media-processor up' brings a Valkey that only it can reach"


@dataclass(frozen=True)
class Answer:
    """What a server said to ``GET /ready``; ``skew`` in seconds, how far its clock is ahead."""

    readiness: Readiness | None
    status: int
    skew: float | None


async def examine_redis(settings: RedisSettings, fast_url: str) -> list[Finding]:
    """Redis itself, or what the fast server says of it where only that can reach it."""
    where = masked(settings.address(), is_secret=True)
    if not settings.redis_is_set:
        answer = await _asked(fast_url)
        if not isinstance(answer, str) and answer.readiness:
            return [_by_hearsay(answer.readiness)]
    try:
        info = await read_server_info(settings)
    except QueueUnavailable:
        if settings.redis_is_set:
            to_do = "Start it, or set REDIS_HOST or REDIS_URL; till then pictures wait."
            return [wrong("redis", f"{where} can't be reached", to_do)]
        to_do = "Start 'media-processor up'. Services that run alone need REDIS_HOST."
        return [doubtful("redis", f"{_OWN}; the fast server can't be asked", to_do)]
    return _of_redis(info, where)


def _by_hearsay(readiness: Readiness) -> Finding:
    check = readiness.checks.get("redis")
    if check is None:
        return doubtful("redis", f"{_OWN}; the fast server doesn't tell", "Set REDIS_HOST.")
    told = f"{_OWN}; the fast server says: {check.detail}"
    if check.ok:
        return well("redis", told)
    return wrong("redis", told, "See the log of 'media-processor up', and data/valkey/valkey.log.")


def _of_redis(info: ServerInfo, where: str) -> list[Finding]:
    found = [well("redis", f"{info.server} at {where}")]
    if info.policy != "noeviction":
        told = f"maxmemory-policy is {info.policy}: short of memory it would drop jobs"
        to_do = "CONFIG SET maxmemory-policy noeviction, and the same in its configuration file."
        found.append(wrong("redis eviction", told, to_do))
    else:
        found.append(well("redis eviction", "maxmemory-policy is noeviction"))
    if info.keeps_a_file:
        found.append(well("redis persistence", "appendonly is on"))
    else:
        told = "appendonly is off: after a restart jobs are made anew from the spool, a bit later"
        to_do = "CONFIG SET appendonly yes, and the same in its configuration file."
        found.append(doubtful("redis persistence", told, to_do))
    found.append(_clock("redis", info.skew_seconds))
    return found


async def examine_fast_server(url: str) -> list[Finding]:
    """The fast server, and whether somebody works for it."""
    to_do = "Start it ('media-processor up' starts everything), or name it: FAST_SERVER_URL."
    found = await _server("fast server", url, to_do)
    if found[0].state != "wrong":
        found += await _workers(url)
    return found


async def examine_central_server(settings: PipelineSettings, fast_url: str) -> list[Finding]:
    """The archive; where none is named, and none is where it usually is, the fast server's."""
    to_do = "Start it, or set CENTRAL_SERVER_URL; till then pictures wait, watermarked."
    url = _central_url(settings)
    is_named = "central_server_url" in settings.model_fields_set
    if not is_named and isinstance(await _asked(url), str) and await _reaches_archive(fast_url):
        return [well("central server", "CENTRAL_SERVER_URL isn't set; the fast server reaches it")]
    return await _server("central server", url, to_do)


async def _reaches_archive(fast_url: str) -> bool:
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE) as http:
            answer = await http.get(f"{fast_url.rstrip('/')}/archive", params={"limit": 1})
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return False
    return answer.status_code == 200


def _central_url(settings: PipelineSettings) -> str:
    """Where ``up`` has its own, unless one is named."""
    if "central_server_url" in settings.model_fields_set:
        return str(httpx2.URL(settings.central_server_url).join("."))
    try:
        port = read(CentralServerSettings).central_server_port
    except SetupError:  # told with the settings
        port = 8003
    return f"http://127.0.0.1:{port}"


async def _server(name: str, url: str, to_do: str) -> list[Finding]:
    answer = await _asked(url)
    where = masked(url)
    if isinstance(answer, str):
        return [wrong(name, f"{where} can't be reached ({answer})", to_do)]
    clock = [] if answer.skew is None else [_clock(name, answer.skew)]
    if answer.readiness is None and answer.status >= 500:
        return [wrong(name, f"{where} answers {answer.status}", to_do), *clock]
    if answer.readiness is None:
        to_do = "Look whether that is the right address."
        told = f"{where} answers {answer.status} and can't say whether it is ready"
        return [doubtful(name, told, to_do), *clock]
    bad = {part: check for part, check in answer.readiness.checks.items() if not check.ok}
    if not bad:
        return [well(name, f"{where} is ready"), *clock]
    told = "; ".join(f"{part}: {check.detail}" for part, check in bad.items())
    to_do = "Mend what it names; its log tells more."
    return [wrong(name, f"{where} isn't ready: {told}", to_do), *clock]


async def _asked(url: str) -> Answer | str:
    """Its answer, or in a word why there is none."""
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE, follow_redirects=False) as http:
            asked = time.time()
            answer = await http.get(f"{url.rstrip('/')}/ready")
            middle = (asked + time.time()) / 2
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
        return type(error).__name__
    try:
        readiness = Readiness.model_validate_json(answer.content)
    except ValidationError:
        readiness = None
    return Answer(readiness, answer.status_code, _skew(answer.headers.get("Date"), middle))


def _skew(date: str | None, now: float) -> float | None:
    """0 as far as can be told: it comes without fractions, and may have been made a second ago."""
    try:
        told = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    return min(0.0, told + 2 - now) if told < now else told - now


def _clock(name: str, skew: float) -> Finding:
    told = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    if abs(skew) > _SKEW_SECONDS:
        return doubtful(f"{name} clock", told, _SET_CLOCK)
    return well(f"{name} clock", "as this machine's")


async def _workers(url: str) -> list[Finding]:
    try:
        async with httpx2.AsyncClient(timeout=_PATIENCE) as http:
            answer = await http.get(f"{url.rstrip('/')}/queue")
            workers = QueueReport.model_validate_json(answer.content).workers
    except (httpx2.HTTPError, ValidationError):
        return []
    if workers is None:  # Redis is away, and told of elsewhere
        return []
    if not workers:
        to_do = "Start one: 'media-processor worker-server'; till then pictures wait."
        return [wrong("workers", "none gives a sign of life", to_do)]
    return [well("workers", ", ".join(f"{worker.name} ({worker.stage})" for worker in workers))]
