"""The progress of each media as files: what has happened since it was accepted; may be lost."""

from pydantic import ValidationError

from media_processor.ids import day_folder
from media_processor.messages.media import Progress
from media_processor.storage.base import Storage
from media_processor.work.records import Note


class ProgressFiles:
    """``progress/<yyyy>/<mm>/<dd>/<id>.json``. One worker at a time changes a media's progress."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def read(self, media_id: str) -> Progress:
        data = self._storage.read(_key(media_id))
        try:
            return Progress.model_validate_json(data) if data else Progress()
        except ValidationError:  # torn by a power cut
            return Progress()

    def add(self, media_id: str, note: Note, *, durable: bool = False) -> Progress:
        progress = note.added_to(self.read(media_id))
        data = progress.model_dump_json().encode()
        if durable:
            self._storage.publish([(data, _key(media_id))])
        else:
            self._storage.write(_key(media_id), data)
        return progress


def _key(media_id: str) -> str:
    return f"progress/{day_folder(media_id)}/{media_id}.json"
