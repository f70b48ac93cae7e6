"""The manifest of an artifact as a mapping from path to entry, read from the server only as far as it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from strongroom.core.digests import ManifestDigest
from strongroom.core.manifest import write_wandb
from strongroom.entry import ArtifactManifestEntry
from strongroom.errors import EntryNotFound
from strongroom.store import EntryStore, Item

if TYPE_CHECKING:
    from strongroom.artifact import Artifact


class ArtifactManifest(Mapping[str, ArtifactManifestEntry]):
    """All entries of an artifact, by path and in path order; nothing holds them all in memory."""

    def __init__(
        self, artifact: Artifact, load: Callable[[], EntryStore], look_up: Callable[[str], Item] | None = None,
        count: int | None = None,
    ) -> None:  # fmt: skip
        self._artifact = artifact
        self._load = load
        self._look_up = look_up
        self._count = count
        self._loaded: EntryStore | None = None

    @property
    def store(self) -> EntryStore:
        """The entries on this machine, fetched when they are not here yet."""
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    @property
    def is_loaded(self) -> bool:
        """Whether all entries are on this machine."""
        return self._loaded is not None or self._look_up is None

    @property
    def entries(self) -> ArtifactManifest:
        """The entries by path: the manifest itself."""
        return self

    def __getitem__(self, path: str) -> ArtifactManifestEntry:
        if not isinstance(path, str):
            raise KeyError(path)
        # A single look-up asks for a single entry, unless all are here anyway.
        item = self._look_up(path) if self._look_up and self._loaded is None else self.store.need(path)
        return ArtifactManifestEntry(self._artifact, item)

    def __iter__(self) -> Iterator[str]:
        return (item.path for item in self.store.items())

    def __len__(self) -> int:
        return self._count if self._count is not None else self.store.count()

    def __repr__(self) -> str:
        return f"<ArtifactManifest of {self._artifact.name}>"

    def __contains__(self, path: object) -> bool:
        try:
            self[path]  # type: ignore[index]
        except KeyError:
            return False
        return True

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def get_entry_by_path(self, path: str) -> ArtifactManifestEntry | None:
        """Return the entry at a path, or None."""
        try:
            return self[path]
        except EntryNotFound:
            return None

    def get_entries_in_directory(self, directory: str) -> list[ArtifactManifestEntry]:
        """Return all entries below a folder."""
        folder = directory.strip("/")
        items = self.store.items(f"{folder}/" if folder else "")
        return [ArtifactManifestEntry(self._artifact, item) for item in items]

    def digest(self) -> str:
        """Return the logical digest: the hex MD5 over all paths and digests."""
        self._artifact._fill_md5()
        computed = ManifestDigest()
        for entry in self.store.entries():
            computed.add(entry.path, entry.digest or "")
        return computed.hexdigest()

    def size(self) -> int:
        """Return the bytes of all entries, references included."""
        return self.store.size()

    def to_json(self) -> Iterator[bytes]:
        """Iterate over the JSON form that the `wandb` client reads and writes, in pieces."""
        self._artifact._fill_md5()
        return write_wandb(self.store.entries())
