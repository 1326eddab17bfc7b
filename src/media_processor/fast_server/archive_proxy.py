"""Forwards a stored picture from the central server while it arrives."""

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
_FORWARDED = (
    "accept-ranges",
    "content-disposition",
    "content-length",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
)


def conditions(request: Request) -> dict[str, str]:
    asked = {name: request.headers[name] for name in _CONDITIONS if name in request.headers}
    # Other values can't match anything, and some can't be sent in a header.
    return {name: value for name, value in asked.items() if value.isascii() and value.isprintable()}


Conditions = Annotated[dict[str, str], Depends(conditions)]
"""A parameter of a route."""


def proxy_response(fetched: httpx2.Response, own: Mapping[str, str]) -> StreamingResponse:
    headers = {name: fetched.headers[name] for name in _FORWARDED if name in fetched.headers}
    if fetched.status_code in (200, 206):
        headers |= {name.lower(): value for name, value in own.items()}
    if fetched.headers.get("content-type", "").startswith("multipart/byteranges"):
        headers["content-type"] = fetched.headers["content-type"]
    pieces = stream_or_cut_off(fetched.aiter_raw(), fetched.url.path)
    return StreamingResponse(pieces, fetched.status_code, headers=headers)


async def stream_or_cut_off(pieces: AsyncIterator[bytes], what: str) -> AsyncIterator[bytes]:
    """Raises CutOff if the central server fails in the middle."""
    try:
        async for piece in pieces:
            yield piece
    except (httpx2.HTTPError, CentralUnavailable) as error:
        log.warning("✂️ %s aborted: the central server failed (%s)", what, _kind(error))
        raise CutOff from None


def _kind(error: Exception) -> str:
    return type(error.__context__ or error).__name__
