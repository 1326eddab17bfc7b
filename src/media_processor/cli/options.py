"""Options that several commands share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from media_processor.addresses import fast_server_url
from media_processor.cli.completion import profile_names

if TYPE_CHECKING:
    from media_processor.client import AsyncClient
    from media_processor.client.retries import OnWait
    from media_processor.settings import CentralServerSettings

DEFAULT_URL = fast_server_url()
Url = Annotated[
    str, typer.Option("--url", envvar="FAST_SERVER_URL", help="Address of the fast server.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]
ProfileName = Annotated[
    str, typer.Option(help="Profile to watermark with.", autocompletion=profile_names)
]
Data = Annotated[Path | None, typer.Option(help="Data folder. Default: MEDIA_DATA_DIR, or ./data.")]


class WrongUsage(Exception):
    """The arguments don't go together: one line, and exit status 2."""


def central_settings(data: Path | None) -> "CentralServerSettings":
    from media_processor.settings import CentralServerSettings, read

    settings = read(CentralServerSettings)
    return settings.model_copy(update={"media_data_dir": data.absolute()}) if data else settings


def connect(url: str, *, patience: float = 0, on_wait: "OnWait | None" = None) -> "AsyncClient":
    """Without ``patience``, in seconds, a server that is away is reported at once."""
    from media_processor.client import AsyncClient

    return AsyncClient(url, patience=patience, on_wait=on_wait)
