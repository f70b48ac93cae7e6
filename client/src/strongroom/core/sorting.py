"""Putting entries in path order with bounded memory."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from strongroom.core.entries import Entry

IN_MEMORY = 50_000
_CACHE_KIB = 32 * 1024
_PAGE = 1000
_by_path = attrgetter("path")


def sorted_entries(entries: Iterable[Entry], *, in_memory: int = IN_MEMORY) -> Iterator[Entry]:
    """Yield entries by path, in code-point order; equal paths stay neighbours, in the order they came in.

    Few are sorted in memory, more in a temporary database that deletes itself.
    """
    source = iter(entries)
    first = list(islice(source, in_memory))
    if len(first) < in_memory:
        first.sort(key=_by_path)
        yield from first
        return
    # An empty name is a private file of SQLite's own, on disk as soon as it outgrows its cache.
    with closing(sqlite3.connect("", isolation_level=None)) as db:
        db.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
        for statement in ("PRAGMA temp_store=FILE", "PRAGMA synchronous=OFF", "PRAGMA journal_mode=OFF"):
            db.execute(statement)
        # No index: sorting once at the end is faster than keeping order all along.
        db.execute(
            "CREATE TABLE entries (path TEXT, digest TEXT, size INT, sha256 TEXT, ref TEXT, extra TEXT)"
        )
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", map(_row, chain(_drained(first), source))
        )
        db.execute("COMMIT")
        yield from _in_order(db)


def _drained(first: list[Entry]) -> Iterator[Entry]:
    first.reverse()
    while first:
        yield first.pop()


def _in_order(db: sqlite3.Connection) -> Iterator[Entry]:
    # Text compares by its UTF-8 bytes, which is the order of code points.
    rows = db.execute("SELECT * FROM entries ORDER BY path, rowid")
    while page := rows.fetchmany(_PAGE):
        for path, digest, size, sha256, ref, extra in page:
            yield Entry(path, digest, size, sha256, ref, None if extra is None else json.loads(extra))


def _row(entry: Entry) -> tuple[Any, ...]:
    extra = None if entry.extra is None else json.dumps(entry.extra)
    return entry.path, entry.digest, entry.size, entry.sha256, entry.ref, extra
