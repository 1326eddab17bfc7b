"""``up``, the three services one by one, and ``chaos``."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.commands import completion
from media_processor.errors import SetupError

commands = typer.Typer()

_PANEL = "Run it"


@commands.command(rich_help_panel=_PANEL)
def up(
    demo: Annotated[
        Path | None,
        typer.Option(
            help="Upload the pictures of this folder first and show what becomes of them.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
) -> None:
    """Run everything on this machine: Valkey, fast server, workers, central server.

    What dies is started again. Ctrl-C stops everything. FAST_SERVER_PORT,
    CENTRAL_SERVER_PORT, WORKERS and MEDIA_DATA_DIR let two systems run side by side.

    \b
    Examples:
      media-processor up
      GOOGLE_LOGO=our-logo.png WORKERS=3 media-processor up

    \b
    Exit status:
      0  stopped by Ctrl-C or SIGTERM
      1  it can't start; one line says why
    """
    from media_processor.cli.demo import show
    from media_processor.up import main as machine

    machine.run((lambda addresses: show(addresses, demo)) if demo else None)


@commands.command(rich_help_panel=_PANEL)
def fast_server() -> None:
    """Run the fast server alone: takes pictures on POST /media."""
    from media_processor.fast_server.main import run
    from media_processor.settings import FastServerSettings, read

    run(read(FastServerSettings))


def _known_stage(choice: str) -> str:
    from media_processor.pipeline.stages import CHOICES

    if choice not in CHOICES:
        raise typer.BadParameter(f"choose one of {', '.join(CHOICES)}.")
    return choice


@commands.command(rich_help_panel=_PANEL)
def worker_server(
    stage: Annotated[
        str,
        typer.Option(
            help="watermark (CPU work), upload (network work) or both.",
            callback=_known_stage,
            autocompletion=completion.stages,
        ),
    ] = "both",
) -> None:
    """Run a worker alone: watermarks pictures and delivers them to the central server."""
    from media_processor.settings import WorkerSettings, read
    from media_processor.worker_server.main import run

    run(read(WorkerSettings), stage)


@commands.command(rich_help_panel=_PANEL)
def central_server() -> None:
    """Run the central server alone: archives pictures sent to POST /upload-final."""
    from media_processor.central_server.main import run
    from media_processor.settings import CentralServerSettings, read

    run(read(CentralServerSettings))


@commands.command(rich_help_panel="Is all well?")
def chaos(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[NUMBER]...", help="The faults to run.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every fault: the whole proof, about eleven minutes.")
    ] = False,
    short: Annotated[
        bool, typer.Option("--short", help="Some faults, little of each: a minute.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Repeat the run that printed it.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, not a table.")] = False,
) -> None:
    """Prove on this machine that nothing accepted is lost and nothing is stored twice.

    Starts systems of its own on free ports and in temporary folders, breaks them, and counts
    what became of every accepted picture. Nothing that runs already is touched.

    \b
    Examples:
      media-processor chaos --short
      media-processor chaos 1 7 --seed 42

    \b
    Exit status:
      0  every fault's row is met
      1  otherwise
    """
    from media_processor.chaos.main import FAULTS, run

    if bool(numbers) == everything and not (short and not numbers):
        faults = "\n".join(f"  {fault.number:>2} {fault.name}" for fault in FAULTS)
        raise SetupError(f"Say which faults: numbers, --all, or --short. There are:\n{faults}")
    chosen = numbers or [fault.number for fault in FAULTS if everything or fault.in_short]
    raise typer.Exit(run(chosen, short=short, seed=seed, as_json=as_json))
