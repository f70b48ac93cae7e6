"""The storages that blobs can lie in, behind one port."""

from __future__ import annotations

from django.conf import settings
from django.core.files.storage import Storage, storages

from registry.storage.backends.base import Backend
from registry.storage.backends.both import BothBackends
from registry.storage.backends.generic import GenericBackend
from registry.storage.backends.local import LocalBackend, LocalBlobStorage

__all__ = [
    "Backend",
    "BothBackends",
    "GenericBackend",
    "LocalBackend",
    "LocalBlobStorage",
    "current",
    "of",
    "other",
]


def current() -> Backend:
    """Return the port to `STORAGES["blobs"]`, with that of "other_blobs" behind it while blobs move."""
    first = of(storages["blobs"])
    behind = other()
    return first if behind is None else BothBackends(first, behind)


def other() -> Backend | None:
    """Return the port to the storage that blobs move to or from, if one is set."""
    return of(storages["other_blobs"]) if "other_blobs" in settings.STORAGES else None


def of(storage: Storage) -> Backend:
    """Return the port to a storage: its own where it has one, so that no library is loaded which is not used."""
    if isinstance(storage, LocalBlobStorage):
        return LocalBackend(storage)
    if (port := getattr(storage, "port", None)) is not None:
        backend: Backend = port()
        return backend
    return GenericBackend(storage)
