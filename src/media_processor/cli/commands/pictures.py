"""``upload`` and ``get``: pictures to the gateway and back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.commands.options import FAST_SERVER, JsonLines, ProfileName, Url

commands = typer.Typer()

_PANEL = "Pictures"


@commands.command(rich_help_panel=_PANEL)
def upload(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Pictures, folders, patterns; - reads a list from standard input."),
    ],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every picture is stored or failed.")
    ] = False,
    profile: ProfileName = "default",
    again: Annotated[
        bool, typer.Option("--again", help="Send what was sent before too, as new pictures.")
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="The list has a NUL behind each path, not a line.")
    ] = False,
    as_json: JsonLines = False,
    url: Url = FAST_SERVER,
) -> None:
    """Send pictures to the fast server, several at a time.

    Interrupted, the same command goes on where it was: what the server accepted isn't sent
    again, and nothing is doubled. A picture is known by its bytes, its name and its profile.
    While the server is away or has too much to do, it says so and tries again.

    \b
    Examples:
      media-processor upload holiday/ --wait
      media-processor upload 'photos/**/*.jpg' --profile proof
      find . -name '*.png' -print0 | media-processor upload -0 -

    \b
    Exit status:
      0    all are accepted (with --wait: stored)
      1    some were refused, failed or not sent
      2    the command can't be understood
      130  interrupted
    """
    from media_processor.cli.finding import listed
    from media_processor.cli.uploads import upload_all

    if Path("-") in paths:
        at = paths.index(Path("-"))
        paths[at : at + 1] = listed(sys.stdin.buffer, by_null=null)
    raise typer.Exit(
        upload_all(paths, url=url, profile=profile, wait=wait, again=again, as_json=as_json)
    )


@commands.command(rich_help_panel=_PANEL)
def get(
    media_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids that upload gave.")],
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="File or folder; - is standard output. Default: here."),
    ] = ".",
    original: Annotated[
        bool, typer.Option("--original", help="The file as it came, not the branded one.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    url: Url = FAST_SERVER,
) -> None:
    """Fetch branded pictures, or the originals. A file appears whole or not at all.

    \b
    Examples:
      media-processor get 019ab… -o branded.jpg
      media-processor get 019ab… 019ac… -o folder/ --original

    \b
    Exit status:
      0    all were fetched
      1    one couldn't be
      2    the command can't be understood
      130  interrupted
    """
    from media_processor.cli.getting import get_all

    raise typer.Exit(get_all(media_ids, output, url, original=original, force=force))
