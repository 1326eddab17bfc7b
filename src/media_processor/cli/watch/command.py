"""``watch``: its arguments, options and help."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.options import DEFAULT_URL, ProfileName, Url, WrongUsage


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder to watch, including its subfolders.")],
    done: Annotated[
        Path | None,
        typer.Option(help="Folder that sent pictures move to. Default: FOLDER/.done."),
    ] = None,
    mark: Annotated[
        bool, typer.Option("--mark", help="Leave sent pictures in place and remember them.")
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete sent pictures.")] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Move a picture when it is stored, not when it is accepted."),
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Send what is there now, then exit.")
    ] = False,
    settle: Annotated[
        float,
        typer.Option(min=0.05, help="Seconds without a change until a file counts as complete."),
    ] = 2.0,
    profile: ProfileName = "default",
    url: Url = DEFAULT_URL,
) -> None:
    """Send the pictures in a folder, then keep watching it for new ones.

    A file is sent once it has stopped growing. Sent pictures move to FOLDER/.done, refused ones
    to FOLDER/.refused with the reason in a .txt file beside each. Both keep the subfolders of
    FOLDER, and no file is overwritten. Hidden files are ignored. While the server is
    unreachable, pictures wait; with --once for half a minute, after which they stay in FOLDER.

    \b
    Examples:
      media-processor watch /srv/inbox
      media-processor watch hot-folder --done archive/ --wait
      media-processor watch photos/ --mark

    \b
    Exit status:
      0  stopped by Ctrl-C or SIGTERM; or with --once, every picture was taken
      1  with --once, a picture was refused or couldn't be sent; or watching couldn't start
      2  wrong usage
    """
    from media_processor.cli.watch.folder import Plan, watch_folder

    if mark + delete + (done is not None) > 1:
        raise WrongUsage("Use only one of --done, --mark and --delete.")
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
