"""A stored picture, handed on from the archive as it comes."""

import logging
from collections.abc import AsyncIterator, Mapping
from typing import Annotated

import httpx2
from fastapi import Depends, Request
from fastapi.responses import StreamingResponse

from media_processor.errors import CentralUnavailable
from media_processor.http.serve import CutOff

log = logging.getLogger(__name__)

_CONDITIONS = ("range", "if-range", "if-none-match")
_HANDED_ON = (
    "accept-ranges",
    "content-disposition",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
)


def conditions(request: Request) -> dict[str, str]:
    """What the client wants of a file, and whether at all, for the archive to decide."""
    asked = {name: request.headers[name] for name in _CONDITIONS if name in request.headers}
    # Nothing else can match, and not everything can be sent on.
    return {name: wish for name, wish in asked.items() if wish.isascii() and wish.isprintable()}


Conditions = Annotated[dict[str, str], Depends(conditions)]
"""For a route's signature."""


def proxied(fetched: httpx2.Response, own: Mapping[str, str]) -> StreamingResponse:
    """The archive's answer, with ``own`` headers in place of its where it is the picture."""
    headers = {name: fetched.headers[name] for name in _HANDED_ON if name in fetched.headers}
    if fetched.status_code in (200, 206):
        headers |= {name.lower(): value for name, value in own.items()}
    if fetched.headers.get("content-type", "").startswith("multipart/byteranges"):
        headers["content-type"] = fetched.headers["content-type"]
    headers["x-content-type-options"] = "nosniff"
    pieces = whole_or_cut_off(fetched.aiter_raw(), fetched.url.path)
    return StreamingResponse(pieces, fetched.status_code, headers=headers)


async def whole_or_cut_off(pieces: AsyncIterator[bytes], what: str) -> AsyncIterator[bytes]:
    """The pieces, or CutOff if the archive goes away in the middle of them."""
    try:
        async for piece in pieces:
            yield piece
    except (httpx2.HTTPError, CentralUnavailable) as error:
        log.warning("✂️ %s was cut off: the archive went away (%s)", what, _kind(error))
        raise CutOff from None


def _kind(error: Exception) -> str:
    return type(error.__context__ or error).__name__
