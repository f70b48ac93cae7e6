"""Versions of one collection, read as plain rows: a page of a hundred costs five queries and no model instances.

The list is what people and scripts wait for most. Model instances of a version and all that it points at
were four fifths of its time, and all rows of a list point at the same collection, project, entity and type.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.models import Collection, Membership
from registry.models.labels import put_names
from registry.models.prepared import Prepared

_OWN = (
    "state",
    "digest",
    "size",
    "file_count",
    "commit_hash",
    "description",
    "metadata",
    "ttl_kind",
    "ttl_seconds",
    "created_at",
    "updated_at",
    "deleted_at",
)
_COLUMNS = (
    "pk",
    "number",
    "version_id",
    *(f"version__{name}" for name in _OWN),
    "version__created_by__username",
    "version__manifest__root",
)
_LINES = Prepared[list[Any]](lambda ids: Membership.objects.filter(pk__in=ids).values_list(*_COLUMNS))


@dataclass(slots=True)
class Content:
    """What a line shows of its version; names as in the model, for `retention` and paging read both."""

    pk: int
    sequence: Collection
    state: str
    digest: str
    size: int
    file_count: int
    commit_hash: str
    description: str
    metadata: dict[str, Any]
    ttl_kind: str
    ttl_seconds: int | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    created_by: str | None
    root: bytes | None
    tag_names: list[str] | None = None

    @property
    def sequence_id(self) -> int:
        return self.sequence.pk


@dataclass(slots=True)
class Line:
    """A version's place in the collection that is listed."""

    pk: int
    number: int
    version_id: int
    version: Content
    collection: Collection
    alias_names: list[str] | None = None


def loader(collection: Collection, state: str) -> Callable[[list[int]], list[Line]]:
    """Return what reads a page of a collection's list; for sequences, whose rows have no other source."""

    def load(ids: list[int]) -> list[Line]:
        lines = [
            Line(pk, number, version, Content(version, collection, *rest), collection)
            for pk, number, version, *rest in _LINES.all(ids)
        ]
        # Not asked for in the query, which some databases would then begin at the state of all versions there are.
        lines = [line for line in lines if line.version.state == state]
        put_names(lines)
        return lines

    return load
