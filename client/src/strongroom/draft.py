"""The contents of an artifact that is not logged yet: its entries, and the copies that protect them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import IO, Any

from strongroom import hashing
from strongroom._files import cache_errors, reason
from strongroom.core.manifest import Entry, check_order
from strongroom.core.paths import check_entry_path
from strongroom.errors import InvalidInput, LocalFileError, PathCollision, PathNotInArtifact
from strongroom.intake import Intake, Policy, check_policy, logical_path, meet, merge, walk
from strongroom.staging import Staging
from strongroom.store import PAGE, EntryStore, Item

Watch = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Left:
    """A reference that is left to the server: it looks there once the draft is logged."""

    uri: str
    name: str = ""
    max_objects: int | None = None
    checksum: bool = True

    def body(self) -> dict[str, Any]:
        """Return what the server is asked."""
        found: dict[str, Any] = {"uri": self.uri, "checksum": self.checksum}
        if self.name:
            found["name"] = self.name
        if self.max_objects is not None:
            found["max_objects"] = self.max_objects
        return found


class Draft:
    """Entries that can still change, and references that become entries at the server."""

    def __init__(self) -> None:
        self.store = EntryStore()
        self.left: list[Left] = []
        self._staging: Staging | None = None

    @property
    def staging(self) -> Staging:
        """The private folder of the draft, made when the first copy needs it."""
        if self._staging is None:
            self._staging = Staging()
        return self._staging

    @property
    def has_staging(self) -> bool:
        """Whether anything was copied."""
        return self._staging is not None

    def close(self) -> None:
        """Remove the staged copies."""
        if self._staging is not None:
            self._staging.close()
            self._staging = None

    def add_file(
        self, local: str, name: str | None, *, is_tmp: bool, skip_cache: bool, policy: Policy, overwrite: bool
    ) -> Item:
        """Add one file."""
        if not os.path.isfile(local):
            raise LocalFileError(_not_here(local) or f"{local!r} is not a file; use add_dir for a folder.")
        path = logical_path(name if name else os.path.basename(local))
        item = self._intake(policy, skip_cache=skip_cache).take(path, local)
        if is_tmp:
            item.path = check_entry_path(_named_by_digest(path, self.md5(item)))
        with self.store.all_or_nothing():
            merge(self.store, [item], overwrite=overwrite, digest_of=self.sha256)
        return item

    def add_dir(
        self, local: str, name: str | None, *, skip_cache: bool, policy: Policy, overwrite: bool
    ) -> None:
        """Add every file of a folder, or none when one of them cannot be added."""
        if not os.path.isdir(local):
            raise LocalFileError(_not_here(local) or f"{local!r} is not a folder; use add_file for a file.")
        prefix = "" if name is None or str(PurePosixPath(name)) == "." else logical_path(name)
        was_empty = self.store.count() == 0
        intake = self._intake(policy, skip_cache=skip_cache)
        try:
            with self.store.all_or_nothing():
                for items in intake.take_all(walk(local, prefix)):
                    # A folder on disk cannot collide with itself, only with what was added before.
                    if was_empty:
                        self.store.put(items)
                    else:
                        merge(self.store, items, overwrite=overwrite, digest_of=self.sha256)
        except OSError as error:
            raise LocalFileError(f"{local} cannot be read: {reason(error)}.") from error

    def add_references(self, entries: Iterable[Entry]) -> EntryStore:
        """Add what a reference expands to, or nothing of it, and return all of it in a store of its own.

        A listing can take long and fail late: until its end, it leaves the draft alone.
        """
        added = EntryStore()
        added.put(Item.from_entry(entry) for entry in entries)
        with self.store.all_or_nothing():
            meet(self.store, added)
            self.store.put(check_order(added.items()))
        return added

    def leave(self, reference: Left) -> None:
        """Leave a reference to the server; once is enough."""
        if reference not in self.left:
            self.left.append(reference)

    @contextmanager
    def new_file(self, name: str, mode: str, encoding: str | None, policy: str | None) -> Iterator[IO]:
        """Open a file in the private folder, and add it when it is closed without an error."""
        check_policy(policy)
        path = logical_path(name)
        if "r" in mode:
            raise InvalidInput(
                f"new_file writes, and mode {mode!r} reads; take 'x' for a new path, 'w' to replace, 'a' to add."
            )
        fresh = "x" in mode
        if fresh and self.store.get(path) is not None:
            raise PathCollision(f"The artifact has {path!r} already; open it with mode 'w' to replace it.")
        with cache_errors():
            local = self._place_for(path)
            if "a" in mode:
                self._copy(path, local)
            file = open(local, mode, encoding=encoding)  # noqa: SIM115  # closed below, where its errors are ours to explain
        with file:
            yield file
            with cache_errors():
                file.close()  # what is buffered still may find the disk full
        # The file is private already, so it needs no second copy.
        item = self._intake("immutable", skip_cache=True).take(path, str(local))
        with self.store.all_or_nothing():
            merge(self.store, [item], overwrite=not fresh, digest_of=self.sha256)

    def _place_for(self, path: str) -> Path:
        """Return where a new private file lies: never where an entry's bytes do, which an error would leave torn."""
        above = self.staging.folder / "new"
        above.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=above)) / PurePosixPath(path).name

    def _copy(self, path: str, local: Path) -> None:
        """Begin a file that is to be added to with what its entry holds."""
        item = self.store.get(path)
        if item is None:
            return
        if not item.is_local:
            where = "elsewhere, for it is a reference" if item.ref else "on the server"
            raise InvalidInput(f"The bytes of {path!r} are {where}; open it with mode 'w' to replace it.")
        with hashing.open_item(item, self._staging) as held, open(local, "xb") as file:
            shutil.copyfileobj(held, file)

    def remove(self, path: str) -> None:
        """Remove an entry, or everything in a folder."""
        path = logical_path(path)
        kept = [each for each in self.left if not f"{each.name}/".startswith(f"{path}/")]
        left, self.left = self.left, kept
        if not self.store.remove(path) and len(kept) == len(left):
            raise PathNotInArtifact(f"The artifact has neither an entry nor a folder {path!r}.")

    def sha256(self, item: Item) -> bytes:
        """Return the SHA-256 of an item's bytes."""
        if item.sha256 is None:
            item.sha256 = hashing.digest(item, self._staging, "sha256")
        return item.sha256

    def md5(self, item: Item) -> bytes:
        """Return the MD5 of an item's bytes."""
        if item.md5 is None:
            item.md5 = hashing.digest(item, self._staging, "md5")
        return item.md5

    def fill_md5(self) -> None:
        """Compute every MD5 that is not known yet."""
        found = hashing.digest_all(self.store.without_md5(), self._staging, "md5")
        while page := list(islice(found, PAGE)):
            self.store.set_digests((None, md5, item.path) for item, md5 in page)

    def fill_sha256(self, watch: Watch) -> None:
        """Compute every SHA-256 that is not known yet."""
        found = hashing.digest_all(self.store.without_sha256(), self._staging, "sha256", watch)
        while page := list(islice(found, PAGE)):
            self.store.set_digests((sha256, None, item.path) for item, sha256 in page)

    def _intake(self, policy: Policy, *, skip_cache: bool) -> Intake:
        return Intake(self.staging if policy == "mutable" else None, skip_cache=skip_cache)


def _not_here(local: str) -> str | None:
    if os.path.lexists(local):
        return None if os.path.exists(local) else f"{local!r} is a link to nothing; mend it, or name a file."
    return f"There is no {local!r} on this machine; check the path."


def _named_by_digest(path: str, md5: bytes) -> str:
    """Return the path with its stem replaced by a digest, as the `wandb` client names temporary files."""
    folder, _, name = path.rpartition("/")
    parts = name.split(".")
    parts[0] = md5.hex()[:20]
    return f"{folder}/{'.'.join(parts)}" if folder else ".".join(parts)
