"""What a reference added: a sequence of entries that may be millions, none of them in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

from strongroom.entry import ArtifactManifestEntry
from strongroom.store import EntryStore

if TYPE_CHECKING:
    from strongroom.artifact import Artifact


class AddedEntries(Sequence[ArtifactManifestEntry]):
    """The entries that one call added, in path order, as they were then."""

    def __init__(self, artifact: Artifact, store: EntryStore) -> None:
        self._artifact, self._store = artifact, store
        self._count = store.count()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[ArtifactManifestEntry]:
        return (ArtifactManifestEntry(self._artifact, item) for item in self._store.items())

    @overload
    def __getitem__(self, index: int) -> ArtifactManifestEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[ArtifactManifestEntry]: ...
    def __getitem__(self, index: int | slice) -> ArtifactManifestEntry | list[ArtifactManifestEntry]:
        chosen = range(self._count)[index]
        if isinstance(chosen, range):
            return [self[at] for at in chosen]
        return ArtifactManifestEntry(self._artifact, self._store.at(chosen))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<AddedEntries: {self._count} of {self._artifact.name}>"
