"""The command's wiring: every group of subcommands, and one line for every error."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from media_processor.cli import streams
from media_processor.cli.commands import archive, local, pictures, questions, services, setup
from media_processor.errors import MediaProcessorError
from media_processor.terminal import printable

app = typer.Typer(
    name="media-processor",
    help="Watermarks every picture with your logo, ships it to your archive, loses none.\n\n"
    "Start with [bold]media-processor up[/bold]: it runs everything on this machine. Then "
    "[bold]media-processor upload photo.jpg --wait[/bold]. If something isn't well, "
    "[bold]media-processor doctor[/bold] says what and what to do.\n\nSettings are environment "
    "variables: [bold]media-processor config[/bold] shows them, docs/configuration.md explains "
    "them. docs/cli.md has every command with its output.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)

for group in (services, pictures, questions, local, setup, archive):
    app.add_typer(group.commands)


def _tell_version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"media-processor {version('media-processor')}\n")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """What stands before a command."""


def main() -> None:
    """Run the command; an error is one line on stderr and exit status 1."""
    output = streams.take()
    status = _run(output)
    sys.exit(streams.READER_GONE if output.ended_the_command else status)


def _run(output: streams.Outlet) -> int | str | None:
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except SystemExit as end:
        return end.code
    except MediaProcessorError as error:
        return _told(error.detail)
    except OSError as error:
        if output.ended_the_command:
            return streams.READER_GONE
        where = f"{error.filename}: " if error.filename else ""
        return _told(f"{where}{error.strerror or error}")
    return 0


def _told(detail: str) -> int:
    lines = (printable(line) for line in detail.splitlines())
    sys.stderr.write("media-processor: " + "\n".join(lines) + "\n")
    return 1
