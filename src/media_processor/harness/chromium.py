"""Where a Chromium is on this machine, for tests and benchmarks of the page."""

import shutil

# The first draws no window, and starts a page with two thirds of the work.
_NAMES = ("chromium-headless-shell", "chromium", "google-chrome")

MISSING = "there is no Chromium on this machine (Debian: apt install chromium-headless-shell)"


def find_chromium() -> str | None:
    """The program's path."""
    return next(filter(None, map(shutil.which, _NAMES)), None)
