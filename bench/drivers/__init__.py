"""The tools that are measured, one module each; `name:option=value,option=value` names one with its options."""

from __future__ import annotations

import importlib
from types import ModuleType


def load(name: str) -> ModuleType:
    """Return the module of a driver, whatever its options."""
    return importlib.import_module("drivers." + name.partition(":")[0])


def options(name: str) -> dict[str, str]:
    """Return the options of a driver."""
    found = {}
    for pair in filter(None, name.partition(":")[2].split(",")):
        key, _, value = pair.partition("=")
        found[key] = value or "1"
    return found
