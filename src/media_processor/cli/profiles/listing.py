"""Lists the profiles with what each one sets."""

from rich.table import Table

from media_processor.cli.output import cell, terminal
from media_processor.images.profile import DEFAULT, Profile, as_message
from media_processor.settings import WorkerSettings, read
from media_processor.watermarks.tasks import TaskBuilder


def list_profiles() -> int:
    settings = read(WorkerSettings)
    table = Table("profile", "digest", "settings", box=None)
    for name, profile in TaskBuilder(settings).profiles.all().items():
        table.add_row(cell(name), profile.digest[:12], cell(_changes(profile)))
    terminal().print(table)
    return 0


def _changes(profile: Profile) -> str:
    usual, found = as_message(DEFAULT), as_message(profile)
    changed = [
        f"{key} = {found[key]}" for key in found if key != "name" and found[key] != usual[key]
    ]
    default = "the logo, at most 20 % of width and height, top right, 10 px from the edges"
    return ", ".join(changed) or default
