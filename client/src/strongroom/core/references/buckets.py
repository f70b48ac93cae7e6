"""What the schemes of buckets share: a URI names an object, or all that lies below a prefix."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, NoReturn, TypeVar

from strongroom.core.entries import Entry
from strongroom.core.errors import ReferenceMissing
from strongroom.core.references.base import MAX_OBJECTS, Checked, Found, Reach, State
from strongroom.core.references.looking import OK, address, as_state, bounded, compared, is_checked
from strongroom.core.references.uris import last_part, refuse
from strongroom.core.text import shown


class Placed(ABC):
    """Where a URI of a bucket leads: an object or the beginning of its name, and the version that is asked for."""

    __slots__ = ()
    bucket: str
    key: str
    version: Any

    @property
    @abstractmethod
    def uri(self) -> str:
        """The address without a version."""

    @property
    def whole(self) -> str:
        """The address with the version that it asks for."""
        return f"{self.uri}?versionId={self.version}" if self.version else self.uri

    @property
    def prefix(self) -> str:
        """What the names below begin with."""
        return f"{self.key}/" if self.key and not self.key.endswith("/") else self.key


At = TypeVar("At", bound=Placed)


def literal_key(uri: str) -> str:
    """Return all that follows the bucket, also what looks like a version."""
    return uri.split("/", 3)[3]


class Bucket(ABC, Generic[At]):
    """A scheme of buckets; each store says how it is asked."""

    @abstractmethod
    def parse(self, uri: str) -> At:
        """Take a URI apart."""

    @abstractmethod
    def _client(self, reach: Reach, place: At) -> Any:
        """Return the store's client for a bucket."""

    @abstractmethod
    def _there(self, client: Any, place: At, uri: str) -> Found | None:
        """Return the object of this name and version; None when there is none, or it stands for a folder."""

    @abstractmethod
    def _now(self, client: Any, place: At, uri: str) -> Found | None:
        """Return the object that has the name now, whatever version is asked for."""

    @abstractmethod
    def _listed(self, client: Any, place: At, after: str) -> Iterator[Found]:
        """List what lies below a prefix, behind a path."""

    @abstractmethod
    def _has_recorded(self, client: Any, place: At, entry: Entry) -> bool | None:
        """Tell whether the recorded version is still there; None when none was recorded."""

    def plain(self, uri: str) -> Found:
        """Return the address as its own digest, with the version where it names one."""
        place = self.parse(uri)
        return Found(place.whole, place.key.strip("/") or place.bucket, place.whole)

    def name(self, uri: str) -> str:
        """Return the last part of the name."""
        return last_part(self.parse(uri).key)

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield the object, or what lies below the prefix."""
        place = self.parse(uri)
        client = self._client(reach, place)
        # What goes on behind something below was a prefix before, whatever has its name by now.
        there = None if after else self._there(client, place, uri)
        if there is not None:
            yield there
        elif place.version and not after:
            raise ReferenceMissing(
                f"{shown(uri)} is not there: the object has no such version. Check the address.",
                uri=shown(uri),
            )
        else:
            yield from bounded(self._listed(client, place, after), uri, max_objects, after)

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Compare what the name holds now with what was recorded."""
        return as_state(lambda: self._check(entry, reach))

    def place_of(self, entry: Entry) -> At:
        """Return where an entry lies."""
        return self.parse(entry.ref or "")

    def _check(self, entry: Entry, reach: Reach) -> Checked:
        uri = entry.ref or ""
        place = self.place_of(entry)
        if not is_checked(entry):
            next(self.look(uri, reach, max_objects=MAX_OBJECTS))
            return OK
        client = self._client(reach, place)
        now = self._now(client, place, uri)
        if now is None:
            return Checked(State.MISSING, f"{address(entry)} was deleted{self._kept(client, place, entry)}.")
        seen = compared(entry, now)
        if seen.state is State.OK:
            return seen
        return Checked(State.CHANGED, f"{seen.why[:-1]}{self._kept(client, place, entry)}.", seen.now)

    def _lost(self, client: Any, place: At, entry: Entry) -> NoReturn:
        """Say that there is no object to open; perhaps what was recorded without a look never was one."""
        uri = entry.ref or ""
        if not is_checked(entry) and not place.version and next(self._listed(client, place, ""), None):
            refuse(
                uri,
                "is a prefix, and was recorded without the objects below it (checksum=False): nothing says which of"
                " them are meant. Log a version that adds it with checksum=True, or fetch what lies there now by the"
                " store's own tools",
            )
        raise ReferenceMissing(f"{shown(uri)} is not there any more.", uri=shown(uri), path=entry.path)

    def _kept(self, client: Any, place: At, entry: Entry) -> str:
        """Say what became of the recorded version."""
        there = self._has_recorded(client, place, entry)
        if there is None:
            return ""
        return "; the recorded version is still there" if there else "; the recorded version is gone, too"
