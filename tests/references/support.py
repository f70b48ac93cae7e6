"""Taking references in and reading them, in one word each."""

from __future__ import annotations

from strongroom.core.entries import Entry
from strongroom.core.references import expand, open_reference


def added(uri, reach, name=None, **options) -> Entry:
    """Return the one entry of a reference."""
    (entry,) = expand(uri, name, reach=reach, **options)
    return entry


def paths(uri, reach, name=None, **options) -> list[str]:
    """Return the paths of what a reference adds."""
    return [entry.path for entry in expand(uri, name, reach=reach, **options)]


def read(entry, reach, offset=0) -> bytes:
    """Read all of a reference, in small pieces."""
    with open_reference(entry, reach, offset) as stream:
        found = b""
        while piece := stream.read(3):
            found += piece
        return found
