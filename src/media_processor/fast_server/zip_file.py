"""Stored pictures as one ZIP file, made while it is sent."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import PurePosixPath

import httpx2

from media_processor.central_client import CentralClient
from media_processor.errors import CentralUnavailable, MediaNotFound
from media_processor.messages.archive import StoredMedia

_PIECE = 1 << 20


class _Outlet(io.RawIOBase):
    """Collects what ``zipfile`` writes. It can't seek, so sizes follow each file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._pieces.append(bytes(data))  # type: ignore[call-overload]
        return len(self._pieces[-1])

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


async def stream_zip(central: CentralClient, media_ids: list[str]) -> AsyncIterator[bytes]:
    """The pieces of a ZIP of these media, uncompressed, as pictures don't shrink.

    ``missing.txt`` in it lists what the archive doesn't have, and everything after the central
    server became unreachable. If that happens in the middle of a picture, the ZIP ends there,
    unusable, and the client sees that the connection was cut.
    """
    outlet, names, missing = _Outlet(), set[str](), list[str]()
    with zipfile.ZipFile(outlet, "w") as archive:
        for number, media_id in enumerate(media_ids):
            async with AsyncExitStack() as stack:
                try:
                    media = await central.stored_one(media_id)
                    answer = await stack.enter_async_context(central.fetch(media_id))
                except MediaNotFound as error:
                    missing.append(f"{media_id}: {error.detail}\n")
                    continue
                except CentralUnavailable as error:
                    missing += [f"{left}: {error.detail}\n" for left in media_ids[number:]]
                    break
                async for piece in _add(archive, outlet, media, answer, names):
                    yield piece
        if missing:
            archive.writestr(_unused("missing.txt", names), "".join(missing))
    yield outlet.take()


async def _add(
    archive: zipfile.ZipFile,
    outlet: _Outlet,
    media: StoredMedia,
    answer: httpx2.Response,
    names: set[str],
) -> AsyncIterator[bytes]:
    stored_at = media.stored_at.astimezone()
    info = zipfile.ZipInfo(_unused(media.filename, names), stored_at.timetuple()[:6])
    info.file_size = media.size
    with archive.open(info, "w") as entry:
        async for piece in answer.aiter_raw(_PIECE):
            await asyncio.to_thread(entry.write, piece)  # its checksum takes a while
            yield outlet.take()
    yield outlet.take()


def _unused(filename: str, names: set[str]) -> str:
    path, number, name = PurePosixPath(filename), 1, filename
    while name.casefold() in names:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    names.add(name.casefold())
    return name
