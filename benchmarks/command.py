"""The options that every benchmark has."""

import argparse
from pathlib import Path


def parser(description: str | None, quick: str | None = None) -> argparse.ArgumentParser:
    """``quick`` says what ``--quick`` leaves out; without it there is no such option."""
    made = argparse.ArgumentParser(description=description)
    if quick:
        made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--write", type=Path, metavar="FILE", help="put the tables into this file")
    return made
