"""What both HTTP servers share."""

from pydantic import Field

from media_processor.settings.base import Settings


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
