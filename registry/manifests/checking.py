"""Check the nodes of manifests: each true to its digest, and everything that it names there.

Each node is looked at once, by its row, whoever shares it: where every node is right and names only what is there,
every manifest is. What a node names in vain is suspicious until somebody's manifest is found to reach the node.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import F, Q
from strongroom.core.errors import Damaged

from registry import storage
from registry.manifests.framing import BrokenNode, Frame, open_frame
from registry.manifests.leaves import MD5, NO_DIGEST, NO_MD5, NO_SIZE, Leaf
from registry.manifests.nodes import DIGEST, Index
from registry.manifests.walk import make_node
from registry.models import Chunk, Entity, Manifest, Version
from registry.models.blobs import Blob, BlobFacts

# Nodes in memory at once: one may have a mebibyte, and its items some more.
PAGE = 32
NODE, NODE_LOST, NODE_ROW = "node", "node-lost", "node-row"
UNKNOWN, SIZE, MD5S, VERSION = "unknown", "size", "md5s", "version"
LIVE = Q(state__in=[Version.State.PENDING, Version.State.COMMITTED]) | Q(
    state=Version.State.DELETED, purged_at=None
)


class NodeFault(NamedTuple):
    """Something wrong with a node, or with what it names: `digest` says of what."""

    kind: str
    scope_id: int
    digest: bytes
    # The row that is wrong, or that of the node which names what is missing.
    pk: int
    object_name: str
    offset: int
    size: int
    said: str = ""


@dataclass(slots=True)
class Stored:
    """A row of a node, plain: to build a model object for each would take longer than all else."""

    pk: int
    scope_id: int
    sha256: bytes
    kind: str
    level: int
    entry_count: int
    data: bytes | None
    name: str | None
    offset: int
    length: int
    md5s: bytes | None
    marked: bool

    def fault(self, kind: str, said: str = "") -> NodeFault:
        return NodeFault(
            kind, self.scope_id, self.sha256, self.pk, self.name or "", self.offset, self.length, said
        )

    def bytes(self) -> bytes:
        """Return the stored form; raise Damaged where it is not there."""
        if self.name is None:
            return self.data or b""
        return storage.read_stretch(self.name, self.offset, self.length)


@dataclass(slots=True)
class Checked:
    """What a page of nodes came to."""

    last: int
    nodes: int
    entries: int
    bytes: int
    faults: list[NodeFault]
    sound: list[Stored]


COLUMNS = (
    "pk",
    "scope_id",
    "sha256",
    "kind",
    "level",
    "entry_count",
    "data",
    "object__name",
    "offset",
    "length",
    "md5s",
    "damaged_at",
)


def stored(rows: Iterable[tuple[Any, ...]]) -> list[Stored]:
    return [_stored(*row) for row in rows]


def _stored(
    pk: int,
    scope_id: int,
    sha256: bytes,
    kind: str,
    level: int,
    entry_count: int,
    data: bytes | None,
    name: str | None,
    offset: int,
    length: int,
    md5s: bytes | None,
    damaged_at: object,
) -> Stored:
    return Stored(
        pk,
        scope_id,
        bytes(sha256),
        kind,
        level,
        entry_count,
        None if data is None else bytes(data),
        name,
        offset,
        length,
        None if md5s is None else bytes(md5s),
        damaged_at is not None,
    )


def page_of(after: int, *, marked: bool = False, page: int = PAGE) -> list[Stored]:
    """Return the next nodes by id."""
    rows = Chunk.objects.filter(pk__gt=after).order_by("pk")
    if marked:
        rows = rows.filter(damaged_at__isnull=False)
    return stored(rows.values_list(*COLUMNS)[:page])


def again(pk: int) -> Stored | None:
    """Return a node's row as it is now."""
    return next(iter(stored(Chunk.objects.filter(pk=pk).values_list(*COLUMNS))), None)


def frame_of(row: Stored) -> Frame | str:
    """Read a node; return what is wrong where it is not what its digest says."""
    try:
        frame = open_frame(row.bytes(), row.sha256)
        make_node(frame)
    except Damaged as error:
        return error.message
    except (BrokenNode, UnicodeDecodeError, ValueError) as error:
        return f"{error}."
    return frame


def check(rows: Sequence[Stored]) -> Checked:
    """Check some nodes, and that what they name is there."""
    checked = Checked(rows[-1].pk, len(rows), 0, 0, [], [])
    children: dict[int, dict[bytes, Stored]] = defaultdict(dict)
    leaves: list[tuple[Stored, Leaf]] = []
    for row in rows:
        frame = frame_of(row)
        if isinstance(frame, str):
            checked.faults.append(row.fault(NODE, frame))
            continue
        checked.bytes += row.length
        if row.marked:
            checked.sound.append(row)
        node = make_node(frame)
        count = sum(ref.count for ref in node.refs) if isinstance(node, Index) else frame.count
        if (row.kind, row.level, row.entry_count) != (frame.kind, frame.level, count):
            checked.faults.append(row.fault(NODE_ROW, f"It is of kind {frame.kind}, level {frame.level}."))
        if isinstance(node, Index):
            children[row.scope_id] |= {ref.digest: row for ref in node.refs}
        elif isinstance(node, Leaf):
            checked.entries += node.count
            if row.md5s is not None:
                leaves.append((row, node))
    checked.faults += _lost_children(children)
    checked.faults += _wrong_contents(leaves)
    return checked


def _lost_children(children: dict[int, dict[bytes, Stored]]) -> Iterator[NodeFault]:
    for scope_id, wanted in children.items():
        for digest in missing_nodes(scope_id, wanted):
            yield NodeFault(NODE_LOST, scope_id, digest, wanted[digest].pk, "", 0, 0)


def missing_nodes(scope_id: int, digests: Iterable[bytes]) -> set[bytes]:
    """Return those of the digests of which the entity has no row."""
    wanted = list(digests)
    missing = set(wanted)
    for first in range(0, len(wanted), 900):
        rows = Chunk.objects.filter(scope=scope_id, sha256__in=wanted[first : first + 900])
        missing -= {bytes(found) for found in rows.values_list("sha256", flat=True)}
    return missing


def _wrong_contents(leaves: Sequence[tuple[Stored, Leaf]]) -> Iterator[NodeFault]:
    """Compare what sealed leaves name with the rows of the blobs."""
    by_scope: dict[int, list[tuple[Stored, Leaf]]] = defaultdict(list)
    for row, leaf in leaves:
        by_scope[row.scope_id].append((row, leaf))
    for scope_id, some in by_scope.items():
        blobs = [leaf.blobs() for _, leaf in some]
        wanted = set().union(*blobs)
        wanted.discard(NO_DIGEST)
        facts = {fact.sha256: fact for fact in Blob.objects.all().facts(Entity(pk=scope_id), wanted)}
        for (row, leaf), shas in zip(some, blobs, strict=True):
            if not _is_as_stored(row, leaf, [facts.get(sha) for sha in shas]):
                yield from _compare(row, leaf, facts)


def _is_as_stored(row: Stored, leaf: Leaf, facts: list[BlobFacts | None]) -> bool:
    """Say quickly whether a leaf and the rows of its blobs agree, as nearly all do."""
    found = [fact for fact in facts if fact is not None]
    return (
        len(found) == leaf.count
        and row.md5s == b"".join([fact.md5 for fact in found])
        and leaf.sizes == array("Q", [fact.size for fact in found])
    )


def _compare(row: Stored, leaf: Leaf, facts: dict[bytes, BlobFacts]) -> Iterator[NodeFault]:
    md5s, sizes, shas = row.md5s or b"", leaf.sizes, leaf.shas
    differs = len(md5s) != MD5 * leaf.count
    for at in range(leaf.count):
        sha = shas[at * DIGEST : (at + 1) * DIGEST]
        if sha == NO_DIGEST:
            differs = differs or md5s[at * MD5 : (at + 1) * MD5] != NO_MD5
            continue
        fact = facts.get(sha)
        size = 0 if sizes[at] == NO_SIZE else sizes[at]
        if fact is None:
            yield NodeFault(UNKNOWN, row.scope_id, sha, row.pk, "", 0, size)
        elif fact.size != sizes[at]:
            said = f"{leaf.paths[at]} has {size} bytes in the manifest, {fact.size} in the row."
            yield NodeFault(SIZE, row.scope_id, sha, row.pk, "", 0, size, said)
        else:
            differs = differs or md5s[at * MD5 : (at + 1) * MD5] != fact.md5
    if differs:
        yield row.fault(MD5S)


def check_manifests(after: int, page: int = 500) -> tuple[int, list[NodeFault]]:
    """Check that the roots of some manifests are there; return the last one's id, 0 at the end."""
    rows = Manifest.objects.filter(pk__gt=after).order_by("pk")
    found = list(rows.values_list("pk", "scope_id", "root", "folders_root")[:page])
    if not found:
        return 0, []
    by_scope: dict[int, dict[bytes, int]] = defaultdict(dict)
    for pk, scope_id, root, folders in found:
        by_scope[scope_id] |= {bytes(root): pk, bytes(folders): pk}
    faults = [
        NodeFault(NODE_LOST, scope_id, digest, 0, "", 0, 0)
        for scope_id, wanted in by_scope.items()
        for digest in missing_nodes(scope_id, wanted)
    ]
    return found[-1][0], faults


def unlike_their_manifests() -> Iterator[tuple[int, str]]:
    """Give the ids of committed versions that say something else than their manifests, and what."""
    same = Q(size=F("manifest__total_size"), file_count=F("manifest__entry_count"))
    rows = Version.objects.filter(state=Version.State.COMMITTED).exclude(
        same & Q(digest=F("manifest__digest"))
    )
    for pk, size, total, digest, real in rows.values_list(
        "pk", "size", "manifest__total_size", "digest", "manifest__digest"
    ):
        yield pk, f"It says {size} bytes and digest {digest}; its manifest {total} bytes and digest {real}."
