"""``up``: its options and help."""

from pathlib import Path
from typing import Annotated

import typer


def up(
    demo: Annotated[
        Path | None,
        typer.Option(
            help="Upload the pictures in this folder first, and show their progress.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Run everything on this machine: Valkey, fast server, workers and central server.

    A process that dies is restarted. Ctrl-C stops everything. To run two systems side by side,
    set FAST_SERVER_PORT, CENTRAL_SERVER_PORT and MEDIA_DATA_DIR. WORKERS sets the number of
    worker servers.

    \b
    Examples:
      media-processor up
      LOGO=our-logo.png WORKERS=3 media-processor up

    \b
    Exit status:
      0  stopped by Ctrl-C or SIGTERM
      1  it couldn't start; the message says why
    """
    from media_processor.cli.up.demo import show
    from media_processor.up import main as machine

    machine.run((lambda addresses: show(addresses, demo)) if demo else None)
