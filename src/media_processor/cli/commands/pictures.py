"""``upload``, ``watch``, ``get``: pictures to the fast server and back."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from media_processor.addresses import FAST_SERVER
from media_processor.cli.commands.options import JsonLines, ProfileName, Url

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
    from media_processor.cli.file_selection import listed
    from media_processor.cli.uploads import upload_all

    if Path("-") in paths:
        at = paths.index(Path("-"))
        paths[at : at + 1] = listed(sys.stdin.buffer, by_null=null)
    raise typer.Exit(
        upload_all(paths, url=url, profile=profile, wait=wait, again=again, as_json=as_json)
    )


@commands.command(rich_help_panel=_PANEL)
def watch(
    folder: Annotated[Path, typer.Argument(help="The folder; those below it too.")],
    done: Annotated[
        Path | None, typer.Option(help="Where to what is done goes. Default: FOLDER/.done.")
    ] = None,
    mark: Annotated[
        bool, typer.Option("--mark", help="Leave what is done in place, and remember it.")
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is done.")] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Done is what is stored, not what is accepted.")
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="One pass, then end.")] = False,
    settle: Annotated[
        float, typer.Option(min=0.05, help="Seconds without a change that make a file whole.")
    ] = 2.0,
    profile: ProfileName = "default",
    url: Url = FAST_SERVER,
) -> None:
    """Send what appears in a folder, and what is there already.

    A file is sent once it has stopped growing. What is done moves to FOLDER/.done with its
    tree, and never over another file; what is refused to FOLDER/.refused, with the reason in a
    .txt beside it. It waits out a server that is away. Hidden files are left alone.

    \b
    Examples:
      media-processor watch /srv/inbox
      media-processor watch hot-folder --done archive/ --wait
      media-processor watch photos/ --mark

    \b
    Exit status:
      0  ended by Ctrl-C or SIGTERM, after the pictures in flight; or --once and all went well
      1  --once and something was refused, or it can't begin
      2  the command can't be understood
    """
    from media_processor.cli.watching import Plan, watch_folder
    from media_processor.errors import SetupError

    if mark + delete + (done is not None) > 1:
        raise SetupError("Say one of --done, --mark and --delete.")
    plan = Plan(
        folder=folder,
        done=done or folder / ".done",
        refused=folder / ".refused",
        afterwards="mark" if mark else "delete" if delete else "move",
        settle=settle,
        once=once,
        wait=wait,
    )
    raise typer.Exit(watch_folder(plan, url, profile))


@commands.command(rich_help_panel=_PANEL)
def get(
    media_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids that upload gave.")],
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="File or folder; - is standard output. Default: here."),
    ] = ".",
    original: Annotated[
        bool, typer.Option("--original", help="The file as it came, not the watermarked one.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    url: Url = FAST_SERVER,
) -> None:
    """Fetch watermarked pictures, or the originals. A file appears whole or not at all.

    \b
    Examples:
      media-processor get 019ab… -o watermarked.jpg
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
