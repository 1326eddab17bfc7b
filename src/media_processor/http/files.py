"""Files from outside, handed out so that no browser takes them for anything but a picture."""

import os
from typing import BinaryIO
from urllib.parse import quote

from fastapi.responses import FileResponse
from starlette.types import Receive, Scope, Send


def file_headers(filename: str) -> dict[str, str]:
    """Headers of an answer that is a file; its content type must be a fixed one."""
    return {
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(filename)}",
    }


class PictureFile(FileResponse):
    """An open file, closed when it is sent; who removes it meanwhile takes nothing away."""

    def __init__(self, file: BinaryIO, *, filename: str, content_type: str) -> None:
        super().__init__(
            f"/dev/fd/{file.fileno()}",  # there it can be opened even when its name is gone
            media_type=content_type,
            headers=file_headers(filename),
            stat_result=os.fstat(file.fileno()),
        )
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or the ranges of it that are asked for."""
        with self._file:
            await super().__call__(scope, receive, send)
