"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.commands.completion import profile_names

Url = Annotated[str, typer.Option("--url", envvar="FAST_SERVER_URL", help="The fast server.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
JsonLines = Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")]
ProfileName = Annotated[
    str, typer.Option(help="How the picture is watermarked.", autocompletion=profile_names)
]
Data = Annotated[
    Path | None, typer.Option(help="The data folder. Default: MEDIA_DATA_DIR, or ./data.")
]
