"""Harm what lies in a store, as disks and people do, and say which versions and paths that touches."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry import manifests
from registry.manifests.nodes import Index
from registry.manifests.source import StoredNodes
from registry.manifests.walk import root_ref
from registry.models import Blob, Chunk, Membership, StoredObject, Version
from registry.storage import backends

KINDS = ("bit", "truncated", "missing", "zeroed", "swapped")


@dataclass
class Harm:
    """One damage: the digests that it hits, and the (version, path) pairs that must be named for it."""

    kind: str
    digests: set[str] = field(default_factory=set)
    # Of each content, all pairs of version and path; of each node, the versions that have it, without paths.
    pairs: dict[str, set[tuple[str, str]]] = field(default_factory=dict)


def path_of(name: str) -> Path:
    found = backends.current().local_path(name)
    assert found is not None
    return found


@contextmanager
def as_file(name: str) -> Iterator[Path]:
    """Give an object as a file to be harmed; one in a bucket is fetched, and put back as it is then."""
    backend = backends.current()
    if (path := backend.local_path(name)) is not None:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder, backend.open(name) as opened:
        path = Path(folder) / "object"
        path.write_bytes(opened.read())
        yield path
        if path.exists():
            backend.adopt(path, name)
        else:
            backend.delete(name)


def uses() -> dict[str, set[tuple[str, str]]]:
    """Return the (version, path) pairs of each content, read from the manifests before anything is harmed."""
    found: dict[str, set[tuple[str, str]]] = {}
    for version, name in versions():
        for entry in manifests.entries(version.manifest):
            if entry.sha256:
                found.setdefault(entry.sha256, set()).add((name, entry.path))
    return found


def holders() -> dict[str, set[tuple[str, str]]]:
    """Return the versions that have each node."""
    found: dict[str, set[tuple[str, str]]] = {}
    for version, name in versions():
        scope = version.manifest.scope_id
        waiting = [root_ref(version.manifest.root), root_ref(version.manifest.folders_root)]
        while waiting:
            ref = waiting.pop()
            found.setdefault(ref.digest.hex(), set()).add((name, ""))
            node = StoredNodes(scope).get(ref)
            waiting += node.refs if isinstance(node, Index) else []
    return found


def versions() -> Iterator[tuple[Version, str]]:
    for version in Version.objects.filter(purged_at=None, manifest__isnull=False):
        place = Membership.objects.get(version=version, collection=version.sequence)
        trashed = " (in the trash)" if version.state == "DELETED" else ""
        yield version, f"{place.qualified_name}{trashed}"


def flip(path: Path, at: int, dice: random.Random) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ (1 << dice.randrange(8))]))


def write(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def read(path: Path, at: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(at)
        return file.read(size)


class Harmer:
    """Harms objects that were not harmed before, so that each damage is found by itself.

    Contents or nodes: where a node is lost, nobody can say which contents it named.
    """

    def __init__(self, seed: int, what: str = "blobs") -> None:
        self.dice = random.Random(seed)
        self.uses = uses() if what == "blobs" else holders()
        self._what = what
        self._left = list(StoredObject.objects.order_by("pk"))
        self.dice.shuffle(self._left)

    def harm(self, kind: str) -> Harm:
        """Do one damage of a kind to an object that allows it."""
        for at, stored in enumerate(self._left):
            solid = [piece for piece in getattr(stored, self._what).order_by("pk") if length_of(piece) > 0]
            if len(solid) >= (2 if kind == "swapped" else 1):
                hit = self._do(kind, stored, solid)
                if hit:
                    del self._left[at]
                    return self._told(kind, hit)
        raise AssertionError(f"There is nothing left to be {kind}.")

    def _do(self, kind: str, stored: StoredObject, pieces: list[Blob | Chunk]) -> list[Blob | Chunk]:
        with as_file(stored.name) as path:
            return self._harm(kind, path, pieces)

    def _harm(self, kind: str, path: Path, pieces: list[Blob | Chunk]) -> list[Blob | Chunk]:
        one = self.dice.choice(pieces)
        at, size = one.offset, length_of(one)
        if kind == "bit":
            flip(path, at + self.dice.randrange(size), self.dice)
        elif kind == "truncated":
            os.truncate(path, at + self.dice.randrange(size))
            return [piece for piece in pieces if piece.offset + length_of(piece) > path.stat().st_size]
        elif kind == "missing":
            path.unlink()
            return pieces
        elif kind == "zeroed":
            if not any(read(path, at, size)):
                return []
            write(path, at, bytes(size))
        else:
            return self._swap(path, pieces)
        return [one]

    def _swap(self, path: Path, pieces: list[Blob | Chunk]) -> list[Blob | Chunk]:
        one, other = self.dice.sample(pieces, 2)
        size = min(length_of(one), length_of(other))
        first, second = read(path, one.offset, size), read(path, other.offset, size)
        if first == second:
            return []
        write(path, one.offset, second)
        write(path, other.offset, first)
        return [one, other]

    def _told(self, kind: str, hit: list[Blob | Chunk]) -> Harm:
        harm = Harm(kind)
        for piece in hit:
            digest = bytes(piece.sha256).hex()
            harm.digests.add(digest)
            harm.pairs[digest] = self.uses.get(digest, set())
        return harm


def length_of(piece: Blob | Chunk) -> int:
    return piece.size if isinstance(piece, Blob) else piece.length


def unnamed(harms: list[Harm], named: dict[str, dict[str, Any]]) -> list[str]:
    """Return what of the harms is not in the findings, by digest, with all versions and paths that must be there."""
    faults = []
    for harm in harms:
        for digest in harm.digests:
            touched = named.get(digest)
            if touched is None:
                faults.append(f"{harm.kind}: {digest} was not found")
                continue
            pairs = harm.pairs[digest]
            said = {tuple(pair) for pair in touched.get("first", [])}
            if touched.get("paths", 0) != len(pairs) or not (
                said == pairs if len(pairs) <= 20 else said <= pairs
            ):
                faults.append(
                    f"{harm.kind}: {digest} touches {sorted(pairs)[:3]}, but {sorted(said)[:3]} was named"
                )
    return faults


def unnamed_versions(harms: list[Harm], named: dict[str, dict[str, Any]]) -> list[str]:
    """Return nodes that are not in the findings, and versions that no finding names: one may lie below another."""
    faults = [f"{harm.kind}: {d} was not found" for harm in harms for d in harm.digests if d not in named]
    said = {version for touched in named.values() for version, _ in touched.get("first", [])}
    hit = {version for harm in harms for pairs in harm.pairs.values() for version, _ in pairs}
    return faults + [f"{version} was not named" for version in hit - said]
