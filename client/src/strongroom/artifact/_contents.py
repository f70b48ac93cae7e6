"""Filling an artifact: files, folders, new files, and taking them out again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Literal

from strongroom.added import AddedEntries
from strongroom.artifact._base import ArtifactBase
from strongroom.core.manifest import Entry
from strongroom.core.references import expand
from strongroom.core.text import shown
from strongroom.draft import Left
from strongroom.entry import ArtifactManifestEntry
from strongroom.intake import check_policy, logical_path
from strongroom.manifest import ArtifactManifest
from strongroom.progress import Counter
from strongroom.reach import ClientReach
from strongroom.store import EntryStore, Item

if TYPE_CHECKING:
    from strongroom.artifact import Artifact

PolicyName = Literal["mutable", "immutable"]


class Contents(ArtifactBase):
    """The part of an artifact that changes until it is finalized."""

    def add_file(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        is_tmp: bool | None = False,
        skip_cache: bool | None = False,
        policy: PolicyName | None = "mutable",
        overwrite: bool = False,
    ) -> ArtifactManifestEntry:
        """Add a local file at the path `name`, by default its own name, and return its entry.

        `is_tmp` renames it by its digest, so that temporary names do not collide. The policy "mutable"
        copies the file first, so that changing it before it is uploaded does no harm; "immutable" trusts
        you to leave it alone. `skip_cache` keeps its bytes out of the local cache, to which logging gives
        only the copies of "mutable" files above 1 MiB. `overwrite` replaces an entry of the same path.
        Raises ArtifactFinalizedError when the contents are final.
        """
        item = self._open_draft().add_file(
            os.fspath(local_path), name, is_tmp=bool(is_tmp), skip_cache=bool(skip_cache),
            policy=check_policy(policy), overwrite=overwrite,
        )  # fmt: skip
        return ArtifactManifestEntry(self, item)

    def add_dir(
        self,
        local_path: str | os.PathLike[str],
        name: str | None = None,
        skip_cache: bool | None = False,
        policy: PolicyName | None = "mutable",
        merge: bool = False,
    ) -> None:
        """Add every file of a local folder below the folder `name`, by default the root of the artifact.

        `skip_cache` and `policy` are those of `add_file`. With `merge`, files replace entries of the same
        path; without it, other contents at a path that is taken are refused, and nothing is added.
        Raises ArtifactFinalizedError when the contents are final.
        """
        self._open_draft().add_dir(
            os.fspath(local_path),
            name,
            skip_cache=bool(skip_cache),
            policy=check_policy(policy),
            overwrite=merge,
        )

    def add_reference(  # type: ignore[misc]  # only the whole is ever made
        self: Artifact,
        uri: ArtifactManifestEntry | str,
        name: str | os.PathLike[str] | None = None,
        checksum: bool = True,
        max_objects: int | None = None,
        *,
        by_server: bool = False,
    ) -> Sequence[ArtifactManifestEntry]:
        """Add what a URI names without uploading it, and return the entries that were added.

        http(s): size and digest are Content-Length and ETag. s3, gs and Azure's blobs
        (https://ACCOUNT.blob.core.windows.net): those of the object, and its version where the bucket keeps
        versions. file: size and MD5. Any other scheme: the digest is the URI, there is no size, and `name` is
        needed. `uri` may also be what `Artifact.get_entry` returns: a reference to another artifact's entry.

        `name` is the path inside the artifact, by default the last part of the URI; of a bucket's prefix or a
        folder it is the folder that the objects below come into, by default the root. With `checksum=False`
        nothing is looked at: one entry, whose digest is the URI. `max_objects` limits what a prefix or folder
        may hold (10,000,000 by default). All of it is added, or nothing. Raises ArtifactFinalizedError when the
        contents are final, ValueError for what is no URI.

        With `by_server`, which only this client has, the server looks there, when the artifact is logged and as far
        as its operator lets it: no entry is added by now, and logging returns when all is found.
        """
        draft = self._open_draft()
        if isinstance(uri, ArtifactManifestEntry):
            address, session = uri.ref_url(), uri.parent_artifact()._session
        else:
            address, session = uri, self._session
        folder = None if name is None or str(PurePosixPath(name)) == "." else logical_path(name)
        found = expand(
            address, folder, checksum=checksum, max_objects=max_objects, reach=ClientReach(session)
        )
        if by_server and checksum:
            draft.leave(Left(address, folder or "", max_objects))
            return AddedEntries(self, EntryStore())
        with Counter(f"Adding {shown(address, 60)}", "objects") as counter:
            return AddedEntries(self, draft.add_references(_counted(found, counter)))

    @contextmanager
    def new_file(
        self, name: str, mode: str = "x", encoding: str | None = None, policy: PolicyName | None = "mutable"
    ) -> Iterator[IO]:
        """Open a new file, which is added at the path `name` once it is closed.

        Mode "x" refuses a path that is taken, "w" replaces it, "a" adds to it; with "b", the file takes bytes.
        The entry changes only when the file is closed without an error. The file lies in a private folder and
        needs no protection, whatever the policy. Raises ArtifactFinalizedError when the contents are final.
        """
        with self._open_draft().new_file(name, mode, encoding, policy) as file:
            yield file

    def remove(self, item: str | os.PathLike[str] | ArtifactManifestEntry) -> None:
        """Remove an entry, or, by the path of a folder, everything in it.

        Raises ArtifactFinalizedError when the contents are final, FileNotFoundError when there is no such path.
        """
        path = item.path if isinstance(item, ArtifactManifestEntry) else os.fspath(item)
        self._open_draft().remove(path)

    def finalize(self) -> None:
        """Make the contents final; logging does so by itself."""
        self._final = True

    def is_draft(self) -> bool:
        """Tell whether the artifact is not logged yet."""
        return self._record is None

    @property
    def manifest(self: Artifact) -> ArtifactManifest:  # type: ignore[misc]  # only the whole is ever made
        """All contents, as a mapping from path to entry; final once the artifact is logged."""
        if self._manifest is None:
            draft = self._draft
            self._manifest = (
                self._remote_manifest() if draft is None else ArtifactManifest(self, lambda: draft.store)
            )
        return self._manifest

    def _known(self: Artifact, what: str) -> ArtifactManifest:  # type: ignore[misc]  # only the whole is ever made
        """Return the contents, unless some of them are known to nobody yet."""
        if self._draft is not None and self._draft.left:
            self._logged(f"{what}, with references that the server is to look at,")
        return self.manifest

    def _fill_md5(self) -> None:
        """Make sure that every entry has its MD5; those of a logged artifact have."""
        if self._draft is not None:
            self._draft.fill_md5()

    def _md5(self: Artifact, item: Item) -> bytes:  # type: ignore[misc]  # only the whole is ever made
        """Return the MD5 of one entry."""
        if self._draft is not None:
            return self._draft.md5(item)
        logged = self._remote_item(item.path)
        return logged.md5 or b""


def _counted(entries: Iterator[Entry], counter: Counter) -> Iterator[Entry]:
    for entry in entries:
        counter.add(entry.size)
        yield entry
