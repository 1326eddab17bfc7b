"""``status``: its arguments, options and help."""

from typing import Annotated

import typer

from media_processor.cli.options import DEFAULT_URL, AsJson, Url


def status(
    media_id: Annotated[str, typer.Argument(metavar="ID", help="An id printed by upload.")],
    follow: Annotated[
        bool,
        typer.Option(
            "--follow", "-f", help="Show changes until the picture is stored or has failed."
        ),
    ] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Show the status of a picture.

    --follow shows it live; if standard output isn't a terminal, it prints a line per change.

    \b
    Examples:
      media-processor status 019ab…
      media-processor status 019ab… --follow --json

    \b
    Exit status:
      0    it is stored or in progress
      1    it failed, or no picture has this id
      130  interrupted
    """
    from media_processor.cli.status.display import show_status

    raise typer.Exit(show_status(media_id, url, live=follow, as_json=as_json))
