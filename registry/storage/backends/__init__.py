"""The storages that blobs can lie in, behind one port."""

from __future__ import annotations

from django.core.files.storage import Storage, storages

from registry.storage.backends.base import Backend
from registry.storage.backends.generic import GenericBackend
from registry.storage.backends.local import LocalBackend, LocalBlobStorage

__all__ = ["Backend", "GenericBackend", "LocalBackend", "LocalBlobStorage", "current", "of"]


def current() -> Backend:
    """Return the port to `STORAGES["blobs"]`."""
    return of(storages["blobs"])


def of(storage: Storage) -> Backend:
    """Return the port to a storage: its own where it has one, so that no library is loaded which is not used."""
    if isinstance(storage, LocalBlobStorage):
        return LocalBackend(storage)
    if (port := getattr(storage, "port", None)) is not None:
        backend: Backend = port()
        return backend
    return GenericBackend(storage)
