"""References to entries of other artifacts: their files are fetched as those artifacts' own are, many to a request."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from strongroom._http import Session
from strongroom.core.entries import Entry
from strongroom.core.references import kind_of
from strongroom.core.references.artifacts import Artifacts, Place, followed
from strongroom.errors import EntryNotFound, Forbidden, Gone, NotFound, ReferenceChanged, StrongroomError
from strongroom.reach import ClientReach
from strongroom.store import EntryStore, Item
from strongroom.transfer import manifests
from strongroom.transfer.placing import Group

# From so many entries of one artifact on, its manifest costs less than asking for each.
MANIFEST_FROM = 50
_KEPT_MANIFESTS = 8
_NOT_HAD = (Forbidden, Gone, NotFound)


@dataclass(slots=True)
class Sorted:
    """Files of other artifacts by the address of their version, references to the outside, and what is not there."""

    groups: dict[str, dict[bytes, Group]] = field(default_factory=lambda: defaultdict(dict))
    outside: list[Item] = field(default_factory=list)
    lost: list[tuple[Item, StrongroomError]] = field(default_factory=list)


class Elsewhere:
    """Looks up entries of other artifacts."""

    def __init__(self, session: Session, reach: ClientReach) -> None:
        self._session, self._reach = session, reach
        self._manifests: dict[str, EntryStore] = {}

    def sort(self, items: list[Item]) -> Sorted:
        """Sort references by where their bytes are had."""
        found = Sorted()
        by_artifact: dict[str, list[tuple[Item, Place]]] = defaultdict(list)
        for item in items:
            if kind_of(item.ref or "") == "artifact":
                place = Artifacts().parse(item.ref or "")
                by_artifact[place.artifact_id].append((item, place))
            else:
                found.outside.append(item)
        for artifact_id, some in by_artifact.items():
            self._sort_one(found, artifact_id, some)
        return found

    def _sort_one(self, found: Sorted, artifact_id: str, some: list[tuple[Item, Place]]) -> None:
        try:
            self._reach.record(artifact_id)
        except _NOT_HAD as error:  # once, not for each of its entries
            found.lost += [(item, error) for item, _ in some]
            return
        look_up = self._looker(artifact_id, len(some))
        for item, place in some:
            try:
                self._put(found, item, place, look_up)
            except (*_NOT_HAD, ReferenceChanged) as error:
                found.lost.append((item, error))

    def _put(self, found: Sorted, item: Item, place: Place, look_up: Callable[[Place], Entry]) -> None:
        entry = look_up(place)
        if entry.ref is not None and kind_of(entry.ref) == "artifact":
            place, entry = followed(entry.ref, self._reach)
        if item.digest not in (entry.digest, item.ref):
            raise ReferenceChanged(
                f"{item.ref} has the digest {entry.digest}, and not {item.digest}, which was recorded."
            )
        there = Item.from_entry(entry)
        if there.ref is not None:
            there.path = item.path
            found.outside.append(there)
            return
        groups = found.groups[self._reach.where(place.artifact_id)]
        groups.setdefault(there.sha256 or b"", Group(there, [])).paths.append(item.path)

    def _looker(self, artifact_id: str, count: int) -> Callable[[Place], Entry]:
        """Return what looks an entry up: in the whole manifest where many are wanted, else at the server."""

        def in_manifest(place: Place) -> Entry:
            item = self._manifest(artifact_id).get(place.path)
            if item is None:
                raise EntryNotFound(f"{place.uri} is not there.")
            return item.to_entry()

        def at_server(place: Place) -> Entry:
            return self._reach.artifact(place.artifact_id, place.path)

        return in_manifest if count >= MANIFEST_FROM or artifact_id in self._manifests else at_server

    def _manifest(self, artifact_id: str) -> EntryStore:
        if artifact_id not in self._manifests:
            record, address = self._reach.record(artifact_id), f"{self._reach.where(artifact_id)}/manifest"
            if len(self._manifests) >= _KEPT_MANIFESTS:
                del self._manifests[next(iter(self._manifests))]
            self._manifests[artifact_id] = manifests.fetch(self._session, address, record)
        return self._manifests[artifact_id]
