"""``worker-server``: runs one worker server alone."""

from typing import Annotated

import typer

from media_processor.cli.completion import stages


def _known_stage(choice: str) -> str:
    from media_processor.pipeline.stages import CHOICES

    if choice not in CHOICES:
        raise typer.BadParameter(f"choose one of {', '.join(CHOICES)}.")
    return choice


def worker_server(
    stage: Annotated[
        str,
        typer.Option(
            help="Stage to run (watermark uses the CPU, upload the network), or all.",
            callback=_known_stage,
            autocompletion=stages,
        ),
    ] = "all",
) -> None:
    """Run only a worker server, which watermarks pictures and delivers them."""
    from media_processor.settings import WorkerSettings, read
    from media_processor.worker_server.main import run

    run(read(WorkerSettings), stage)
