"""Settings of the fast server: port, witness, thumbnail cache."""

from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from media_processor.addresses import FAST_SERVER_PORT, is_http_url
from media_processor.settings.pipeline import PipelineSettings
from media_processor.settings.server import ServerSettings


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
    witness_seconds: float = Field(
        default=60,
        gt=0,
        description="Seconds between two copies of the checkpoints of the central server's log.",
    )
    thumbnail_cache_bytes: int = Field(
        default=512 * 1024**2,
        ge=0,
        description="Disk space for cached thumbnails, in bytes. The oldest are removed first.",
    )

    @field_validator("public_url")
    @classmethod
    def _http_without_slash(cls, value: str | None) -> str | None:
        if value and (not is_http_url(value) or not urlsplit(value).hostname or "?" in value):
            raise ValueError("must be a URL such as https://media.example.com")
        return value.rstrip("/") if value else None

    @property
    def thumbnails_dir(self) -> Path:
        """A cache: it may be removed at any time."""
        return self.media_data_dir / "thumbnails"
