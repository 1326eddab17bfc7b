"""What others have made: pictures and programs from Debian's packages, fetched when needed."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

# Beside the environment, so that `make clean` takes it along; nothing of it is installed.
FOLDER = Path(__file__).parents[2] / ".venv" / "debian"

Unpack = Callable[..., Path]


@pytest.fixture(scope="session")
def debian() -> Unpack:
    """Gives the folder that packages of the names are unpacked in, together."""
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        pytest.skip("this isn't Debian: no apt-get")

    def unpack(*names: str) -> Path:
        folder = FOLDER / "+".join(names)
        FOLDER.mkdir(exist_ok=True)
        with (FOLDER / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                _fetch(names, folder)
        return folder

    return unpack


def _fetch(names: tuple[str, ...], folder: Path) -> None:
    archives, half = FOLDER / "archives", folder.with_suffix(".part")
    for path in (archives, half):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    fetched = _run("apt-get", "download", "-qq", *names, cwd=archives)
    if fetched.returncode and os.geteuid() == 0:  # without lists of packages there are none
        _run("apt-get", "update", "-qq")
        fetched = _run("apt-get", "download", "-qq", *names, cwd=archives)
    if fetched.returncode:
        pytest.skip(f"{' '.join(names)} can't be fetched: {fetched.stderr[-300:]}")
    for archive in archives.iterdir():
        subprocess.run(["dpkg-deb", "-x", str(archive), str(half)], check=True)
    half.rename(folder)
    shutil.rmtree(archives)


def _run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False
    )


def program(folder: Path, name: str, *arguments: str | Path, data: bytes = b"") -> bytes:
    (libraries,) = {path.parent for path in folder.rglob("*.so*")} or {folder}
    done = subprocess.run(
        [folder / "usr" / "bin" / name, *arguments],
        input=data,
        capture_output=True,
        timeout=60,
        check=True,
        env=os.environ | {"LD_LIBRARY_PATH": str(libraries)},
    )
    return done.stdout + done.stderr
