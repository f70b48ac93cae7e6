"""Which versions and paths reach what is damaged: every leaf of an entity is read once, from below upwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from django.db.models import QuerySet

from registry.manifests.checking import COLUMNS, LIVE, Stored, frame_of, stored
from registry.manifests.leaves import Leaf
from registry.manifests.nodes import Index, Ref
from registry.manifests.walk import make_node
from registry.models import Chunk, Manifest, Membership, Version

# Paths and versions that are named of each; beyond, they are counted.
FIRST = 20


@dataclass(slots=True)
class Touched:
    """How many versions and paths something touches, and the first of them."""

    versions: int = 0
    paths: int = 0
    first: list[tuple[str, str]] = field(default_factory=list)
    committed: bool = False
    manifests: list[int] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return {"versions": self.versions, "paths": self.paths, "first": [list(pair) for pair in self.first]}


class Site(NamedTuple):
    """One node that names something damaged: the first paths there, and how many."""

    key: bytes
    paths: tuple[str, ...]
    number: int


class Touching:
    """Finds what the damaged contents and nodes of one entity touch."""

    def __init__(
        self, scope_id: int, blobs: Iterable[bytes], broken: Iterable[bytes], named: Iterable[bytes] = ()
    ) -> None:
        """Take contents, nodes that can't be read, and nodes that can."""
        self._scope_id = scope_id
        self._blobs, self._broken = set(blobs), set(broken)
        self._nodes = self._broken | set(named)
        self._sites: list[Site] = []
        # What lies at or below each node, as numbers of sites.
        self._below: dict[bytes, frozenset[int]] = {}
        self._told: set[bytes] = set()

    def find(self) -> dict[bytes, Touched]:
        """Return what each damaged digest touches; what nobody's manifest reaches is not in the answer."""
        if self._blobs:
            self._read(Chunk.objects.filter(scope=self._scope_id, level=0, kind="e"))
        for level in self._levels():
            self._read(Chunk.objects.filter(scope=self._scope_id, level=level))
        for digest in self._nodes - self._told:
            # A root: no parent says what it held.
            self._put(digest, Site(digest, ("",), 1))
        return self._reached()

    def _levels(self) -> list[int]:
        rows = Chunk.objects.filter(scope=self._scope_id, level__gt=0).order_by("level")
        return list(rows.values_list("level", flat=True).distinct())

    def _read(self, rows: QuerySet[Chunk]) -> None:
        found = rows.order_by("pk").values_list(*COLUMNS).iterator(64)
        for one in found:
            (row,) = stored([one])
            frame = None if row.sha256 in self._broken else frame_of(row)
            if frame is None or isinstance(frame, str):
                continue
            node = make_node(frame)
            if isinstance(node, Leaf):
                self._look_into(row, node)
            elif isinstance(node, Index):
                self._join(row, node)

    def _look_into(self, row: Stored, leaf: Leaf) -> None:
        found: defaultdict[bytes, list[int]] = defaultdict(list)
        for at, sha in enumerate(leaf.blobs()):
            if sha in self._blobs:
                found[sha].append(at)
        for sha, places in found.items():
            paths = tuple(leaf.paths[at] for at in places[:FIRST])
            self._put(row.sha256, Site(sha, paths, len(places)))

    def _join(self, row: Stored, node: Index) -> None:
        below: set[int] = set(self._below.get(row.sha256, ()))
        for ref in node.refs:
            if ref.digest in self._nodes and ref.digest not in self._told:
                self._told.add(ref.digest)
                self._put(ref.digest, _lost_with(ref, row.kind))
            below |= self._below.get(ref.digest, frozenset())
        if below:
            self._below[row.sha256] = frozenset(below)

    def _put(self, digest: bytes, site: Site) -> None:
        self._sites.append(site)
        self._below[digest] = self._below.get(digest, frozenset()) | {len(self._sites) - 1}

    def _reached(self) -> dict[bytes, Touched]:
        found: dict[bytes, Touched] = defaultdict(Touched)
        for manifest, sites in self._manifests():
            names = list(_names(manifest))
            if not names:
                continue
            by_key: dict[bytes, list[Site]] = defaultdict(list)
            for number in sites:
                by_key[self._sites[number].key].append(self._sites[number])
            for key, here in by_key.items():
                _add(found[key], manifest, names, here)
        return found

    def _manifests(self) -> Iterator[tuple[int, frozenset[int]]]:
        rows = Manifest.objects.filter(scope=self._scope_id).order_by("pk")
        for pk, root, folders in rows.values_list("pk", "root", "folders_root").iterator(2000):
            entries = self._below.get(bytes(root), frozenset())
            sites = entries | self._below.get(bytes(folders), frozenset())
            if sites:
                yield pk, sites


def _lost_with(ref: Ref, kind: str) -> Site:
    if kind == "f":
        return Site(ref.digest, ("(the list of folders)",), 1)
    where = ref.first if ref.count == 1 else f"from {ref.first} to {ref.last}"
    return Site(ref.digest, (where,), ref.count)


def _add(touched: Touched, manifest: int, names: list[tuple[str, bool]], sites: list[Site]) -> None:
    if len(touched.manifests) < FIRST:
        touched.manifests.append(manifest)
    touched.versions += len(names)
    touched.paths += len(names) * sum(site.number for site in sites)
    touched.committed = touched.committed or any(committed for _, committed in names)
    for name, _ in names:
        for site in sites:
            room = FIRST - len(touched.first)
            touched.first += [(name, path or "(all files)") for path in site.paths[:room]]


def _names(manifest: int) -> Iterator[tuple[str, bool]]:
    """Name the versions that hold a manifest, and say whether each was committed once."""
    versions = Version.objects.filter(LIVE, manifest=manifest).order_by("pk")
    for version in versions.select_related("sequence__project__entity"):
        yield name_of(version), version.committed_at is not None


def name_of(version: Version) -> str:
    """Return a version's full name, with what is to be known of one that is not in use."""
    sequence = version.sequence
    number = Membership.objects.filter(version=version, collection=sequence).values_list("number", flat=True)
    at = next(iter(number), None)
    full = f"{sequence.project}/{sequence.name}"
    if at is None:
        return f"{full} (a draft)"
    return f"{full}:v{at}" + (" (in the trash)" if version.state == Version.State.DELETED else "")
