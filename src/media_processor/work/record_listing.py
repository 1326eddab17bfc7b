"""Lists the record files: which media there are, read off their names."""

import heapq
import logging
from collections.abc import Callable, Iterator

from media_processor.errors import SpoolDamaged
from media_processor.ids import day_folder, is_media_id
from media_processor.messages.media import Status
from media_processor.storage.base import Storage
from media_processor.work.media import Media, Place

log = logging.getLogger(__name__)


class Listing:
    """Lists the folders of records; ``find`` reads one of them."""

    def __init__(self, storage: Storage, find: Callable[[str], Media | None]) -> None:
        self._storage = storage
        self._find = find

    def ids(self, place: Place) -> list[str]:
        newest_first = self._stored(None) if place == "stored" else self._ids(place)
        return list(newest_first)[::-1]

    def newest(self, status: Status | None, before: str | None, limit: int) -> list[Media]:
        found: list[Media] = []
        for media_id in self._newest_first(status, before):
            try:
                media = self._find(media_id)
            except SpoolDamaged as error:
                log.error("❌ %s", error.detail)  # it must not hide the others
                continue
            # None was removed while we looked.
            if media and (status is None or media.status == status):
                found.append(media)
                if len(found) == limit:
                    break
        return found

    def _newest_first(self, status: Status | None, before: str | None) -> Iterator[str]:
        open_ids = self._ids("open") if status not in ("stored", "failed") else []
        failed = [*self._ids("failed"), *self._ids("parked")] if status in (None, "failed") else []
        pending = sorted({*open_ids, *failed}, reverse=True)
        stored = self._stored(before) if status in (None, "stored") else iter(())
        last = before or "g"  # sorts behind every hexadecimal id
        for media_id in heapq.merge(pending, stored, reverse=True):
            if media_id < last:
                last = media_id  # a media that is in two places comes once
                yield media_id

    def _stored(self, before: str | None) -> Iterator[str]:
        newest_day = day_folder(before) if before else "9999/99/99"
        for year in self._storage.names("stored"):
            for month in self._storage.names(f"stored/{year}"):
                for day in self._storage.names(f"stored/{year}/{month}"):
                    if f"{year}/{month}/{day}" <= newest_day:
                        yield from self._ids(f"stored/{year}/{month}/{day}")

    def _ids(self, prefix: str) -> list[str]:
        names = (name.removesuffix(".json") for name in self._storage.names(prefix))
        return [media_id for media_id in names if is_media_id(media_id)]
