"""``list``: its options and help."""

from typing import Annotated, Literal

import typer

from media_processor.cli.completion import statuses
from media_processor.cli.options import DEFAULT_URL, JsonLines, Url, WrongUsage


def list_pictures(
    with_status: Annotated[
        str | None,
        typer.Option(
            "--status", help="List only pictures with this status.", autocompletion=statuses
        ),
    ] = None,
    archive: Annotated[bool, typer.Option("--archive", help="List the archive instead.")] = False,
    name: Annotated[
        str | None, typer.Option(help="List only file names that contain this. Needs --archive.")
    ] = None,
    worker: Annotated[
        str | None,
        typer.Option(
            help="List only pictures from workers whose name contains this. Needs --archive."
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(help="First day (UTC), such as 2026-01-31. Needs --archive."),
    ] = None,
    until: Annotated[str | None, typer.Option(help="Last day (UTC). Needs --archive.")] = None,
    sort: Annotated[
        Literal["newest", "oldest", "name", "largest"],
        typer.Option(help="Sort order. Needs --archive."),
    ] = "newest",
    limit: Annotated[int, typer.Option(min=0, help="List at most this many; 0 for all.")] = 50,
    as_json: JsonLines = False,
    url: Url = DEFAULT_URL,
) -> None:
    """List the pictures that the fast server knows, newest first; or those in the archive.

    \b
    Examples:
      media-processor list --status retrying
      media-processor list --archive --name holiday --since 2026-01-01 --sort largest

    \b
    Exit status:
      0  the list was printed, even if it is empty
      1  the server can't be reached, or refused
    """
    from media_processor.cli.list.listing import Search, list_archive, list_media

    search = Search(name, worker, since, until, sort)
    if search != Search() and not archive:
        raise WrongUsage("--name, --worker, --since, --until and --sort need --archive.")
    if archive and with_status:
        raise WrongUsage("The archive has stored pictures only: leave out --status or --archive.")
    if archive:
        raise typer.Exit(list_archive(url, search, limit=limit, as_json=as_json))
    raise typer.Exit(list_media(url, with_status, limit=limit, as_json=as_json))
