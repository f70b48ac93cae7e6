"""What SQLite's planner knows of the tables: without it, a rare tag is found by reading every version."""

from __future__ import annotations

from django.db import connection, transaction

# Rows of each index that are looked at: milliseconds, however large the tables are.
_LOOKED_AT = 1000


def refresh() -> int:
    """Measure the indexes anew and return how many there are; PostgreSQL does this by itself (0).

    Source: https://www.sqlite.org/lang_analyze.html
    """
    if connection.vendor != "sqlite":
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit = {_LOOKED_AT}")
        with transaction.atomic():
            # Connections that are open read the statistics with the schema, and that only when it changes.
            cursor.execute("DROP TABLE IF EXISTS sqlite_stat1")
            cursor.execute("ANALYZE")
            cursor.execute("SELECT count(*) FROM sqlite_stat1")
            return int(cursor.fetchone()[0])
