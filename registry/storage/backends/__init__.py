"""The storages that blobs can lie in, behind one port."""

from __future__ import annotations

from django.core.files.storage import storages

from registry.storage.backends.base import Backend
from registry.storage.backends.generic import GenericBackend
from registry.storage.backends.local import LocalBackend, LocalBlobStorage

__all__ = ["Backend", "GenericBackend", "LocalBackend", "LocalBlobStorage", "current"]


def current() -> Backend:
    """Return the port to `STORAGES["blobs"]`."""
    storage = storages["blobs"]
    if isinstance(storage, LocalBlobStorage):
        return LocalBackend(storage)
    return GenericBackend(storage)
