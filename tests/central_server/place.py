"""An archive's folder, and what is delivered to it."""

import hashlib
from pathlib import Path

from media_processor.central_server.archive import Archive, Delivery
from media_processor.central_server.catalogue import Catalogue, open_catalogue
from media_processor.central_server.chain import open_signer
from media_processor.ids import new_media_id
from media_processor.messages.media import MAIN_OWNER
from media_processor.settings import CentralServerSettings
from media_processor.storage.factory import open_archive_storage
from tests.storage.received import received


class Place:
    """An archive's folder, which can be opened again as after a crash."""

    def __init__(self, root: Path, database: Path | str | None = None) -> None:
        self.root = root
        self.database = database or root / "c.sqlite"
        self.log = root / "worker_activity.log"
        self.rotate_bytes = 0
        self._open: list[Catalogue] = []

    def open(self) -> Archive:
        self.close()
        catalogue = open_catalogue(self.database)
        self._open.append(catalogue)
        return Archive(
            open_archive_storage(CentralServerSettings(media_data_dir=self.root)),
            catalogue,
            self.log,
            open_signer(self.root / "audit_key.pem"),
            self.rotate_bytes,
        )

    def close(self) -> None:
        while self._open:
            self._open.pop().close()

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines()

    def files(self) -> list[Path]:
        return [path for path in (self.root / "central_storage").glob("2*/**/*") if path.is_file()]


def delivery(
    archive: Archive,
    content: bytes = b"picture",
    media_id: str | None = None,
    name: str = "a.jpg",
    owner: str = MAIN_OWNER,
) -> Delivery:
    return Delivery(
        picture=received(archive.storage, content),
        media_id=media_id or new_media_id(),
        filename=name,
        worker_name="worker-1",
        owner=owner,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
    )
