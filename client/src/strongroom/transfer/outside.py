"""Fetching one reference from outside: compared with what was recorded, and gone on with where it broke off."""

from __future__ import annotations

import binascii
import hashlib
import json
import re
import stat

from strongroom._retry import Patience
from strongroom.core.references import Stream, is_checked, kind_of, open_reference, vouches
from strongroom.core.references.looking import changed
from strongroom.errors import ReferenceChanged, ReferenceMissing, ReferenceUnreachable
from strongroom.reach import ClientReach
from strongroom.staging import SMALL
from strongroom.store import Item
from strongroom.transfer.bundles import Watch
from strongroom.transfer.checks import digest_descriptor
from strongroom.transfer.fetch import Partial
from strongroom.transfer.placing import Group, Placer

RECEIVED = 512 << 10
# How long to go on after a connection broke in the middle; one that never came to be is not tried again here.
LIMIT = 30.0
_MD5_HEX = re.compile(r"[0-9a-f]{32}")


class Outside:
    """Brings one reference below the root."""

    def __init__(self, item: Item, reach: ClientReach, placer: Placer, watch: Watch, *, look: bool) -> None:
        self._item, self._entry = item, item.to_entry()
        self._reach, self._placer, self._watch, self._look = reach, placer, watch, look
        self._size = item.size if is_checked(self._entry) else None
        # What was recorded, as one digest, where it vouches for each byte.
        self._key = _key(item) if vouches(self._entry) else None

    def bring(self) -> None:
        """Leave what is there, copy what the cache has, fetch the rest."""
        if self._is_had():
            self._watch(self._size or 0)
        elif self._size is not None and self._size <= SMALL:
            self._fetch_small(self._size)
        else:
            self._fetch_large()

    def _is_had(self) -> bool:
        cache = self._placer.cache
        known = cache.known(self._key) if cache is not None and self._key is not None else None
        if known is not None:
            sha256, size = known
            group = Group(Item(self._item.path, size, sha256), [self._item.path])
            return self._placer.settle(group)
        return self._look and self._lies_there()

    def _lies_there(self) -> bool:
        """Tell whether the file is in place, by the MD5 that was recorded, where it is one."""
        md5, tree, path = _md5_of(self._item), self._placer.tree(), self._item.path
        found = tree.look(path) if md5 is not None else None
        if found is None or not stat.S_ISREG(found.st_mode) or found.st_size != self._size:
            return False
        return digest_descriptor(tree.open_existing(path), "md5") == md5

    def _fetch_small(self, size: int) -> None:
        """Fetch a file that is written at once."""
        patience, begun = Patience(LIMIT), False
        while True:
            try:
                with open_reference(self._entry, self._reach) as stream:
                    begun = True
                    data = _read(stream, size + 1)
                break
            except ReferenceUnreachable as error:
                if not begun:
                    raise
                patience.wait(error)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if len(data) != size or stream.md5 not in (None, md5):
            self._refuse(stream, md5, len(data))
        self._placer.tree().write(self._item.path, data)
        self._watch(size)
        self._keep(hashlib.sha256(data).digest(), size)

    def _fetch_large(self) -> None:
        """Fetch a file that grows under a temporary name, which a later try finds again."""
        tree, path = self._placer.tree(), self._item.path
        partial = Partial(tree, path, None if self._key is None else self._key.hex()[:32], self._size)
        is_kept = self._key is not None
        try:
            growing = self._grown(partial)
            tree.rename(partial.where, path)
            is_kept = True
        except (ReferenceChanged, ReferenceMissing):
            is_kept = False
            raise
        finally:
            if not is_kept:
                partial.discard()
            partial.close()
        self._keep(growing.sha256.digest(), partial.size)

    def _grown(self, partial: Partial) -> _Growing:
        """Receive the whole, going on with what an earlier process left, and check it."""
        # A whole one has nothing left to ask for, and one from before the machine went down may hold holes.
        if partial.size == self._size or partial.is_older_than_boot():
            partial.restart()
        goes_on = partial.size > 0
        growing = _Growing(partial, self._watch)
        stream = self._receive(growing)
        if goes_on and stream.md5 not in (None, growing.md5.hexdigest()):
            growing.restart()  # what was left was damaged
            stream = self._receive(growing)
        if stream.md5 not in (None, growing.md5.hexdigest()):
            self._refuse(stream, growing.md5.hexdigest(), partial.size)
        return growing

    def _receive(self, growing: _Growing) -> Stream:
        """Receive what is lacking."""
        patience, begun = Patience(LIMIT), False
        while True:
            before = growing.size
            try:
                with open_reference(self._entry, self._reach, growing.size) as stream:
                    begun = True
                    whole = stream.size if self._size is None else self._size
                    while block := stream.read(RECEIVED):
                        if whole is not None and growing.size + len(block) > whole:
                            self._refuse(stream, None, growing.size + len(block))
                        growing.add(block)
                if whole is not None and growing.size < whole:
                    raise ReferenceUnreachable(f"{self._item.ref} sent only a part of its bytes. Try again.")
                return stream
            except ReferenceUnreachable as error:
                if not begun:
                    raise
                if growing.size > before:
                    patience.progress()
                if self._key is None:
                    growing.restart()  # nothing vouches that what comes next belongs to what came before
                patience.wait(error)

    def _refuse(self, stream: Stream, md5: str | None, size: int) -> None:
        recorded = stream.size if self._size is None else self._size
        if size != recorded:
            changed(self._entry, f"gave {size} bytes instead of {recorded}", md5, size)
        changed(self._entry, f"gave bytes with the MD5 {md5} instead of {stream.md5}", md5, size)

    def _keep(self, sha256: bytes, size: int) -> None:
        """Let the cache have what was placed, where its digest stands for the bytes."""
        if self._placer.cache is not None and self._key is not None:
            self._placer.keep(Group(Item(self._item.path, size, sha256), [self._item.path]))
            self._placer.cache.note(self._key, sha256, size)


class _Growing:
    """A partial file and the digests of what is in it."""

    def __init__(self, partial: Partial, watch: Watch) -> None:
        self._partial, self._watch = partial, watch
        self._begin()
        with partial.reading() as file:
            file.seek(0)
            while block := file.read(RECEIVED):
                self._hash(block)
        watch(partial.size)

    @property
    def size(self) -> int:
        """How many bytes are there."""
        return self._partial.size

    def _begin(self) -> None:
        self.md5, self.sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()

    def _hash(self, block: bytes) -> None:
        self.md5.update(block)
        self.sha256.update(block)

    def add(self, block: bytes) -> None:
        """Write the next bytes."""
        self._partial.append(block)
        self._hash(block)
        self._watch(len(block))

    def restart(self) -> None:
        """Begin from nothing."""
        self._watch(-self._partial.size)
        self._partial.restart()
        self._begin()


def _read(stream: Stream, amount: int) -> bytes:
    found = b""
    while len(found) < amount and (more := stream.read(amount - len(found))):
        found += more
    return found


def _key(item: Item) -> bytes:
    known = json.dumps([item.ref, item.digest, item.size, item.extra])
    return hashlib.sha256(b"reference\n" + known.encode("utf-8", "surrogatepass")).digest()


def _md5_of(item: Item) -> bytes | None:
    """Return the MD5 that a digest is: always that of a local file, perhaps that of an object of S3."""
    kind, digest = kind_of(item.ref or ""), item.digest or ""
    if kind == "file":
        try:
            return binascii.a2b_base64(digest)
        except ValueError:
            return None
    return bytes.fromhex(digest) if kind == "s3" and _MD5_HEX.fullmatch(digest) else None
