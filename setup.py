"""Builds the native core into the package where Rust's cargo is; NATIVE=no leaves it out.

Without it the package is pure Python: every picture is decoded, which is slower. A failed
build of the core never fails the installation.
"""

import os
import shutil

from setuptools import setup

extensions = []
if os.environ.get("NATIVE") != "no" and shutil.which("cargo"):
    from setuptools_rust import Binding, RustExtension

    extensions.append(
        RustExtension(
            "media_processor_native",
            path="native/python/Cargo.toml",
            binding=Binding.PyO3,
            features=["pyo3/extension-module"],
            py_limited_api=True,
            debug=False,  # editable installs too: nobody wants a core slower than Pillow
            optional=True,
        )
    )

setup(rust_extensions=extensions)
