"""The command's wiring: every subcommand, and one line for every error."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from media_processor.errors import MediaProcessorError, SetupError
from media_processor.settings import (
    CentralServerSettings,
    FastServerSettings,
    WorkerSettings,
    read,
)

app = typer.Typer(
    name="media-processor",
    help="Brands every picture with your logo, ships it to your archive, loses none.\n\n"
    "Start with [bold]media-processor up[/bold]: it runs everything on this machine. Then "
    "[bold]media-processor upload photo.jpg --wait[/bold].\n\nSettings are environment "
    "variables, listed in docs/configuration.md.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)

audit = typer.Typer(no_args_is_help=True, help="The activity log's hash chain.")
app.add_typer(audit, name="audit")

profiles = typer.Typer(no_args_is_help=True, help="The ways to brand a picture.")
app.add_typer(profiles, name="profiles")

_Url = Annotated[
    str,
    typer.Option("--url", envvar="FAST_SERVER_URL", help="The fast server."),
]


def main() -> None:
    """Run the command; an error is one line on stderr and exit status 1."""
    try:
        app()
    except MediaProcessorError as error:
        sys.stderr.write(f"media-processor: {error.detail}\n")
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        sys.stderr.write(f"media-processor: {where}{error.strerror or error}\n")
        sys.exit(1)


@app.command()
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
    """
    from media_processor.cli.demo import show
    from media_processor.up import main as machine

    machine.run((lambda addresses: show(addresses, demo)) if demo else None)


@app.command()
def fast_server() -> None:
    """Run the fast server alone: takes pictures on POST /media."""
    from media_processor.fast_server.main import run

    run(read(FastServerSettings))


@app.command()
def worker_server(
    stage: Annotated[
        Literal["watermark", "upload", "both"],
        typer.Option(help="CPU work (watermark) and network work (upload) can run apart."),
    ] = "both",
) -> None:
    """Run a worker alone: brands pictures and ships them to the central server."""
    from media_processor.worker_server.worker import run

    run(read(WorkerSettings), stage)


@app.command()
def central_server() -> None:
    """Run the central server alone: archives pictures sent to POST /upload-final."""
    from media_processor.central_server.main import run

    run(read(CentralServerSettings))


@app.command()
def upload(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every picture is stored or failed.")
    ] = False,
    profile: Annotated[str, typer.Option(help="How the logo is placed.")] = "default",
    url: _Url = "http://127.0.0.1:8000",
) -> None:
    """Send pictures to the fast server, several at a time.

    Exit status: 0 all accepted (with --wait: all stored), 1 otherwise.

    Example: media-processor upload holiday/ --wait
    """
    from media_processor.cli.uploads import upload_all

    raise typer.Exit(upload_all(paths, url=url, profile=profile, wait=wait))


@app.command()
def status(
    media_id: Annotated[str, typer.Argument(metavar="ID", help="The id that upload printed.")],
    url: _Url = "http://127.0.0.1:8000",
) -> None:
    """Show what became of a picture.

    Exit status: 0 unless the picture failed or there is none with this id.
    """
    from media_processor.cli.uploads import show_status

    raise typer.Exit(show_status(media_id, url))


@app.command()
def failed(url: _Url = "http://127.0.0.1:8000") -> None:
    """List the pictures that failed, each with its reason. Their originals are kept.

    Exit status: 0 if there is none, else 1.
    """
    from media_processor.cli.dead_letters import show_failed

    raise typer.Exit(show_failed(url))


@app.command()
def retry(
    media_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids that 'failed' printed.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every failed picture.")] = False,
    reason: Annotated[
        str | None, typer.Option(help="Every picture that failed for this reason.")
    ] = None,
    url: _Url = "http://127.0.0.1:8000",
) -> None:
    """Have failed pictures tried again, with all their attempts.

    Exit status: 0 if every one of them is tried again, else 1.

    Example: media-processor retry --reason central_refused
    """
    from media_processor.cli.dead_letters import retry_failed

    raise typer.Exit(retry_failed(url, media_ids or [], everything=everything, reason=reason))


@app.command()
def scrub(
    data: Annotated[
        Path | None, typer.Option(help="The data folder. Default: MEDIA_DATA_DIR, or ./data.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read every stored picture and compare it with the digest that the archive took it with.

    Reads only; the central server may go on working.
    Exit status: 0 if every picture is what it was, else 1.
    """
    from media_processor.cli.archive import scrub_archive

    raise typer.Exit(scrub_archive(_central_settings(data), as_json=as_json))


@audit.command()
def verify(
    data: Annotated[
        Path | None, typer.Option(help="The data folder. Default: MEDIA_DATA_DIR, or ./data.")
    ] = None,
    witness: Annotated[
        Path | None,
        typer.Option(help="A gateway's copy of the checkpoints. Default: uploads/witness.jsonl."),
    ] = None,
    public_key: Annotated[
        Path | None, typer.Option(help="The archive's public key. Default: beside AUDIT_KEY.")
    ] = None,
) -> None:
    """Check that nobody has altered the activity log. The central server may go on working.

    Exit status: 0 if it is whole; 1 if not, with the first entry at which it shows.
    """
    from media_processor.cli.archive import verify_log

    raise typer.Exit(verify_log(_central_settings(data), witness, public_key))


def _central_settings(data: Path | None) -> CentralServerSettings:
    settings = read(CentralServerSettings)
    return settings.model_copy(update={"media_data_dir": data.absolute()}) if data else settings


@app.command()
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
    Exit status: 0 if every fault's row is met, else 1.

    Examples: media-processor chaos --short, or media-processor chaos 1 7 --seed 42
    """
    from media_processor.chaos.main import FAULTS, run

    if bool(numbers) == everything and not (short and not numbers):
        faults = "\n".join(f"  {fault.number:>2} {fault.name}" for fault in FAULTS)
        raise SetupError(f"Say which faults: numbers, --all, or --short. There are:\n{faults}")
    chosen = numbers or [fault.number for fault in FAULTS if everything or fault.in_short]
    raise typer.Exit(run(chosen, short=short, seed=seed, as_json=as_json))


@profiles.command("list")
def list_profiles() -> None:
    """List the profiles in the file that WATERMARKS names, and check it."""
    from media_processor.cli.profiles import list_profiles as run

    raise typer.Exit(run())


@profiles.command()
def preview(
    name: Annotated[str, typer.Argument(help="The profile.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; by default NAME.png.")
    ] = None,
) -> None:
    """Draw one sheet that shows a profile on eight kinds of pictures."""
    from media_processor.cli.profiles import preview as run

    raise typer.Exit(run(name, output or Path(f"{name}.png")))


@app.command()
def watermark(
    files: Annotated[
        list[Path], typer.Argument(help="IN OUT, or with --output any number of pictures.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Folder for watermarked_<name> of each picture."),
    ] = None,
    profile: Annotated[str, typer.Option(help="How the logo is placed.")] = "default",
) -> None:
    """Brand pictures right here, without any server.

    The logo is GOOGLE_LOGO, a URL or a file. For each picture it prints where it went, and how:
    splice (only what the logo covers was coded anew) or decode (all of it, and why).

    Examples: media-processor watermark photo.jpg branded.jpg, or
    media-processor watermark *.jpg -o branded/
    """
    from media_processor.cli.local import watermark_files

    raise typer.Exit(watermark_files(files, output, profile))
