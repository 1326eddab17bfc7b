"""Settings of the fast server and the workers: central server, backpressure, limits, logo."""

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from media_processor.addresses import CENTRAL_SERVER_PORT
from media_processor.limits import Limits
from media_processor.settings.quantities import Bytes, Seconds
from media_processor.settings.redis import RedisSettings
from media_processor.settings.spool import SpoolSettings
from media_processor.settings.urls import check_http_url

DEFAULT_GOOGLE_LOGO = (
    "https://www.google.com/images/branding/googlelogo/2x/googlelogo_color_272x92dp.png"
)

_LIMITS = Limits()
# Address space of Python, the libraries and the threads in a picture process.
_WITHOUT_A_PICTURE = 256 * 1024**2


class PipelineSettings(SpoolSettings, RedisSettings):
    central_server_url: str = Field(
        default=f"http://host.docker.internal:{CENTRAL_SERVER_PORT}/upload-final",
        description="URL that finished pictures are sent to. The archive is read from the same "
        "server.",
    )
    max_unfinished: int = Field(
        default=10_000,
        ge=0,
        description="While this many pictures are unfinished, uploads are refused with `503` and "
        "`Retry-After`; `0` for no limit. Workers retry parked pictures only while fewer than half "
        "as many are unfinished.",
    )
    max_pixels: int = Field(
        default=_LIMITS.pixels,
        ge=1,
        description="Maximum pixels (width × height) of a picture, over all its frames. If it is "
        "unset, a JPEG that isn't progressive may have more: it takes twice its file of "
        "`WATERMARK_MEMORY_BYTES`.",
    )
    max_side: int = Field(
        default=_LIMITS.side,
        ge=1,
        le=_LIMITS.side,
        description="Maximum side of a picture, in pixels.",
    )
    max_frames: int = Field(
        default=_LIMITS.frames,
        ge=1,
        description="Maximum frames of an animation, or pages of a TIFF. The default only bounds "
        "what tiny frames cost; all others reach `MAX_PIXELS` first.",
    )
    max_scans: int = Field(
        default=_LIMITS.scans,
        ge=1,
        description="Maximum scans of a JPEG; a progressive one has about 10.",
    )
    max_metadata_bytes: Bytes = Field(
        default=_LIMITS.metadata,
        ge=1,
        description="Maximum size of the EXIF, XMP and IPTC of a picture, in bytes each.",
    )
    max_profile_bytes: Bytes = Field(
        default=_LIMITS.profile,
        ge=1,
        description="Maximum size of the colour profile of a picture, in bytes; those of presses "
        "have up to 2 MiB.",
    )
    min_rows: float = Field(
        default=_LIMITS.rows,
        gt=0,
        le=1,
        description="Share of the rows of a JPEG, or of a TIFF without compression, that must be "
        "there. One that is cut off further down is taken with a note, and so is a progressive "
        "JPEG that lacks only fine detail, unless this is 1.",
    )

    watermarks: Path | None = Field(
        default=None,
        description="TOML file of profiles, reloaded when it changes. If it is unset, only "
        "`default` exists.",
    )
    google_logo: str = Field(
        default=DEFAULT_GOOGLE_LOGO,
        description="URL or file of the logo. If it is unset and the default is unreachable, a "
        "logo bundled with the package is used. If it is set and unreachable, jobs wait.",
    )
    logo: str | None = Field(default=None, description="A second name of `GOOGLE_LOGO`.")
    watermark_timeout: Seconds = Field(
        default=60,
        gt=0,
        description="Seconds that a picture may take before its process is killed.",
    )
    watermark_memory_bytes: Bytes = Field(
        default=_LIMITS.memory + _WITHOUT_A_PICTURE,
        ge=512 * 1024**2,
        description="Maximum address space of a picture process, in bytes.",
    )

    @field_validator("watermarks")
    @classmethod
    def _whole_path(cls, value: Path | None) -> Path | None:
        return value.expanduser().absolute() if value else None

    @property
    def logo_dir(self) -> Path:
        return self.media_data_dir / "logo"

    @property
    def logo_address(self) -> str:
        return self.logo or self.google_logo

    @property
    def logo_field(self) -> str:
        """The one of the two settings that names the logo."""
        return "logo" if self.logo else "google_logo"

    @property
    def logo_is_set(self) -> bool:
        # A chosen logo is never replaced by another.
        return not {"logo", "google_logo"}.isdisjoint(self.model_fields_set)

    @field_validator("logo")
    @classmethod
    def _one_logo(cls, value: str | None, info: ValidationInfo) -> str | None:
        other = info.data.get("google_logo")
        if value and other not in (value, DEFAULT_GOOGLE_LOGO):
            raise ValueError("names another logo than GOOGLE_LOGO; unset one of the two")
        return value

    @property
    def picture_limits(self) -> Limits:
        is_chosen = "max_pixels" in self.model_fields_set
        return Limits(
            pixels=self.max_pixels,
            spliced=self.max_pixels if is_chosen else _LIMITS.spliced,
            side=self.max_side,
            frames=self.max_frames,
            scans=self.max_scans,
            profile=self.max_profile_bytes,
            metadata=self.max_metadata_bytes,
            rows=self.min_rows,
            memory=self.watermark_memory_bytes - _WITHOUT_A_PICTURE,
        )

    @field_validator("central_server_url")
    @classmethod
    def _http(cls, value: str) -> str:
        return check_http_url(value, f"http://archive:{CENTRAL_SERVER_PORT}/upload-final")

    @field_validator("google_logo", "logo")
    @classmethod
    def _url_or_file(cls, value: str | None) -> str | None:
        if value and "://" in value and not value.startswith("file://"):
            return check_http_url(value, "https://example.org/logo.png, or a file")
        return value
