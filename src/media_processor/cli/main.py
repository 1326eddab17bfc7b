"""The command ``media-processor``: its commands by section, and one line for every error."""

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup, TyperOption

from media_processor.cli import streams
from media_processor.cli.audit.command import audit
from media_processor.cli.central_server import central_server
from media_processor.cli.chaos import chaos
from media_processor.cli.config.command import config
from media_processor.cli.doctor.command import doctor
from media_processor.cli.failed.command import failed
from media_processor.cli.fast_server import fast_server
from media_processor.cli.get.command import get
from media_processor.cli.list.command import list_pictures
from media_processor.cli.options import WrongUsage
from media_processor.cli.profiles.command import profiles
from media_processor.cli.queue.command import queue
from media_processor.cli.retry.command import retry
from media_processor.cli.scrub.command import scrub
from media_processor.cli.status.command import status
from media_processor.cli.up.command import up
from media_processor.cli.upload.command import upload
from media_processor.cli.watch.command import watch
from media_processor.cli.watermark.command import watermark
from media_processor.cli.worker_server import worker_server
from media_processor.errors import MediaProcessorError
from media_processor.terminal import printable

_SECTIONS = {
    "Run the system": (up, fast_server, worker_server, central_server),
    "Pictures": (upload, watch, get, status, list_pictures, failed, retry),
    "Without a server": (watermark, profiles),
    "Operations": (doctor, config, queue, scrub, audit, chaos),
}


class _Commands(TyperGroup):
    """Lists the commands by section."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        for option in self.get_params(ctx):
            # The flags that Typer adds have None as default; to convert that it imports pydantic.
            if isinstance(option, TyperOption) and option.is_flag and option.default is None:
                option.default = False
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        width = max(map(len, self.commands))
        for section in _SECTIONS:
            rows = [
                (name.ljust(width), command.get_short_help_str(limit=200))
                for name, command in self.commands.items()
                if getattr(command, "rich_help_panel", None) == section
            ]
            with formatter.section(section):
                formatter.write_dl(rows)


app = typer.Typer(
    name="media-processor",
    cls=_Commands,
    help="Watermark pictures with your logo and store them in your own archive.\n\n"
    "\b\n"
    "Start here:\n"
    "  media-processor up                        run everything on this machine\n"
    "  media-processor upload photo.jpg --wait   send a picture\n"
    "  media-processor doctor                    find problems and how to fix them\n\n"
    "Settings are environment variables: media-processor config lists them, "
    "docs/configuration.md explains them. docs/cli.md shows every command with its output.",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich would take 0.4 s to print help
    pretty_exceptions_enable=False,
)

for _section, _commands in _SECTIONS.items():
    for _command in _commands:
        if isinstance(_command, typer.Typer):
            app.add_typer(_command, rich_help_panel=_section)
        else:
            app.command("list" if _command is list_pictures else None, rich_help_panel=_section)(
                _command
            )


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        sys.stdout.write(f"media-processor {version('media-processor')}\n")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
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
        return _report(error.detail)
    except WrongUsage as error:
        _report(str(error))
        return 2
    except ImportError as error:
        from media_processor.installation import missing_part

        if (missing := missing_part(error)) is None:
            raise
        return _report(missing.detail)
    except OSError as error:
        if output.ended_the_command:
            return streams.READER_GONE
        where = f"{error.filename}: " if error.filename else ""
        return _report(f"{where}{error.strerror or error}")
    return 0


def _report(detail: str) -> int:
    lines = (printable(line) for line in detail.splitlines())
    sys.stderr.write("media-processor: " + "\n".join(lines) + "\n")
    return 1
