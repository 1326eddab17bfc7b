"""Settings of both HTTP servers: address, upload limit, disk space to keep free."""

from pydantic import Field

from media_processor.settings.base import Settings
from media_processor.settings.quantities import Bytes


class ServerSettings(Settings):
    bind_host: str = Field(
        default="127.0.0.1",
        description="Address that the server listens on; `0.0.0.0` opens it to the network.",
    )
    max_upload_bytes: Bytes = Field(
        default=50 * 1024 * 1024, ge=1, description="Largest picture accepted, in bytes."
    )
    min_free_bytes: Bytes = Field(
        default=256 * 1024 * 1024,
        ge=0,
        description="Disk space to keep free, in bytes. With less, `/ready` fails and uploads are "
        "refused with `503`.",
    )
