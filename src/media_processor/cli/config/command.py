"""``config``: its options and help."""

import typer

from media_processor.cli.options import AsJson


def config(as_json: AsJson = False) -> None:
    """Show every setting: its value, where the value comes from, and which services read it.

    Passwords are masked. Variables that look like a misspelt setting are listed, too.

    \b
    Exit status:
      0  every value is valid
      1  at least one isn't; the message says why
    """
    from media_processor.cli.config.configuration import show_configuration

    raise typer.Exit(show_configuration(as_json=as_json))
