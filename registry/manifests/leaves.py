"""Leaves of the tree of entries: what an entry is made of, column by column."""

from __future__ import annotations

import json
from array import array
from binascii import b2a_base64
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import repeat
from typing import Any

from strongroom.core.manifest import Entry

from registry.manifests.framing import (
    ENTRIES,
    BrokenNode,
    Encoded,
    Frame,
    open_raw,
    pack_numbers,
    pack_text,
    read_head,
    read_numbers,
    unpack_numbers,
    unpack_text,
)
from registry.manifests.nodes import DIGEST, slices

MD5 = 16
# Stands where a reference has no SHA-256; no blob may claim it.
NO_DIGEST = bytes(DIGEST)
NO_MD5 = bytes(MD5)
# A reference may have no size; no entry has this one.
NO_SIZE = (1 << 64) - 1
# What an entry costs a leaf beside its path and what is rare: size, digest, separator.
FIXED_WEIGHT = 8 + DIGEST + 1


class LeafDraft:
    """Entries of one leaf to be, and beside them what is not part of its identity: the claimed MD5s."""

    __slots__ = (
        "_rare_at",
        "_rare_lines",
        "claims",
        "count",
        "first",
        "last",
        "paths",
        "shas",
        "sizes",
        "total",
    )

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.sizes: list[int] = []
        self.shas: list[bytes] = []
        # What the client says the MD5 is: `None` where it doesn't, zeros for a reference, which has none.
        self.claims: list[bytes | None] = []
        self._rare_at: list[int] = []
        self._rare_lines: list[str] = []
        self.count = self.total = 0
        self.first = self.last = ""

    def append(self, item: tuple[str, int | None, bytes, bytes | None, str]) -> None:
        path, size, sha, claim, rare = item
        if rare:
            self._rare_at.append(self.count)
            self._rare_lines.append(rare)
        self.paths.append(path)
        self.sizes.append(NO_SIZE if size is None else size)
        self.shas.append(sha)
        self.claims.append(claim)
        self.count += 1
        self.total += size or 0
        if self.count == 1:
            self.first = path
        self.last = path

    def encode(self, level: int) -> Encoded:
        columns = [
            pack_text(self.paths),
            pack_numbers(self.sizes),
            pack_numbers(self._rare_at, "I"),
            pack_text(self._rare_lines),
            b"".join(self.shas),
        ]
        return Encoded(ENTRIES, level, self.count, columns)

    def reference_digest(self, at: int) -> str:
        """Return the digest that a reference brought along."""
        _ref, digest, _extra = json.loads(self._rare_lines[bisect_left(self._rare_at, at)])
        return str(digest)


def rare_line(entry: Entry) -> str:
    """Spell what few entries have, in the one way that there is: it is part of the identity."""
    if entry.ref is None and not entry.extra:
        return ""
    values = [entry.ref, entry.digest if entry.ref is not None else None, entry.extra or None]
    return json.dumps(values, sort_keys=True, separators=(",", ":"), allow_nan=False)


def contents_of(stored: bytes, digest: bytes) -> dict[bytes, int]:
    """Return the size of each blob of a stored leaf by its digest; references stand under `NO_DIGEST`.

    No `Leaf` is made of it: for who reads very many, each once. A node of another kind has no contents.
    """
    raw = open_raw(stored, digest)
    kind, level, count, at, lengths = read_head(raw)
    if kind != ENTRIES or level:
        return {}
    if len(lengths) != 5:
        raise BrokenNode("it is not a leaf")
    view, start = memoryview(raw), at + lengths[0]
    shas = slices(view[len(raw) - lengths[4] :], DIGEST, count)
    return dict(zip(shas, read_numbers(view[start : start + lengths[1]], count), strict=True))


class Leaf:
    """Entries of one leaf; each column is decoded when it is first asked for."""

    def __init__(self, frame: Frame) -> None:
        if len(frame.columns) != 5 or frame.level != 0:
            raise BrokenNode("it is not a leaf")
        self._frame = frame
        self.sha256 = frame.digest
        self.count = frame.count
        # Derived, hence no part of the node: set by who reads it, when all its bytes are present.
        self.md5s: bytes | None = None

    @cached_property
    def paths(self) -> list[str]:
        return unpack_text(self._frame.columns[0], self.count)

    @cached_property
    def sizes(self) -> array[int]:
        return unpack_numbers(self._frame.columns[1], self.count)

    @cached_property
    def shas(self) -> bytes:
        """All digests in one run: 32 bytes an entry, zeros for a reference."""
        return bytes(self._frame.columns[4])

    @cached_property
    def _rare(self) -> dict[int, str]:
        at, lines = self._frame.columns[2:4]
        where = unpack_numbers(at, len(at) // 4, "I")
        return dict(zip(where, unpack_text(lines, len(where)), strict=True))

    def sha(self, at: int) -> bytes:
        return self.shas[at * DIGEST : (at + 1) * DIGEST]

    def rare(self, at: int) -> tuple[str | None, str | None, dict[str, Any] | None]:
        """Return the reference, its digest and the extra of one entry, mostly three times nothing."""
        line = self._rare.get(at)
        if line is None:
            return None, None, None
        ref, digest, extra = json.loads(line)
        return ref, digest, extra

    def size(self, at: int) -> int | None:
        size = self.sizes[at]
        return None if size == NO_SIZE else size

    def blobs(self) -> Sequence[bytes]:
        """Return the digest of each entry, `NO_DIGEST` for one whose bytes are not ours to keep."""
        return slices(self._frame.columns[4], DIGEST, self.count)

    def contents(self) -> dict[bytes, int]:
        """Return what `contents_of` does."""
        return dict(zip(self.blobs(), self.sizes, strict=True))

    def differences(self, at: int, other: Leaf, there: int, length: int) -> list[int]:
        """Return where two runs of entries, known to have the same paths, are not the same in all else."""
        ours, theirs = self._identities(at, length), other._identities(there, length)
        return [offset for offset in range(length) if ours[offset] != theirs[offset]]

    def _identities(self, at: int, length: int) -> list[tuple[bytes, int, str | None]]:
        shas = slices(self.shas[at * DIGEST : (at + length) * DIGEST], DIGEST, length)
        rare = map(self._rare.get, range(at, at + length)) if self._rare else repeat(None, length)
        return list(zip(shas, self.sizes[at : at + length], rare, strict=True))

    def digest(self, at: int) -> str | None:
        """Return the `wandb` digest of an entry: base64 of the MD5, or what the reference brought."""
        ref, digest, _extra = self.rare(at)
        if ref is not None:
            return digest
        if self.md5s is None:
            return None
        return md5_text(self.md5s[at * MD5 : (at + 1) * MD5])

    def entry(self, at: int) -> Entry:
        ref, _digest, extra = self.rare(at)
        sha256 = None if ref is not None else self.sha(at).hex()
        return Entry(self.paths[at], self.digest(at), self.size(at), sha256, ref, extra)

    def entries(self, start: int, stop: int) -> Iterator[Entry]:
        """Give a run of entries; most are plain, and made without looking at the rare columns."""
        hexes, md5s, paths, sizes, rare = self.shas.hex(), self.md5s, self.paths, self.sizes, self._rare
        for at in range(start, stop):
            if at in rare:
                yield self.entry(at)
                continue
            digest = None if md5s is None else md5_text(md5s[at * MD5 : (at + 1) * MD5])
            yield Entry(paths[at], digest, sizes[at], hexes[at * 64 : (at + 1) * 64], None, None)

    def find(self, path: str) -> int | None:
        at = bisect_left(self.paths, path)
        return at if at < self.count and self.paths[at] == path else None

    def first_without(self, prefix: str, start: int) -> int:
        """Return where the run of paths with the prefix ends that begins at `start`."""
        paths = self.paths
        if start == self.count or paths[-1].startswith(prefix):
            return self.count
        return bisect_left(paths, True, start, key=lambda path: not path.startswith(prefix))

    def after(self, path: str) -> int:
        return bisect_right(self.paths, path)

    def since(self, path: str) -> int:
        return bisect_left(self.paths, path)


def md5_text(md5: bytes) -> str:
    return b2a_base64(md5, newline=False).decode()
