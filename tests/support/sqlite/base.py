"""The SQLite backend of the test run: what is append-only may still be emptied after a test."""

from __future__ import annotations

from django.db.backends.sqlite3 import base, operations


class DatabaseOperations(operations.DatabaseOperations):
    """Tests with transactions of their own empty every table; SQLite does it by DELETE, which a guard refuses."""

    def sql_flush(self, *args, **kwargs):
        # Imported late: models need the backend before they are there.
        from registry.models import guards

        flush = super().sql_flush(*args, **kwargs)
        return [*guards.drop_statements("sqlite"), *flush, *guards.create_statements("sqlite")]


class DatabaseWrapper(base.DatabaseWrapper):
    """SQLite, with the operations above."""

    ops_class = DatabaseOperations
