"""``queue``: its options and help."""

from typing import Annotated

import typer

from media_processor.cli.options import DEFAULT_URL, AsJson, Url


def queue(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Refresh every second until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show how many pictures are waiting, and what each worker is doing.

    \b
    Exit status:
      0    shown
      1    the server can't be reached
      130  --follow was stopped by Ctrl-C
    """
    from media_processor.cli.queue.display import show_queue

    raise typer.Exit(show_queue(url, live=follow, as_json=as_json))
