"""``retry``: its arguments, options and help."""

from typing import Annotated

import typer

from media_processor.addresses import FAST_SERVER
from media_processor.cli.completion import reasons
from media_processor.cli.options import Url


def retry(
    media_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Ids that media-processor failed printed."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Retry every failed picture.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(help="Retry the pictures with this reason.", autocompletion=reasons),
    ] = None,
    url: Url = FAST_SERVER,
) -> None:
    """Retry failed pictures, with all attempts from the start.

    \b
    Examples:
      media-processor retry 019ab…
      media-processor retry --reason central_refused

    \b
    Exit status:
      0  every one of them is being retried
      1  at least one isn't, or the server can't be reached
    """
    from media_processor.cli.retry.retries import retry_failed

    raise typer.Exit(retry_failed(url, media_ids or [], everything=everything, reason=reason))
