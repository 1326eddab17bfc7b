"""``failed``: its options and help."""

import typer

from media_processor.cli.options import DEFAULT_URL, JsonLines, Url


def failed(as_json: JsonLines = False, url: Url = DEFAULT_URL) -> None:
    """List the pictures that failed, each with its reason. Their originals are kept.

    \b
    Exit status:
      0  no picture has failed
      1  at least one has, or the server can't be reached
    """
    from media_processor.cli.failed.dead_letters import show_failed

    raise typer.Exit(show_failed(url, as_json=as_json))
