"""Stops dependencies from loading modules that this process hardly ever uses."""

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any


def defer_import(name: str) -> None:
    """Make ``import name`` cost nothing until something of the module is used.

    Only for modules that others import whole: ``from name import x`` uses it. The standard
    library's LazyLoader loads a module for a mere ``__file__`` too, which ``inspect`` reads of
    every module.
    """
    if name in sys.modules or (spec := importlib.util.find_spec(name)) is None:
        return
    module = ModuleType(name)
    module.__file__ = spec.origin

    def load(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        if sys.modules.get(name) is module:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    module.__getattr__ = load  # type: ignore[method-assign]
    sys.modules[name] = module


def forbid_import(name: str) -> None:
    # None in sys.modules makes an import raise ImportError.
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]
