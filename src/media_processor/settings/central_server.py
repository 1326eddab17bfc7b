"""Settings of the central server: port, database, audit key, log rotation."""

from pathlib import Path

from pydantic import Field, SecretStr

from media_processor.addresses import CENTRAL_SERVER_PORT
from media_processor.settings.quantities import Bytes
from media_processor.settings.server import ServerSettings


class CentralServerSettings(ServerSettings):
    central_server_port: int = Field(
        default=CENTRAL_SERVER_PORT, ge=1, le=65535, description="Port of the central server."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL of the catalogue. Default: an SQLite file beside the pictures.",
    )

    audit_key: Path | None = Field(
        default=None,
        description="File with the private key that signs the log's checkpoints, created if "
        "missing. Default: `audit_key.pem` in the data folder. Keep it where only the "
        "central server can read it.",
    )
    log_rotate_bytes: Bytes = Field(
        default=0,
        ge=0,
        description="Size in bytes at which the activity log and its chain are rotated; `0` for "
        "never.",
    )

    @property
    def audit_key_file(self) -> Path:
        return self.audit_key or self.media_data_dir / "audit_key.pem"

    @property
    def storage_dir(self) -> Path:
        return self.media_data_dir / "central_storage"

    @property
    def locked_dir(self) -> Path:
        """The folder whose ``.lock`` keeps a second central server out.

        Local wherever the pictures are: what two would spoil are the log and its chain.
        """
        return self.storage_dir

    @property
    def log_file(self) -> Path:
        return self.media_data_dir / "worker_activity.log"

    @property
    def catalogue(self) -> Path | str:
        """The SQLite file or SQLAlchemy URL of the catalogue; a URL may hold a password."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return self.media_data_dir / "catalogue.sqlite"
