"""``retry``: its arguments, options and help."""

from typing import Annotated

import typer

from media_processor.cli.completion import reasons
from media_processor.cli.options import DEFAULT_URL, Url


def retry(
    media_ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Ids printed by media-processor failed."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Retry every failed picture.")] = False,
    reason: Annotated[
        str | None,
        typer.Option(
            help="Retry the pictures that failed for this reason.", autocompletion=reasons
        ),
    ] = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Retry failed pictures, each with the full number of attempts.

    \b
    Examples:
      media-processor retry 019ab…
      media-processor retry --reason central_refused

    \b
    Exit status:
      0  all of them are being retried
      1  at least one isn't, or the server can't be reached
    """
    from media_processor.cli.retry.retries import retry_failed

    raise typer.Exit(retry_failed(url, media_ids or [], everything=everything, reason=reason))
