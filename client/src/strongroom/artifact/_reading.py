"""Using a logged artifact: its entries, downloading them, and checking a folder against them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from strongroom.artifact._base import ArtifactBase
from strongroom.core.paths import default_folder
from strongroom.entry import ArtifactManifestEntry
from strongroom.errors import BadAnswer, EntryNotFound, InvalidInput, NotFound
from strongroom.intake import logical_path
from strongroom.manifest import ArtifactManifest
from strongroom.store import EntryStore, Item
from strongroom.transfer import checks, download, manifests

if TYPE_CHECKING:
    from strongroom.artifact import Artifact

StrPath = str | os.PathLike[str]


class Reading(ArtifactBase):
    """The part of an artifact that brings its contents here."""

    def download(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact,
        root: StrPath | None = None,
        allow_missing_references: bool = False,
        skip_cache: bool | None = None,
        path_prefix: StrPath | None = None,
    ) -> str:
        """Download the contents below the folder `root`, and return its path.

        Other files in `root` stay as they are, and so do files that are equal already; delete `root` first to have
        exactly the artifact, or use `checkout`. `allow_missing_references` skips references that cannot be had.
        `skip_cache` neither reads nor fills the local cache. `path_prefix` takes only the files whose path starts
        with it, and warns when there is none. Raises ArtifactNotLoggedError before logging, RuntimeError offline.
        """
        self._logged("a download of it")
        target, prefix = self._root(root), os.fspath(path_prefix or "")
        store = self._whole_or_part(prefix)
        if prefix and next(store.items(prefix), None) is None:
            warnings.warn(
                f"Nothing to download: {self.name!r} has no path that starts with {prefix!r}.", stacklevel=2
            )
        download.download(
            self._server(), self._route(), store, target, label=f"Downloading {self.name}",
            use_cache=not skip_cache, allow_missing_references=allow_missing_references,
            prefix=prefix,
        )  # fmt: skip
        return target

    def checkout(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact, root: StrPath | None = None, skip_cache: bool | None = None
    ) -> str:
        """Make the folder `root` hold the artifact and nothing else: other files in it are deleted.

        They go once everything has arrived; before that only what stands in its way, such as a file
        where the artifact has a folder. `skip_cache` is that of `download`.
        """
        self._logged("a checkout of it")
        target, store = self._root(root, with_version=False), self.manifest.store
        checks.make_way(Path(target), store)
        self.download(target, skip_cache=skip_cache)
        checks.remove_others(Path(target), store)
        return target

    def verify(self: Artifact, root: StrPath | None = None) -> None:  # type: ignore[misc]  # only the whole is ever made
        """Check that the folder `root` has exactly the files of the artifact, and name the first that differs.

        References are not verified. Raises ValueError when the folder differs. Without `root` it is the folder of
        `download`; that of `checkout`, which has no version in its name, is to be given.
        """
        self._logged("a check of it")
        checks.verify(Path(self._root(root)), self.manifest.store, self.name)

    def file(self: Artifact, root: StrPath | None = None) -> str:  # type: ignore[misc]  # only the whole is ever made
        """Download the only file of the artifact below `root`, and return its path.

        Raises ValueError when the artifact has more than one file, or none.
        """
        record = self._logged("a download of it")
        if record.file_count != 1:
            raise InvalidInput(
                f"{self.name!r} has {record.file_count} files, so that `file()` cannot choose;"
                " call download(), or get_entry(path).download()."
            )
        return self._download_item(next(self.manifest.store.items()), root, skip_cache=False)

    def files(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact, names: Iterable[str] | str | None = None, per_page: int = 50
    ) -> ArtifactFiles:
        """Iterate over the files of the artifact, or over those of the given paths, `per_page` of them at a time."""
        self._logged("its list of files")
        if isinstance(names, str):
            names = [names]
        return ArtifactFiles(
            self, None if names is None else [logical_path(name) for name in names], per_page
        )

    def get_entry(self: Artifact, name: StrPath) -> ArtifactManifestEntry:  # type: ignore[misc]  # only the whole is ever made
        """Return the entry at a path. Raises KeyError when there is none."""
        self._logged("its list of entries")
        return self.manifest[logical_path(name)]

    def _root(self, root: StrPath | None, *, with_version: bool = True) -> str:
        if root is not None:
            return os.fspath(root)
        record = self._logged("its folder")
        source = record.source or record.place
        name = source.name if with_version else source.collection
        return os.path.join("artifacts", default_folder(source.entity, source.project, name))

    def _whole_or_part(self: Artifact, prefix: str) -> EntryStore:  # type: ignore[misc]  # only the whole is ever made
        """Return the entries to download: all that are known, or only those below a prefix."""
        if not prefix or self.manifest.is_loaded:
            return self.manifest.store
        record = self._logged("its manifest")
        return manifests.fetch(self._server(), self._route("manifest"), record, prefix=prefix)

    def _remote_manifest(self: Artifact) -> ArtifactManifest:  # type: ignore[misc]  # only the whole is ever made
        record = self._logged("its manifest")

        def load() -> EntryStore:
            store = manifests.fetch(self._server(), self._route("manifest"), record)
            manifests.check(store, record)
            return store

        return ArtifactManifest(self, load, self._remote_item, record.file_count)

    def _remote_item(self, path: str) -> Item:
        try:
            found = self._server().json("GET", self._route("entry"), path=path)
        except NotFound as error:
            raise EntryNotFound(
                f"{self._name!r} has no entry {path!r}; its manifest says which it has."
            ) from error
        item = manifests.parse_entry(found)
        if item.path != path:
            raise BadAnswer(f"The server was asked for {path!r} and answered with {item.path!r}.")
        return item

    def _download_item(self, item: Item, root: StrPath | None, *, skip_cache: bool) -> str:
        """Download a single entry and return its path."""
        target, store = self._root(root), EntryStore()
        store.put([item])
        download.download(
            self._server(),
            self._route(),
            store,
            target,
            label=f"Downloading {item.path}",
            use_cache=not skip_cache,
        )
        return os.path.join(target, *item.path.split("/"))


class ArtifactFiles:
    """The files of an artifact, to be iterated over; read from the server a page at a time where names are given."""

    def __init__(self, artifact: Artifact, names: list[str] | None, per_page: int) -> None:
        if per_page < 1:
            raise InvalidInput(f"per_page is {per_page}, but a page has at least one file.")
        self._artifact, self._names, self._per_page = artifact, names, per_page

    def __iter__(self) -> Iterator[ArtifactManifestEntry]:
        if self._names is None:
            for item in self._artifact.manifest.store.items(page=self._per_page):
                yield ArtifactManifestEntry(self._artifact, item)
            return
        for name in self._names:
            if (entry := self._artifact.manifest.get_entry_by_path(name)) is not None:
                yield entry

    def __getitem__(self, index: int) -> ArtifactManifestEntry:
        at = range(len(self))[index]
        return next(islice(self, at, None))

    def __len__(self) -> int:
        return len(self._artifact.manifest) if self._names is None else sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<ArtifactFiles of {self._artifact.name}>"
