"""What the client asks the fast server, as data: for ``async_connection`` to send."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from urllib.parse import quote

import httpx2

from media_processor.addresses import FAST_SERVER
from media_processor.errors import InvalidField, MediaNotFound, ServerUnreachable
from media_processor.ids import is_media_id
from media_processor.messages.archive import ArchiveSort
from media_processor.messages.media import Status

Day = date | str
"""A day or a point in time; ``datetime`` is a ``date``. Without a time zone it is UTC."""

# Few answers for many pictures, none of them large.
_PAGE = 100

# The server syncs an upload to disk before it answers; a slow disk takes its time.
TIMEOUT = 60.0
# An event stream sends something at least every 15 s.
SILENCE = 30.0

# Every picture that is followed holds a connection of its own.
LIMITS = httpx2.Limits(max_connections=None, max_keepalive_connections=8)

# A file must come as it is, so that its length can be checked.
_AS_IT_IS = {"Accept-Encoding": "identity"}


@dataclass(frozen=True)
class Call:
    """One request. A ``repeatable`` one does no more if it is sent twice.

    ``accepts`` are statuses of 400 and more that count as answers.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    repeatable: bool = True
    accepts: frozenset[int] = frozenset()

    def is_answered_by(self, answer: httpx2.Response) -> bool:
        return answer.is_success or answer.status_code in self.accepts


QUEUE = Call("GET", "/queue")
PROFILES = Call("GET", "/profiles")
READY = Call("GET", "/ready", accepts=frozenset({503}))


def checked_url(url: str) -> httpx2.URL:
    try:
        address = httpx2.URL(url.strip())
    except httpx2.InvalidURL:
        address = httpx2.URL("")
    if address.scheme not in ("http", "https") or not address.host:
        raise ServerUnreachable(f"{url!r} isn't a server address, such as {FAST_SERVER}.")
    return address


def upload(idempotency_key: str, headers: Mapping[str, str]) -> Call:
    """The key makes it repeatable; raises InvalidField for one that can't be used."""
    if not 1 <= len(idempotency_key) <= 255 or not all("!" <= c <= "~" for c in idempotency_key):
        raise InvalidField("An Idempotency-Key is 1 to 255 visible ASCII characters.")
    return Call("POST", "/media", headers={"Idempotency-Key": idempotency_key, **headers})


def media(media_id: str) -> Call:
    return Call("GET", f"/media/{_safe(media_id)}")


def picture(media_id: str, *, original: bool) -> Call:
    which = "original" if original else "watermarked"
    return Call("GET", f"/media/{_safe(media_id)}/{which}", headers=_AS_IT_IS)


def retry(media_id: str) -> Call:
    # Twice isn't once: it may have been tried and have failed in between.
    return Call("POST", f"/media/{_safe(media_id)}/retry", repeatable=False)


def events(media_id: str) -> Call:
    return Call("GET", f"/media/{_safe(media_id)}/events")


def page_of_media(status: Status | None, cursor: str | None) -> Call:
    return Call("GET", "/media", _params(status=status, limit=str(_PAGE), cursor=cursor))


def page_of_archive(
    name: str | None,
    worker: str | None,
    since: Day | None,
    until: Day | None,
    sort: ArchiveSort,
    cursor: str | None,
) -> Call:
    params = _params(
        name=name,
        worker=worker,
        since=_written(since),
        until=_written(until),
        sort=sort,
        limit=str(_PAGE),
        cursor=cursor,
    )
    return Call("GET", "/archive", params)


def stored_picture(media_id: str) -> Call:
    return Call("GET", f"/archive/{_safe(media_id)}/file", headers=_AS_IT_IS)


def _safe(media_id: str) -> str:
    # What is no id would lead elsewhere.
    if not is_media_id(media_id):
        raise MediaNotFound("There is no picture with this id.")
    return quote(media_id, safe="")


def _params(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _written(day: Day | None) -> str | None:
    return day.isoformat() if isinstance(day, date) else day
