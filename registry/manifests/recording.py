"""The row of a manifest: written once for a content, whoever comes first."""

from __future__ import annotations

from django.db import connection
from django.utils import timezone

from registry.models import Manifest

_COLUMNS = (
    "scope_id",
    "root",
    "folders_root",
    "entry_count",
    "total_size",
    "reference_count",
    "digest",
    "created_at",
    "used_at",
)
# One statement, for each half of "look, then write" may meet another's: a digest that was set meanwhile
# must not be blanked, and one that only we know must not be lost.
_UPSERT = """
    INSERT INTO {table} ({columns}) VALUES ({marks})
    ON CONFLICT (scope_id, root) DO UPDATE SET
        used_at = excluded.used_at,
        reference_count = excluded.reference_count,
        digest = CASE WHEN {table}.digest = '' THEN excluded.digest ELSE {table}.digest END
    RETURNING id, digest
"""


def record(manifest: Manifest) -> Manifest:
    """Write the row, or renew the present one of this content; returns it with its id and digest."""
    table = connection.ops.quote_name(Manifest._meta.db_table)
    sql = _UPSERT.format(table=table, columns=", ".join(_COLUMNS), marks=", ".join(["%s"] * len(_COLUMNS)))
    manifest.created_at = manifest.used_at = timezone.now()
    at = connection.ops.adapt_datetimefield_value(manifest.created_at)
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            [
                manifest.scope_id,
                bytes(manifest.root),
                bytes(manifest.folders_root),
                manifest.entry_count,
                manifest.total_size,
                manifest.reference_count,
                manifest.digest,
                at,
                at,
            ],
        )
        manifest.pk, manifest.digest = cursor.fetchone()
    manifest._state.adding = False
    return manifest
