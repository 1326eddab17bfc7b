"""The crates of the native core are those that were reviewed, digest by digest."""

import re
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path
from unittest.mock import patch

import pytest

NATIVE = Path(__file__).parent.parent / "native"
MEMBERS = {"splice", "media-processor-native"}


def locked() -> dict[str, dict[str, str]]:
    packages = tomllib.loads((NATIVE / "crates.lock").read_text())["package"]
    return {package["name"]: package for package in packages}


def test_every_crate_has_a_digest_and_no_address() -> None:
    for name, package in locked().items():
        assert re.fullmatch("[0-9a-f]{64}", package.get("checksum", "")) or name in MEMBERS
        assert "source" not in package


@pytest.mark.parametrize("member", ["core", "python"])
def test_what_is_asked_for_is_what_is_locked(member: str) -> None:
    """If not, run make lock."""
    wanted = tomllib.loads((NATIVE / member / "Cargo.toml").read_text())["dependencies"]
    for name, asked in wanted.items():
        version = asked if isinstance(asked, str) else asked.get("version")
        assert version is None or version == f"={locked()[name]['version']}"


@pytest.mark.long
@pytest.mark.skipif(shutil.which("cargo") is None, reason="there is no cargo")
def test_other_bytes_under_the_same_name_are_refused(tmp_path: Path) -> None:
    with patch("setuptools.setup"), patch.dict("os.environ", {"NATIVE": "no"}):
        lock_crates = runpy.run_path(str(NATIVE.parent / "setup.py"))["lock_crates"]
    copy = tmp_path / "native"
    shutil.copytree(NATIVE, copy, ignore=shutil.ignore_patterns("target", "Cargo.lock"))
    lock_crates.__globals__["NATIVE"] = copy

    lock_crates()
    assert fetch(copy) == ""
    lock = copy / "crates.lock"
    digest = locked()["flate2"]["checksum"]
    lock.write_text(lock.read_text().replace(digest, digest[::-1]))
    lock_crates()
    assert "checksum for `flate2" in fetch(copy)


def fetch(folder: Path) -> str:
    done = subprocess.run(
        ["cargo", "fetch", "--locked", "--quiet"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    return done.stderr
