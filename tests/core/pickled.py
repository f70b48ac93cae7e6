"""Pickles and archives for tests of the scan; what hostile ones name is never run here either."""

from __future__ import annotations

import io
import os
import pickle
import struct
import tarfile
import zipfile
from typing import Any

from strongroom.core.scanning import BytesSource, Limits, Report, scan


class Runs:
    """Pickles as a call of what it is given."""

    def __init__(self, called: Any, *given: Any) -> None:
        self._called, self._given = called, given

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self._called, self._given


EVIL = pickle.dumps(Runs(os.system, "true"), 4)
EVIL_0 = pickle.dumps(Runs(os.system, "true"), 0)
GOOD = pickle.dumps({"weights": [1.0, 2.0], "name": "model"}, 4)
NAME = f"{os.system.__module__}.system"


def looked(data: bytes, name: str = "model.bin", **limits: Any) -> Report:
    """Scan some bytes."""
    return scan(BytesSource(data), name, limits=Limits(**limits))


def names(data: bytes, name: str = "model.bin", **limits: Any) -> set[str]:
    """Return what would be run."""
    return {danger.name for danger in looked(data, name, **limits).dangers.values()}


def zipped(*files: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return out.getvalue()


def tarred(*files: tuple[str, bytes], mode: str = "w", form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar archive."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def short(text: str) -> bytes:
    """Return the opcode that pushes a short text."""
    raw = text.encode()
    return b"\x8c" + struct.pack("<B", len(raw)) + raw


def named(module: str, name: str) -> bytes:
    """Return the opcodes that push what a module names."""
    return short(module) + short(name) + b"\x93"


def program(*parts: bytes, protocol: int = 4) -> bytes:
    """Return a pickle of these opcodes."""
    return b"\x80" + bytes([protocol]) + b"".join(parts) + b"."
