"""The spool's pictures: originals, and what the stages leave of each."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from media_processor.formats import extension_of
from media_processor.ids import day_folder, is_media_id
from media_processor.messages.media import MediaRecord
from media_processor.storage.base import Storage
from media_processor.storage.incoming import Incoming

_WATERMARKED = "watermarked"
_DONE = "done"


class Blobs:
    """Originals are made durable together with their records, so record_files.py publishes them."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage

    def open_original(self, record: MediaRecord) -> BinaryIO:
        return self.storage.open(original_key(record))

    def local_original(self, record: MediaRecord) -> AbstractContextManager[Path]:
        return self.storage.local_copy(original_key(record))

    def delete_original(self, record: MediaRecord) -> None:
        self.storage.delete(original_key(record))

    def keep_watermark(self, media_id: str, made: Incoming) -> None:
        # Not durable: it can be made again.
        self.storage.adopt(made, _watermark_key(media_id))

    def watermark_size(self, media_id: str) -> int | None:
        return self.storage.size(_watermark_key(media_id))

    def open_watermark(self, media_id: str) -> BinaryIO:
        return self.storage.open(_watermark_key(media_id))

    def local_watermark(self, media_id: str) -> AbstractContextManager[Path]:
        return self.storage.local_copy(_watermark_key(media_id))

    def delete_watermark(self, media_id: str) -> None:
        self.storage.delete(_watermark_key(media_id))

    def mark_done(self, stage: str, media_id: str) -> None:
        # An empty file in place of an output. Not durable: the stage can run again.
        self.storage.write(f"{_DONE}/{stage}/{media_id}", b"")

    def outputs(self, folder: str) -> list[str]:
        return [name for name in self.storage.names(folder) if is_media_id(name)]

    def delete_output(self, folder: str, media_id: str) -> None:
        self.storage.delete(f"{folder}/{media_id}")


def original_key(record: MediaRecord) -> str:
    extension = extension_of(record.content_type)
    return f"originals/{day_folder(record.id)}/{record.id}{extension}"


def _watermark_key(media_id: str) -> str:
    return f"{_WATERMARKED}/{media_id}"
