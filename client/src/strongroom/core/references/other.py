"""Any other scheme: the address is all that is recorded, and nobody here can follow it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from strongroom.core.entries import Entry
from strongroom.core.errors import ReferenceUnreachable
from strongroom.core.references.base import Checked, Found, Reach, State, Stream
from strongroom.core.references.uris import refuse, scheme_word
from strongroom.core.text import shown


class Other:
    """A scheme that is only kept track of."""

    def parse(self, uri: str) -> str:
        """Return the scheme."""
        return scheme_word(uri)

    def plain(self, uri: str) -> Found:
        """Return the address as its own digest."""
        return Found(uri, "", uri)

    def name(self, uri: str) -> str:
        """Refuse to guess one."""
        refuse(
            uri,
            f"needs a name: which path a {self.parse(uri)} reference has inside the artifact, only you know",
        )

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield the address."""
        if not after:
            yield self.plain(uri)

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Say that it cannot be told."""
        return Checked(State.UNREACHABLE, str(_cannot(entry)))

    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> AbstractContextManager[Stream]:
        """Say that it cannot be followed."""
        raise _cannot(entry)


def _cannot(entry: Entry) -> ReferenceUnreachable:
    uri = entry.ref or ""
    return ReferenceUnreachable(
        f"{shown(uri)} cannot be followed: the scheme {scheme_word(uri)} is only kept track of. Fetch it by hand.",
        uri=shown(uri),
    )
