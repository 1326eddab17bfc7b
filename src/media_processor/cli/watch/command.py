"""``watch``: its arguments, options and help."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.addresses import FAST_SERVER
from media_processor.cli.options import ProfileName, Url


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder to watch, with the folders below it.")],
    done: Annotated[
        Path | None,
        typer.Option(help="Folder that sent pictures move to. Default: FOLDER/.done."),
    ] = None,
    mark: Annotated[
        bool, typer.Option("--mark", help="Leave sent pictures in place, and remember them.")
    ] = False,
    delete: Annotated[bool, typer.Option("--delete", help="Delete sent pictures.")] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Move a picture once it is stored, not once it is accepted."),
    ] = False,
    once: Annotated[bool, typer.Option("--once", help="Look once, then exit.")] = False,
    settle: Annotated[
        float,
        typer.Option(min=0.05, help="Seconds without a change after which a file is complete."),
    ] = 2.0,
    profile: ProfileName = "default",
    url: Url = FAST_SERVER,
) -> None:
    """Send the pictures in a folder, and every picture that appears there.

    A file is sent once it has stopped growing. Sent pictures move to FOLDER/.done, refused ones
    to FOLDER/.refused with the reason in a .txt file beside each. Both keep the folders below
    FOLDER, and no file is overwritten. Hidden files are ignored. While the server is away,
    pictures wait.

    \b
    Examples:
      media-processor watch /srv/inbox
      media-processor watch hot-folder --done archive/ --wait
      media-processor watch photos/ --mark

    \b
    Exit status:
      0  stopped by Ctrl-C or SIGTERM, after the pictures in flight; or --once without a refusal
      1  a picture was refused (with --once), or it couldn't start
      2  wrong usage
    """
    from media_processor.cli.watch.folder import Plan, watch_folder
    from media_processor.errors import SetupError

    if mark + delete + (done is not None) > 1:
        raise SetupError("Use only one of --done, --mark and --delete.")
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
