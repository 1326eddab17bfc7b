#!/bin/sh
# Renews the hashed locks. Their output names no registry.
set -eu
export UV_CUSTOM_COMPILE_COMMAND="make lock"
compile() {
    .venv/bin/uv pip compile --quiet --generate-hashes --universal --python-version 3.11 "$@"
}
compile pyproject.toml --extra server --extra postgres -o requirements/runtime.txt
compile pyproject.toml --all-extras requirements/dev.in -o requirements/dev.txt
compile requirements/bootstrap.in -o requirements/bootstrap.txt
# Cargo.lock without the registry's address, which setup.py puts in again.
if command -v cargo >/dev/null 2>&1; then
    rm -f native/Cargo.lock
    (cd native && cargo generate-lockfile --quiet)
    { echo "# Made by make lock."; sed -e '/^#/d' -e '/^source = /d' native/Cargo.lock; } >native/crates.lock
fi
