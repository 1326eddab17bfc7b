"""``chaos``: its arguments, options and help."""

from typing import Annotated

import typer

from media_processor.errors import SetupError


def chaos(
    numbers: Annotated[
        list[int] | None,
        typer.Argument(metavar="[NUMBER]...", help="Numbers of the faults to run."),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Run every fault; takes about twelve minutes.")
    ] = False,
    short: Annotated[
        bool, typer.Option("--short", help="Run a selection with less load; takes a minute.")
    ] = False,
    seed: Annotated[int | None, typer.Option(help="Repeat the run with this seed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Inject faults, and check that no accepted picture is lost or stored twice.

    It starts its own systems on free ports and in temporary folders, breaks them, and counts
    what became of every accepted picture. Running systems are not touched.

    \b
    Examples:
      media-processor chaos --short
      media-processor chaos 1 7 --seed 42

    \b
    Exit status:
      0  no fault broke a promise
      1  otherwise
    """
    from media_processor.chaos.main import FAULTS, run

    if bool(numbers) == everything and not (short and not numbers):
        faults = "\n".join(f"  {fault.number:>2} {fault.name}" for fault in FAULTS)
        raise SetupError(f"Choose faults by number, or use --all or --short:\n{faults}")
    chosen = numbers or [fault.number for fault in FAULTS if everything or fault.in_short]
    raise typer.Exit(run(chosen, short=short, seed=seed, as_json=as_json))
