#!/bin/sh
# Makes .venv from the hashed locks. Run by `make setup`; needs Python 3.11+ and PyPI.
set -eu

say() { printf 'media-processor: %s\n' "$*" >&2; }

# The newest of the named ones that is new enough; PYTHON=… chooses another.
find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

python=$(find_python)
if [ -z "$python" ]; then
    say "Python 3.11 or newer is needed; found $(python3 --version 2>&1 || true). Install it, or run: make setup PYTHON=/path/to/python3"
    exit 1
fi
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
    say "creating .venv with $("$python" --version)"
    rm -rf .venv
    if ! "$python" -m venv .venv; then
        say "Python can't create .venv. If the error above mentions ensurepip, install the package python3-venv; otherwise check whether the disk is full."
        exit 1
    fi
fi
say "installing dependencies, usually half a minute"
# Else every start compiles them again where PYTHONDONTWRITEBYTECODE is set.
export UV_COMPILE_BYTECODE=1
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes requirements/dev.txt

# The native core is optional: without it every picture is decoded, slower and with more loss.
# NATIVE=no leaves it out.
rm -f src/media_processor_native*.so
if [ "${NATIVE:-yes}" = no ]; then
    say "skipping the native core (NATIVE=no)"
elif command -v cargo >/dev/null 2>&1; then
    say "building the native core with $(cargo --version), usually a minute or two"
else
    say "cargo not found, so the native core isn't built; everything works, but slower (https://rustup.rs installs cargo; then: rm .venv/ready && make setup)"
fi
# On a terminal uv shows its progress.
if [ -t 2 ]; then quiet=; else quiet=--quiet; fi
.venv/bin/uv pip install $quiet --python .venv/bin/python --no-deps --no-build-isolation --no-cache --editable .
if [ "${NATIVE:-yes}" != no ] && command -v cargo >/dev/null 2>&1 && ! .venv/bin/python -c 'import media_processor_native'; then
    say "the native core wasn't built (it needs Rust 1.88 or newer; cd native && cargo build shows why); everything works without it, but slower. NATIVE=no skips this step."
fi
echo "${NATIVE:-yes}" >.venv/native
touch .venv/ready
