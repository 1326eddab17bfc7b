"""Every environment variable, one class per service.

A field's name in capitals is the variable's name. ``docs/configuration.md`` is tested
against these classes.
"""

import os
import socket
from pathlib import Path
from typing import Annotated, Literal, TypeVar
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from media_processor.addresses import FAST_SERVER_PORT
from media_processor.errors import SetupError
from media_processor.limits import Limits
from media_processor.validation import first_mistake

DEFAULT_GOOGLE_LOGO = (
    "https://www.google.com/images/branding/googlelogo/2x/googlelogo_color_272x92dp.png"
)

_LIMITS = Limits()
# Address space of Python, the libraries and the threads in a picture process.
_WITHOUT_A_PICTURE = 256 * 1024**2


class Settings(BaseSettings):
    """What all services share. Values come from the environment alone."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    media_data_dir: Path = Field(
        default=Path("data"), description="Folder that holds everything the system keeps."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="How much is logged to the console."
    )
    max_upload_bytes: int = Field(
        default=50 * 1024 * 1024, ge=1, description="Largest picture taken, in bytes."
    )

    @field_validator("media_data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def uploads_dir(self) -> Path:
        """Root of the spool."""
        return self.media_data_dir / "uploads"


class RedisSettings(BaseSettings):
    """Where Redis (or Valkey) is."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    redis_url: SecretStr | None = Field(
        default=None,
        description="Whole address, `redis://`, `rediss://` (TLS) or `unix://`; wins over the "
        "three below.",
    )
    redis_host: str = Field(default="localhost", description="Host of Redis.")
    redis_port: int = Field(default=6379, ge=1, le=65535, description="Port of Redis.")
    redis_password: SecretStr | None = Field(default=None, description="Password of Redis, if any.")

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, value: SecretStr | None) -> SecretStr | None:
        if value and urlsplit(value.get_secret_value()).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must start with redis://, rediss:// or unix://")
        return value

    @property
    def redis_is_set(self) -> bool:
        """Whether someone named a Redis; if not, ``up`` starts the embedded Valkey."""
        return bool({"redis_url", "redis_host"} & self.model_fields_set)

    def address(self) -> str:
        """The URL to connect to. It may hold a password: never log it."""
        if self.redis_url:
            return self.redis_url.get_secret_value()
        secret = self.redis_password.get_secret_value() if self.redis_password else ""
        credentials = f":{quote(secret, safe='')}@" if secret else ""
        return f"redis://{credentials}{self.redis_host}:{self.redis_port}/0"


class ServerSettings(Settings):
    """What both HTTP servers share."""

    bind_host: str = Field(
        default="127.0.0.1",
        description="Address both servers listen on; `0.0.0.0` opens them to the network.",
    )
    min_free_bytes: int = Field(
        default=256 * 1024 * 1024,
        ge=0,
        description="Room to keep free on the disk, in bytes: with less of it `/ready` is not "
        "ready and uploads are answered `503`.",
    )


class PipelineSettings(Settings, RedisSettings):
    """What the fast server and the workers share."""

    central_server_url: str = Field(
        default="http://host.docker.internal:8003/upload-final",
        description="Where finished pictures go (and are read back from).",
    )
    max_pixels: int = Field(
        default=_LIMITS.pixels,
        ge=1,
        description="Most pixels (width × height) a picture may have, over all its frames.",
    )
    max_side: int = Field(
        default=_LIMITS.side,
        ge=1,
        le=_LIMITS.side,
        description="Most pixels a side of a picture may have.",
    )
    max_frames: int = Field(
        default=_LIMITS.frames,
        ge=1,
        description="Most frames an animation, or pages a TIFF, may have.",
    )
    max_scans: int = Field(
        default=_LIMITS.scans,
        ge=1,
        description="Most scans a JPEG may have; a progressive one has about 10.",
    )
    max_metadata_bytes: int = Field(
        default=_LIMITS.metadata,
        ge=1,
        description="Largest colour profile, EXIF, XMP or IPTC a picture may have, in bytes each.",
    )

    watermarks: Path | None = Field(
        default=None,
        description="TOML file of profiles; read again when it changes. Not set: only `default`.",
    )
    google_logo: str = Field(
        default=DEFAULT_GOOGLE_LOGO,
        description="URL or file of the logo. Not set and not reachable: a logo that ships with "
        "the package. Set and not reachable: jobs wait.",
    )
    watermark_timeout: float = Field(
        default=60, gt=0, description="Seconds a picture may take before its process is killed."
    )
    watermark_memory_bytes: int = Field(
        default=_LIMITS.memory + _WITHOUT_A_PICTURE,
        ge=512 * 1024**2,
        description="Address space one picture process may use, in bytes.",
    )

    @field_validator("watermarks")
    @classmethod
    def _whole_path(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @property
    def logo_dir(self) -> Path:
        """Where fetched logos are kept."""
        return self.media_data_dir / "logo"

    @property
    def google_logo_is_set(self) -> bool:
        """Whether someone chose the logo; a chosen logo is never replaced by another."""
        return "google_logo" in self.model_fields_set

    @property
    def picture_limits(self) -> Limits:
        """The most that a picture may have, here and in a picture process."""
        return Limits(
            pixels=self.max_pixels,
            side=self.max_side,
            frames=self.max_frames,
            scans=self.max_scans,
            metadata=self.max_metadata_bytes,
            memory=self.watermark_memory_bytes - _WITHOUT_A_PICTURE,
        )

    @field_validator("central_server_url")
    @classmethod
    def _http(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as http://archive:8003/upload-final")
        return value


class FastServerSettings(ServerSettings, PipelineSettings):
    """The fast server."""

    fast_server_port: int = Field(
        default=FAST_SERVER_PORT, ge=1, le=65535, description="Port of the fast server."
    )
    witness_seconds: float = Field(
        default=60,
        gt=0,
        description="How often, in seconds, the central server is asked for checkpoints of its "
        "log, of which the fast server keeps a copy.",
    )
    max_unfinished: int = Field(
        default=10_000,
        ge=0,
        description="With this many unfinished pictures in the spool, uploads are answered `503` "
        "with a `Retry-After`; `0` for no limit.",
    )
    thumbnail_cache_bytes: int = Field(
        default=512 * 1024**2,
        ge=0,
        description="Room for small pictures that the page shows, in bytes; the oldest go first.",
    )

    @property
    def thumbnails_dir(self) -> Path:
        """A cache: it may be removed at any time."""
        return self.media_data_dir / "thumbnails"


class WorkerSettings(PipelineSettings):
    """The ARQ worker."""

    hostname: str = Field(
        default_factory=socket.gethostname,
        description="Name of this worker in the log. Default: the machine's name.",
    )
    watermark_processes: int = Field(
        default_factory=lambda: (
            len(os.sched_getaffinity(0))
            if hasattr(os, "sched_getaffinity")
            else os.cpu_count() or 1
        ),
        ge=1,
        description="Child processes that work on pictures. Default: one a core.",
    )
    upload_concurrency: int = Field(
        default=8, ge=1, description="Pictures one worker sends to the central server at a time."
    )
    upload_timeout: float = Field(
        default=15, gt=0, description="Seconds one attempt to send a picture may take."
    )
    upload_retry_delays: Annotated[tuple[float, ...], NoDecode] = Field(
        default=(10, 20, 30, 40, 50),
        description="Seconds before each further attempt to send a picture, comma-separated; "
        "their number is the number of retries.",
    )
    lease_seconds: float = Field(
        default=10,
        ge=1,
        description="A job whose worker gave no sign of life this long goes to another worker.",
    )
    reconcile_seconds: float = Field(
        default=5, gt=0, description="How often unfinished pictures are checked for a job."
    )
    parked_retry_seconds: float = Field(
        default=900,
        gt=0,
        description="How long a picture that the central server didn't take in spite of all "
        "retries waits for the next try. It is tried at once when the server answers again.",
    )
    shutdown_seconds: float = Field(
        default=15, ge=0, description="How long a stopping worker lets running jobs finish."
    )
    keep_originals: bool = Field(
        default=True, description="Keep the original in the spool after its picture is stored."
    )
    simulated_latency: Annotated[tuple[float, float] | None, NoDecode] = Field(
        default=None,
        description="`3-8` adds that many random seconds to stage 1, as the original system did.",
    )

    @field_validator("upload_retry_delays", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part) if isinstance(value, str) else value

    @field_validator("upload_retry_delays")
    @classmethod
    def _not_negative(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(delay < 0 for delay in value):
            raise ValueError("a delay can't be negative")
        return value

    @field_validator("simulated_latency", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        return tuple(value.split("-", 1)) if isinstance(value, str) else value

    @field_validator("simulated_latency")
    @classmethod
    def _ordered(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value and not 0 <= value[0] <= value[1]:
            raise ValueError("must be two numbers of seconds, the smaller first, such as 3-8")
        return value


class CentralServerSettings(ServerSettings):
    """The archive."""

    central_server_port: int = Field(
        default=8003, ge=1, le=65535, description="Port of the central server."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="SQLAlchemy URL of the catalogue. Default: an SQLite file beside the pictures.",
    )

    audit_key: Path | None = Field(
        default=None,
        description="File of the private key that signs the log's checkpoints; made if it isn't "
        "there. Default: `audit_key.pem` in the data folder. Keep it where only the central "
        "server can read it.",
    )
    log_rotate_bytes: int = Field(
        default=0,
        ge=0,
        description="A log that has grown to so many bytes is put aside, with its chain, and a new "
        "one is begun; `0` for never.",
    )

    @property
    def audit_key_file(self) -> Path:
        """Where the private key is."""
        return self.audit_key or self.media_data_dir / "audit_key.pem"

    @property
    def storage_dir(self) -> Path:
        """Where the finished pictures lie."""
        return self.media_data_dir / "central_storage"

    @property
    def log_file(self) -> Path:
        """The activity log."""
        return self.media_data_dir / "worker_activity.log"

    @property
    def catalogue(self) -> Path | str:
        """The SQLite file or SQLAlchemy URL of the catalogue; a URL may hold a password."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return self.media_data_dir / "catalogue.sqlite"


class UpSettings(BaseSettings):
    """Everything on one machine."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True)

    workers: int = Field(
        default=1, ge=1, le=64, description="Worker servers that `media-processor up` starts."
    )


AnySettings = TypeVar("AnySettings", bound=BaseSettings)


def read(kind: type[AnySettings]) -> AnySettings:
    """Read ``kind`` from the environment.

    Raises:
        SetupError: a variable has a value that can't be used; names it, without its value.
    """
    try:
        return kind()
    except ValidationError as error:
        first = first_mistake(error)
        variable = ".".join(str(part) for part in first.location[:1]).upper()
        raise SetupError(f"{variable}: {first.reason}") from None
