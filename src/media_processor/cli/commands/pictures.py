"""``upload``, ``status``, ``failed`` and ``retry``: what the fast server is asked."""

from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.commands.completion import reasons
from media_processor.cli.commands.options import FAST_SERVER, ProfileName, Url

commands = typer.Typer()

_PANEL = "Pictures"


@commands.command(rich_help_panel=_PANEL)
def upload(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every picture is stored or failed.")
    ] = False,
    profile: ProfileName = "default",
    url: Url = FAST_SERVER,
) -> None:
    """Send pictures to the fast server, several at a time.

    Exit status: 0 all accepted (with --wait: all stored), 1 otherwise.

    Example: media-processor upload holiday/ --wait
    """
    from media_processor.cli.uploads import upload_all

    raise typer.Exit(upload_all(paths, url=url, profile=profile, wait=wait))


@commands.command(rich_help_panel=_PANEL)
def status(
    media_id: Annotated[str, typer.Argument(metavar="ID", help="The id that upload printed.")],
    url: Url = FAST_SERVER,
) -> None:
    """Show what became of a picture.

    Exit status: 0 unless the picture failed or there is none with this id.
    """
    from media_processor.cli.uploads import show_status

    raise typer.Exit(show_status(media_id, url))


@commands.command(rich_help_panel=_PANEL)
def failed(url: Url = FAST_SERVER) -> None:
    """List the pictures that failed, each with its reason. Their originals are kept.

    Exit status: 0 if there is none, else 1.
    """
    from media_processor.cli.dead_letters import show_failed

    raise typer.Exit(show_failed(url))


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

    Exit status: 0 if every one of them is tried again, else 1.

    Example: media-processor retry --reason central_refused
    """
    from media_processor.cli.dead_letters import retry_failed

    raise typer.Exit(retry_failed(url, media_ids or [], everything=everything, reason=reason))
