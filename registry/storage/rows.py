"""Rows of blobs: thousands in one statement, and what a full database says."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from registry.errors import StorageFull, Unavailable
from registry.models.blobs import Blob, StoredObject
from registry.models.teams import Entity


class NewBlob(NamedTuple):
    """A blob that lies in an object, before its row exists."""

    sha256: bytes
    md5: bytes
    size: int
    offset: int


_COLUMNS = ("sha256", "md5", "size", "offset", "scope_id", "object_id", "created_at")
# A sound row of the same digest stays as it is; a damaged one is pointed to the new bytes.
_HEAL = """
    ON CONFLICT (scope_id, sha256) DO UPDATE SET
        md5 = excluded.md5, size = excluded.size, object_id = excluded.object_id,
        "offset" = excluded."offset", created_at = excluded.created_at, damaged_at = NULL
    WHERE {table}.damaged_at IS NOT NULL
"""
# One statement with four arrays; PostgreSQL would take a row at a time otherwise.
_FROM_ARRAYS = """
    SELECT given.*, %s::bigint, %s::bigint, %s::timestamptz
    FROM unnest(%s::bytea[], %s::bytea[], %s::bigint[], %s::bigint[]) AS given
"""


@contextmanager
def database_errors() -> Iterator[None]:
    """Raise a database's want of space as the error that says what to do."""
    try:
        yield
    except DatabaseError as error:
        if not is_full(error):
            raise
        raise StorageFull(
            "The disk of the server's database is full. Nothing was kept; try again when there is space."
        ) from error


def is_full(error: DatabaseError) -> bool:
    """Say whether a database refused for want of space: SQLite says it in words, PostgreSQL by a class."""
    return "disk is full" in str(error) or type(error.__cause__).__name__ == "DiskFull"


def renew(scope: Entity, sha256s: Collection[bytes]) -> None:
    """Begin the protection anew of blobs that came again and were there; refuse when one has gone meanwhile."""
    if not sha256s:
        return
    wanted = sorted(sha256s)
    at = timezone.now()
    stale = at - timedelta(seconds=settings.PROTECTION_SECONDS / 4)
    with transaction.atomic():
        for first in range(0, len(wanted), 900):
            some = wanted[first : first + 900]
            held = Blob.objects.filter(scope=scope, sha256__in=some).order_by("sha256")
            rows = list(held.select_for_update().values_list("pk", "created_at"))
            if len(rows) < len(some):
                raise Unavailable("Unused bytes were cleaned up while these came again. Send them once more.")
            if old := [pk for pk, created in rows if created < stale]:
                Blob.objects.filter(pk__in=old).update(created_at=at)


def insert_blobs(scope: Entity, stored: StoredObject, blobs: list[NewBlob], at: datetime) -> int:
    """Insert blobs, or heal the damaged among them; return how many rows now point to the new object.

    Plain SQL: building 10,000 model objects and their statement takes several times as long.
    Sorted, so that two transactions that insert the same digests can't wait for each other.
    """
    table = connection.ops.quote_name(Blob._meta.db_table)
    names = ", ".join(connection.ops.quote_name(name) for name in _COLUMNS)
    into = f"INSERT INTO {table} ({names}) "
    heal = _HEAL.format(table=table)
    created = connection.ops.adapt_datetimefield_value(at)
    fixed: tuple[Any, ...] = (scope.pk, stored.pk, created)
    ordered = sorted(blobs)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            columns = [list(column) for column in zip(*ordered, strict=True)]
            cursor.execute(f"{into} {_FROM_ARRAYS} {heal}", [*fixed, *columns])
        else:
            marks = ", ".join(["%s"] * len(_COLUMNS))
            cursor.executemany(f"{into} VALUES ({marks}) {heal}", [blob + fixed for blob in ordered])
        return int(cursor.rowcount)
