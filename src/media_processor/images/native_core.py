"""Whether the native core is installed, found out without importing it, Pillow or anything else."""

from importlib.util import find_spec


def is_installed() -> bool:
    return find_spec("media_processor_native") is not None
