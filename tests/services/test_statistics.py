"""Statistics for SQLite's planner: measured by the worker, known to the connections that the web has open."""

import sqlite3
from contextlib import closing

import pytest
from django.db import connection

from registry.services import statistics

REFRESH = "from registry.services import statistics; statistics.refresh()"
ASKED = "SELECT * FROM odd WHERE kind = 1 AND name = 7"


@pytest.mark.django_db
def test_only_sqlite_has_to_be_told_to_measure():
    assert (statistics.refresh() > 0) == (connection.vendor == "sqlite")


@pytest.mark.installation
def test_an_open_connection_plans_by_what_was_measured(live_installation):
    def plan():
        # To explain reads nothing, and so would not notice that the schema has changed.
        web.execute(ASKED).fetchall()
        return str(web.execute(f"EXPLAIN QUERY PLAN {ASKED}").fetchall())

    with closing(
        sqlite3.connect(live_installation.data / "strongroom.sqlite3", timeout=20, cached_statements=0)
    ) as web:
        web.execute("CREATE TABLE odd (kind INTEGER, name INTEGER)")
        web.execute("CREATE INDEX odd_name ON odd (name)")
        web.execute("CREATE INDEX odd_kind ON odd (kind)")
        try:
            for rows in ([(n, 7) for n in range(3000)], [(1, n) for n in range(3000)]):
                with web:
                    web.execute("DELETE FROM odd")
                    web.executemany("INSERT INTO odd VALUES (?, ?)", rows)
                live_installation.manage("shell", "-c", REFRESH)
                assert ("odd_kind" if rows[0] == (0, 7) else "odd_name") in plan()
        finally:
            web.execute("DROP TABLE odd")
