"""Events sealed before the end of a test's transaction."""

from __future__ import annotations

from django.db import connection


def seal_now() -> None:
    """Let PostgreSQL do what it does at a commit, which a test's transaction never comes to."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
