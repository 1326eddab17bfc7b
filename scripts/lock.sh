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
