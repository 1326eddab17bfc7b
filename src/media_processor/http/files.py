"""Sends files from outside so that no browser takes them for anything but a picture."""

import os
from typing import BinaryIO
from urllib.parse import quote

from fastapi.responses import FileResponse, Response
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from media_processor.http.problems import MEDIA_TYPE, problem, respond
from media_processor.messages.base import Problem

_BINARY = {"schema": {"type": "string", "format": "binary"}}
# Who delivers to the archive without a worker may deliver anything.
_PICTURE = {"image/*": _BINARY, "application/octet-stream": _BINARY}

DOWNLOAD: dict[int | str, dict[str, object]] = {
    200: {"description": "The whole file.", "content": _PICTURE},
    206: {"description": "The bytes that `Range` selects.", "content": _PICTURE},
    304: {"description": "`If-None-Match` names this file."},
    416: {
        "description": "`range_not_satisfiable`",
        "content": {MEDIA_TYPE: {}},
        "model": Problem,
    },
}
"""Among the ``responses=`` of a route that answers with a file."""


def file_headers(filename: str) -> dict[str, str]:
    """The content type of the response must be a fixed one, not the client's."""
    return {
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(filename)}",
    }


class PictureFile(FileResponse):
    """Sends an open file and closes it; it may be removed meanwhile.

    Its ETag is its digest, so that a download can resume from any server with the same bytes.
    """

    def __init__(self, file: BinaryIO, *, filename: str, content_type: str, sha256: str) -> None:
        super().__init__(
            f"/dev/fd/{file.fileno()}",  # works even after the file is unlinked
            media_type=content_type,
            headers=file_headers(filename) | {"ETag": f'"{sha256}"'},
            stat_result=os.fstat(file.fileno()),
        )
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            if _matches(self.headers["etag"], Headers(scope=scope)):
                known = Response(status_code=304, headers={"ETag": self.headers["etag"]})
                await known(scope, receive, send)
                return
            try:
                await super().__call__(scope, receive, _raise_refusals(send))
            except _RangeRefused as refused:
                if refused.status == 416:
                    await self._range_error()(scope, receive, send)
                else:  # an invalid Range is ignored (RFC 9110, 14.2)
                    await super().__call__(_without_range(scope), receive, send)

    def _range_error(self) -> Response:
        size = self.headers["content-length"]
        detail = f"The file has {int(size):,} bytes; the range starts after its end."
        answer = respond(problem("range_not_satisfiable", 416, "Range not satisfiable", detail))
        answer.headers["Content-Range"] = f"bytes */{size}"
        return answer


class _RangeRefused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _raise_refusals(send: Send) -> Send:
    async def send_unless_refused(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] in (400, 416):
            raise _RangeRefused(message["status"])
        await send(message)

    return send_unless_refused


def _matches(etag: str, asked: Headers) -> bool:
    names = [name.strip().removeprefix("W/") for name in asked.get("if-none-match", "").split(",")]
    return etag in names or names == ["*"]


def _without_range(scope: Scope) -> Scope:
    headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
    return {**scope, "headers": headers}
