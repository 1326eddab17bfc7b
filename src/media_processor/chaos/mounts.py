"""File systems of a trial's own: a small one that fills up, one that loses its power."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from media_processor.chaos.trial import NotHere
from media_processor.harness.waiting import wait_until


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    with _mounted(["-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs"], folder) as mounted:
        yield mounted


@contextmanager
def ext4_image(image: Path, folder: Path) -> Iterator[Path]:
    with _mounted(["-t", "ext4", "-o", "loop", str(image)], folder) as mounted:
        yield mounted


def make_ext4(image: Path, size_bytes: int) -> None:
    if shutil.which("mkfs.ext4") is None:
        raise NotHere("needs mkfs.ext4")
    with image.open("wb") as file:
        file.truncate(size_bytes)
    _run(["mkfs.ext4", "-q", str(image)])


@contextmanager
def _mounted(arguments: list[str], folder: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        raise NotHere("needs root, to mount a file system")
    folder.mkdir(parents=True, exist_ok=True)
    _run(["mount", *arguments, str(folder)])
    try:
        yield folder
    finally:
        wait_until(lambda: _unmounted(folder), f"{folder} can be unmounted", 10)


def _unmounted(folder: Path) -> bool:
    return subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotHere(f"{command[0]}: {done.stderr.strip()}")
