"""``doctor``: its options and help."""

import typer

from media_processor.cli.options import DEFAULT_URL, AsJson, Url


def doctor(url: Url = DEFAULT_URL, as_json: AsJson = False) -> None:
    """Check this machine and the servers, and say how to fix what is wrong.

    It checks settings, Redis, fast server, workers, central server, clocks, storage, logo,
    profiles, the native core and the picture processes. It changes nothing and takes at most
    ten seconds.

    \b
    Exit status:
      0  no errors (there may be warnings)
      1  at least one error
    """
    from media_processor.cli.doctor.report import examine

    raise typer.Exit(examine(url, as_json=as_json))
