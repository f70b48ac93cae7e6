"""Staging and collection of one entity: many may stage at once, and nothing is given up while they write their rows.

A staging looks up what is known, works on, and writes rows that rely on it. Between the two the collector may have
given up just that. So the staging notes the entity's epoch when it begins, and compares it, locked, when it writes;
the collector holds the same lock alone, and raises the epoch, each time that it deletes rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from django.db.models import F

from registry.errors import Unavailable
from registry.models.collecting import Collector
from registry.models.prepared import Prepared

_EPOCH = Prepared[list[int]](lambda scope: Collector.objects.filter(scope=scope).values_list("epoch"))


def current(scope_id: int) -> int:
    """Return the epoch of an entity, whose row is made when it is first asked for."""
    if (found := _EPOCH.first(scope_id)) is not None:
        return int(found[0])
    Collector.objects.bulk_create([Collector(scope_id=scope_id)], ignore_conflicts=True)
    return int(_EPOCH.all(scope_id)[0][0])


def hold(scope_id: int, since: int) -> None:
    """Keep the collector away until the end of this transaction; refuse when bytes were given up `since`."""
    table = connection.ops.quote_name(Collector._meta.db_table)
    # SQLite knows one writer at a time.
    share = "FOR SHARE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT epoch FROM {table} WHERE scope_id = %s {share}", [scope_id])  # noqa: S608  # names of ours only
        found = cursor.fetchone()
    if found is None or found[0] != since:
        raise Unavailable(
            "Unused bytes were cleaned up while this was on its way. Nothing was kept of it: send it again."
        )


@contextmanager
def alone(scope_id: int) -> Iterator[None]:
    """A transaction that no staging writes beside: those after it see another epoch if rows were `gave_up`."""
    current(scope_id)
    with transaction.atomic():
        Collector.objects.select_for_update().get(scope=scope_id)
        yield


def gave_up(scope_id: int) -> None:
    """Say, inside of `alone`, that rows of the entity were deleted."""
    Collector.objects.filter(scope=scope_id).update(epoch=F("epoch") + 1)
