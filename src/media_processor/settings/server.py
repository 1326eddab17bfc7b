"""Settings of both HTTP servers: address, upload limit, disk space to keep free."""

import re
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import NoDecode

from media_processor.settings.base import Settings
from media_processor.settings.quantities import Bytes


class ServerSettings(Settings):
    bind_host: str = Field(
        default="127.0.0.1",
        description="Address that the server listens on; `0.0.0.0` opens it to the network.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Names by which callers know the server, comma-separated; `*.example.com` is "
        "any name below it. Requests with another `Host` are refused, except addresses, "
        "`localhost`, `host.docker.internal`, the machine's own name and that of `PUBLIC_URL`.",
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

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        return tuple(value.split(",")) if isinstance(value, str) else value

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.strip() for name in value if name.strip())
        for name in names:
            if not re.fullmatch(r"(\*\.)?[\w-]+(\.[\w-]+)*", name):
                raise ValueError(
                    "must be names such as media.example.com or *.example.com, without a port"
                )
        return names
