"""``scrub``: its options and help."""

import typer

from media_processor.cli.options import AsJson, Data, central_settings


def scrub(data: Data = None, as_json: AsJson = False) -> None:
    """Read every stored picture and compare it with the digest recorded when it arrived.

    It only reads; the central server may keep running.

    \b
    Exit status:
      0  every picture is intact
      1  one is damaged or missing, or the archive can't be read
    """
    from media_processor.cli.scrub.report import scrub_archive

    raise typer.Exit(scrub_archive(central_settings(data), as_json=as_json))
