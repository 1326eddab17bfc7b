"""``doctor`` and ``config``."""

import typer

from media_processor.addresses import FAST_SERVER
from media_processor.cli.commands.options import AsJson, Url

commands = typer.Typer()

_PANEL = "Is all well?"


@commands.command(rich_help_panel=_PANEL)
def doctor(url: Url = FAST_SERVER, as_json: AsJson = False) -> None:
    """Examine this machine and what it depends on; say what isn't well and what to do.

    Settings, Redis (and whether it would drop jobs), fast server, workers, central server,
    clocks, storage, logo, profiles, native core, guards of the picture processes. It changes
    nothing and ends within ten seconds.

    \b
    Exit status:
      0  all is well, or at worst doubtful
      1  something is wrong
    """
    from media_processor.cli.doctor.main import examine

    raise typer.Exit(examine(url, as_json=as_json))


@commands.command(rich_help_panel=_PANEL)
def config(as_json: AsJson = False) -> None:
    """Show every setting: its value, where that comes from and which services read it.

    Passwords are masked, in URLs too. Variables that nothing reads but that look like one
    that something does are told.

    \b
    Exit status:
      0  every value can be used
      1  one can't; the reason is told
    """
    from media_processor.cli.configuration import show_configuration

    raise typer.Exit(show_configuration(as_json=as_json))
