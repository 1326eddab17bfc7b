"""Stored pictures as one ZIP file that is never whole anywhere: made while it is sent."""

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
    """Takes what ``zipfile`` writes; it can't seek, so the sizes come behind each file."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        self._pieces.append(bytes(data))  # type: ignore[call-overload]
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        """What was written since the last time."""
        taken, self._pieces = b"".join(self._pieces), []
        return taken


async def zip_of(central: CentralClient, media_ids: list[str]) -> AsyncIterator[bytes]:
    """The pieces of a ZIP of these media, uncompressed, as pictures don't shrink.

    What the archive doesn't have, and all that follows once it can't be asked any more, is
    named in ``missing.txt``. If it goes away in the middle of a picture, the ZIP ends there,
    unusable, and the client sees that it was cut off.
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
                async for piece in _added(archive, outlet, media, answer, names):
                    yield piece
        if missing:
            archive.writestr(_unused("missing.txt", names), "".join(missing))
    yield outlet.taken()


async def _added(
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
            yield outlet.taken()
    yield outlet.taken()


def _unused(filename: str, names: set[str]) -> str:
    """The name, with a number if it was there before."""
    path, number, name = PurePosixPath(filename), 1, filename
    while name.casefold() in names:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    names.add(name.casefold())
    return name
