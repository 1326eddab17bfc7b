"""``get``: its arguments, options and help."""

from typing import Annotated

import typer

from media_processor.cli.options import DEFAULT_URL, Url


def get(
    media_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids printed by upload.")],
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="File or folder to write to; - for standard output."),
    ] = ".",
    original: Annotated[
        bool, typer.Option("--original", help="Download the file as it was uploaded.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Download watermarked pictures, or the originals. No file is ever left half-written.

    \b
    Examples:
      media-processor get 019ab… -o watermarked.jpg
      media-processor get 019ab… 019ac… -o folder/ --original

    \b
    Exit status:
      0    every picture was downloaded
      1    at least one couldn't be downloaded
      2    wrong usage
      130  interrupted
    """
    from media_processor.cli.get.downloads import get_all

    raise typer.Exit(get_all(media_ids, output, url, original=original, force=force))
