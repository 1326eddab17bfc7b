"""``status``, ``list``, ``failed``, ``retry`` and ``queue``: what the fast server is asked."""

from typing import Annotated, Literal

import typer

from media_processor.addresses import FAST_SERVER
from media_processor.cli.commands.completion import reasons, statuses
from media_processor.cli.commands.options import AsJson, JsonLines, Url

commands = typer.Typer()

_PANEL = "Pictures"


@commands.command(rich_help_panel=_PANEL)
def status(
    media_id: Annotated[str, typer.Argument(metavar="ID", help="The id that upload printed.")],
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until it is stored or failed.")
    ] = False,
    as_json: AsJson = False,
    url: Url = FAST_SERVER,
) -> None:
    """Show what became of a picture.

    With --follow it is shown live; where standard output is no terminal, a line each change.

    \b
    Examples:
      media-processor status 019ab…
      media-processor status 019ab… --follow --json

    \b
    Exit status:
      0    it is stored, or on its way
      1    it failed, or there is none with this id
      130  interrupted
    """
    from media_processor.cli.status import show_status

    raise typer.Exit(show_status(media_id, url, live=follow, as_json=as_json))


@commands.command("list", rich_help_panel=_PANEL)
def list_pictures(
    with_status: Annotated[
        str | None,
        typer.Option("--status", help="Only those of this status.", autocompletion=statuses),
    ] = None,
    archive: Annotated[
        bool, typer.Option("--archive", help="What the central server has stored.")
    ] = False,
    name: Annotated[str | None, typer.Option(help="With --archive: part of the name.")] = None,
    worker: Annotated[str | None, typer.Option(help="With --archive: part of it.")] = None,
    since: Annotated[
        str | None, typer.Option(help="With --archive: stored since, as 2026-01-31. UTC.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="With --archive: stored until. UTC.")] = None,
    sort: Annotated[
        Literal["newest", "oldest", "name", "largest"], typer.Option(help="With --archive.")
    ] = "newest",
    limit: Annotated[int, typer.Option(min=0, help="How many at most; 0 for all.")] = 50,
    as_json: JsonLines = False,
    url: Url = FAST_SERVER,
) -> None:
    """List the pictures that the fast server knows, newest first; or those in the archive.

    \b
    Examples:
      media-processor list --status retrying
      media-processor list --archive --name holiday --since 2026-01-01 --sort largest

    \b
    Exit status:
      0  listed, also if there is none
      1  the server can't be asked, or refuses
    """
    from media_processor.cli.listing import Search, list_archive, list_media

    search = Search(name, worker, since, until, sort)
    if search != Search() and not archive:
        raise typer.BadParameter("only the archive is searched and sorted; say --archive too.")
    if archive:
        raise typer.Exit(list_archive(url, search, limit=limit, as_json=as_json))
    raise typer.Exit(list_media(url, with_status, limit=limit, as_json=as_json))


@commands.command(rich_help_panel=_PANEL)
def failed(as_json: JsonLines = False, url: Url = FAST_SERVER) -> None:
    """List the pictures that failed, each with its reason. Their originals are kept.

    \b
    Exit status:
      0  there is none
      1  there are some, or the server can't be asked
    """
    from media_processor.cli.dead_letters import show_failed

    raise typer.Exit(show_failed(url, as_json=as_json))


@commands.command(rich_help_panel=_PANEL)
def retry(
    media_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Ids that 'failed' printed.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every failed picture.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Every picture that failed for this reason.", autocompletion=reasons),
    ] = None,
    url: Url = FAST_SERVER,
) -> None:
    """Have failed pictures tried again, with all their attempts.

    \b
    Examples:
      media-processor retry 019ab…
      media-processor retry --reason central_refused

    \b
    Exit status:
      0  every one of them is tried again
      1  otherwise
    """
    from media_processor.cli.dead_letters import retry_failed

    raise typer.Exit(retry_failed(url, media_ids or [], everything=everything, reason=reason))


@commands.command(rich_help_panel="Is all well?")
def queue(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on, until Ctrl-C; look once a second.")
    ] = False,
    as_json: AsJson = False,
    url: Url = FAST_SERVER,
) -> None:
    """Show how much there is to do, and what each worker does.

    \b
    Exit status:
      0    shown
      1    the server can't be asked
      130  --follow ended by Ctrl-C
    """
    from media_processor.cli.queue import show_queue

    raise typer.Exit(show_queue(url, live=follow, as_json=as_json))
