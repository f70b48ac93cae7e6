"""Folders on disk: their digest, their size, and where in a download a copy begins."""

from __future__ import annotations

import hashlib
import os
import re


def files_of(folder: str) -> list[str]:
    """Return the files below a folder, in order."""
    return sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)


def tree_digest(folder: str) -> str:
    """Digest names and contents, to check a download against its source."""
    found = hashlib.sha256()
    for path in files_of(folder):
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        found.update(os.path.relpath(path, folder).encode() + b"\0" + digest)
    return found.hexdigest()


def find_copy(folder: str) -> str:
    """Find where below `folder` the downloaded tree starts: clients differ in what they put above it."""
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if "weights.bin" in names:
            return place
        if any(re.fullmatch(r"[fm]\d+\.bin", name) for name in names):
            return os.path.dirname(place)
    return folder


def size_of(folder: str) -> int:
    """Return how many bytes the files below a folder have."""
    return sum(os.lstat(path).st_size for path in files_of(folder) if not os.path.islink(path))
