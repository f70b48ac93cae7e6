"""What the installed wandb client asks: the documents in its Python package, and those in its Go program."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from pathlib import Path

import wandb

PACKAGES = (
    "wandb.sdk.artifacts._generated.operations",
    "wandb.sdk.internal._generated.operations",
    "wandb.apis._generated.operations",
)
_BEGIN = re.compile(rb"\n((?:query|mutation) (\w+) ?[({])")
_FRAGMENT = re.compile(rb"\s*fragment \w+ on")
_LONGEST = 20_000


@lru_cache(maxsize=1)
def of_python() -> dict[str, str]:
    """Return the documents that the Python half sends, by their constants."""
    found = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in vars(module):
            if name.endswith("_GQL"):
                found[name.removesuffix("_GQL")] = getattr(module, name)
    return found


@lru_cache(maxsize=1)
def of_core() -> dict[str, str]:
    """Return the documents that the Go half sends, by their names: texts of its program, cut where braces close."""
    program = (Path(wandb.__file__).parent / "bin" / "wandb-core").read_bytes()
    found = {}
    for begin in _BEGIN.finditer(program):
        text = program[begin.start(1) : begin.start(1) + _LONGEST]
        end = _end(text)
        if end:
            found[begin[2].decode()] = text[:end].decode()
    return found


def _end(text: bytes) -> int:
    depth = 0
    for at, byte in enumerate(text):
        if byte in b"{(":
            depth += 1
        elif byte in b"})":
            depth -= 1
            if depth == 0 and byte == ord("}") and not _FRAGMENT.match(text, at + 1):
                return at + 1
        elif byte > 126 or byte < 9:
            return 0
    return 0
