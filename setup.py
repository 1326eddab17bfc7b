"""Builds the native core into the package where Rust's cargo is; NATIVE=no leaves it out.

Without it the package is pure Python: every picture is decoded, which is slower. A failed
build of the core never fails the installation.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

from setuptools import setup

NATIVE = Path(__file__).parent / "native"


def lock_crates() -> None:
    """Make Cargo.lock from crates.lock, so that cargo builds what was reviewed, digest by digest.

    Only the registry's address isn't in there: cargo itself says what it is here.
    """
    wanted = (NATIVE / "crates.lock").read_text()
    lock = NATIVE / "Cargo.lock"
    if lock.exists() and _without_sources(lock.read_text()) == _without_sources(wanted):
        return
    lock.unlink(missing_ok=True)
    subprocess.run(["cargo", "generate-lockfile", "--quiet"], cwd=NATIVE, check=True)
    source = re.search(r"^source = .*\n", lock.read_text(), re.MULTILINE)
    lock.write_text(wanted.replace("checksum = ", f"{source[0] if source else ''}checksum = "))


def _without_sources(lock: str) -> str:
    return re.sub(r"^(#|source = ).*\n", "", lock, flags=re.MULTILINE)


extensions = []
if os.environ.get("NATIVE") != "no" and shutil.which("cargo"):
    from setuptools_rust import Binding, RustExtension

    try:
        lock_crates()
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"media-processor: the crates can't be locked ({error}); building may fail")  # noqa: T201
    extensions.append(
        RustExtension(
            "media_processor_native",
            path="native/python/Cargo.toml",
            args=["--locked"],
            binding=Binding.PyO3,
            features=["pyo3/extension-module"],
            py_limited_api=True,
            debug=False,  # editable installs too: nobody wants a core slower than Pillow
            optional=True,
        )
    )

setup(rust_extensions=extensions)
