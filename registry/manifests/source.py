"""Nodes read from the store: found by their rows, verified against their digests, some kept at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Generic, NamedTuple, TypeVar

from django.db import connection
from django.utils import timezone
from strongroom.core.errors import Damaged

from registry import storage
from registry.manifests import cache
from registry.manifests.framing import BrokenNode, open_frame
from registry.manifests.leaves import Leaf
from registry.manifests.nodes import Ref
from registry.manifests.walk import Node, make_node, open_node, root_ref
from registry.models import Chunk

N = TypeVar("N")
# Rows of leaves carry their MD5s, 16 bytes an entry: the first page needs one, a whole stream many.
_FIRST_ROWS, _MOST_ROWS = 2, 32


class StoredNodes:
    """The nodes of one entity's manifests. `keep_leaves=False` is for those who read all, once."""

    def __init__(self, scope_id: int, *, keep_leaves: bool = True) -> None:
        self._scope_id = scope_id
        self._keep_leaves = keep_leaves

    def get(self, ref: Ref) -> Node:
        return self._held(ref) or self._load(ref, self._rows([ref]).get(ref.digest))

    def stream(self, refs: Sequence[Ref]) -> Iterator[Node]:
        at, many = 0, _FIRST_ROWS
        while at < len(refs):
            batch = refs[at : at + many]
            held = {ref.digest: node for ref in batch if (node := self._held(ref))}
            rows = self._rows([ref for ref in batch if ref.digest not in held])
            for ref in batch:
                yield held.get(ref.digest) or self._load(ref, rows.get(ref.digest))
            at, many = at + len(batch), min(many * 4, _MOST_ROWS)

    def _held(self, ref: Ref) -> Node | None:
        node = cache.shared.get((self._scope_id, ref.digest))
        # A leaf kept before its bytes arrived is asked for again, with its MD5s.
        return None if isinstance(node, Leaf) and node.md5s is None else node

    def _rows(self, refs: list[Ref]) -> dict[bytes, Chunk]:
        if not refs:
            return {}
        digests = [ref.digest for ref in refs]
        rows = Chunk.objects.filter(scope_id=self._scope_id, sha256__in=digests).select_related("object")
        return {bytes(row.sha256): row for row in rows}

    def _load(self, ref: Ref, row: Chunk | None) -> Node:
        if row is None:
            raise lost(ref)
        try:
            node = make_node(open_frame(_stored(row), ref.digest))
        except (Damaged, BrokenNode) as error:
            moved = self._rows([ref]).get(ref.digest)
            if moved is not None and (moved.object_id, moved.offset) != (row.object_id, row.offset):
                # Compaction gave it another place between the look at its row and the one at its bytes.
                return self._load(ref, moved)
            raise _mark_damaged(ref, row, error) from error
        if isinstance(node, Leaf) and row.md5s is not None:
            node.md5s = bytes(row.md5s)
        if self._keep_leaves or not isinstance(node, Leaf):
            cache.shared.put((self._scope_id, ref.digest), node, row.length)
        return node


def lost(ref: Ref) -> Damaged:
    """Return the error that says that a node has no row, though this process may still have it at hand."""
    return Damaged(f"{_name(ref)} is not in the store.", **_details(ref))


class Lies(NamedTuple):
    """Where the bytes of a node lie: in its row, or in an object."""

    data: bytes | memoryview | None
    name: str | None
    offset: int
    length: int


# Plain SQL: to compose a query of hundreds of digests takes Django longer than the database needs to answer it.
_FIND = """
    SELECT chunk.sha256, chunk.level, chunk.data, object.name, chunk."offset", chunk.length
    FROM registry_chunk chunk LEFT JOIN registry_storedobject object ON object.id = chunk.object_id
    WHERE chunk.scope_id = %s AND chunk.sha256 {among}
"""


def find_nodes(scope_id: int, wanted: Sequence[bytes]) -> Iterator[tuple[bytes, int, Lies]]:
    """Give the digest, the level and the place of those nodes that have a row, in no order."""
    if not wanted:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FIND.format(among="= ANY(%s)"), [scope_id, list(wanted)])
        else:
            marks = ", ".join(["%s"] * len(wanted))
            cursor.execute(_FIND.format(among=f"IN ({marks})"), [scope_id, *wanted])
        found = cursor.fetchall()
    for digest, level, data, name, offset, length in found:
        yield bytes(digest), level, Lies(data, name, offset, length)


class Making(NamedTuple, Generic[N]):
    """What is made of nodes: of the stored bytes of one and its digest, or of one that was read already."""

    of_bytes: Callable[[bytes, bytes], N]
    of_node: Callable[[Node], N]


NODES = Making[Node](open_node, lambda node: node)


def read_nodes(scope_id: int, wanted: Sequence[bytes]) -> Iterator[tuple[bytes, Node]]:
    """Read nodes in the order given, some hundred at a time at the most; raise Damaged where one is lost."""
    return read_made(scope_id, wanted, NODES)


def read_made(
    scope_id: int,
    wanted: Sequence[bytes],
    making: Making[N],
    known: Mapping[bytes, Lies] = MappingProxyType({}),
) -> Iterator[tuple[bytes, N]]:
    """Read nodes as `read_nodes` does, and give what is made of each.

    By plain rows, for who reads very many: to build a model object for each would take longer than all else. Of those
    that are `known` the rows were read already.
    """
    unknown = [digest for digest in wanted if digest not in known]
    found = {digest: lies for digest, _, lies in find_nodes(scope_id, unknown)}
    for digest in wanted:
        try:
            lies = found.get(digest) or known[digest]
            yield digest, making.of_bytes(_bytes_of(lies), digest)
        except (KeyError, BrokenNode, Damaged):
            # Read again where what is damaged is noted and told; it may have moved, or been healed meanwhile.
            yield digest, making.of_node(StoredNodes(scope_id).get(root_ref(digest)))


def _bytes_of(lies: Lies) -> bytes:
    if lies.name is None:
        return bytes(lies.data or b"")
    return storage.read_stretch(lies.name, lies.offset, lies.length)


def _stored(row: Chunk) -> bytes:
    if row.object is None:
        return bytes(row.data or b"")
    return storage.read_piece(row.object, row.offset, row.length)


def _mark_damaged(ref: Ref, row: Chunk, error: Exception) -> Damaged:
    """Mark the chunk, so that the next staging of the same entries writes it anew; say what is lost."""
    # Only where it still lies: somebody may have healed it since this row was read.
    same = Chunk.objects.filter(object_id=row.object_id, damaged_at=None)
    if not isinstance(error.__cause__, FileNotFoundError):
        # An object that is gone takes all its nodes with it; else only this one is known to be bad.
        same = same.filter(pk=row.pk, offset=row.offset)
    same.update(damaged_at=timezone.now())
    why = f": {error}" if isinstance(error, BrokenNode) else ""
    return Damaged(
        f"{_name(ref)} is damaged{why}. Log the same content again to restore it, or restore a backup.",
        object=row.object.name if row.object else "",
        offset=row.offset,
        length=row.length,
        **_details(ref),
    )


def _name(ref: Ref) -> str:
    span = f" (from “{ref.first}” to “{ref.last}”)" if ref.last else ""
    return f"The part {ref.digest.hex()} of a manifest{span}"


def _details(ref: Ref) -> dict[str, str]:
    return {"chunk": ref.digest.hex(), "first": ref.first, "last": ref.last}
