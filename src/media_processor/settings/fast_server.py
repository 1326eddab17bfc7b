"""Settings of the fast server: port, witness, thumbnail cache."""

from pathlib import Path

from pydantic import Field, field_validator

from media_processor.addresses import FAST_SERVER_PORT
from media_processor.settings.pipeline import PipelineSettings
from media_processor.settings.quantities import Bytes, Seconds
from media_processor.settings.server import ServerSettings
from media_processor.settings.urls import check_http_url


class FastServerSettings(ServerSettings, PipelineSettings):
    fast_server_port: int = Field(
        default=FAST_SERVER_PORT, ge=1, le=65535, description="Port of the fast server."
    )
    public_url: str | None = Field(
        default=None,
        description="URL at which callers reach the fast server, such as "
        "`https://media.example.com`: the `link` of a stored picture begins with it. If it is "
        "unset, `link` is the central server's address.",
    )
    witness_seconds: Seconds = Field(
        default=60,
        gt=0,
        description="Seconds between two copies of the checkpoints of the central server's log.",
    )
    thumbnail_cache_bytes: Bytes = Field(
        default=512 * 1024**2,
        ge=0,
        description="Disk space for cached thumbnails, in bytes. The oldest are removed first.",
    )

    @field_validator("public_url")
    @classmethod
    def _http_without_slash(cls, value: str | None) -> str | None:
        if value is None:
            return None
        if "?" in value:
            raise ValueError("can't have a part behind ?")
        return check_http_url(value, "https://media.example.com").rstrip("/")

    @property
    def thumbnails_dir(self) -> Path:
        """A cache: it may be removed at any time."""
        return self.media_data_dir / "thumbnails"
