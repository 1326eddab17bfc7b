"""``upload``: its arguments, options and help."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from media_processor.cli.options import DEFAULT_URL, JsonLines, ProfileName, Url


def upload(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Pictures, folders or patterns; - reads paths from standard input."),
    ],
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until every picture is stored or failed.")
    ] = False,
    profile: ProfileName = "default",
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            help="Send pictures again that were sent before; they are stored as new ones.",
        ),
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="Paths on standard input are separated by NUL.")
    ] = False,
    as_json: JsonLines = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Send pictures to the fast server, several at a time.

    If it is interrupted, run the same command again: pictures that the server has accepted are
    not sent again. A picture is recognized by its bytes, its name and its profile. While the
    server is unreachable or overloaded, the command reports it and keeps trying.

    \b
    Examples:
      media-processor upload holiday/ --wait
      media-processor upload 'photos/**/*.jpg' --profile proof
      find . -name '*.png' -print0 | media-processor upload -0 -

    \b
    Exit status:
      0    every picture was accepted (with --wait: stored)
      1    at least one picture was refused, failed or not sent
      2    wrong usage
      130  interrupted
    """
    from media_processor.cli.file_selection import listed
    from media_processor.cli.upload.uploads import upload_all

    if Path("-") in paths:
        at = paths.index(Path("-"))
        paths[at : at + 1] = listed(sys.stdin.buffer, by_null=null)
    raise typer.Exit(
        upload_all(paths, url=url, profile=profile, wait=wait, again=again, as_json=as_json)
    )
