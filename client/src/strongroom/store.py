"""The entries of one manifest in a temporary database, so that ten million of them need no more memory than ten."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from strongroom._files import temporary_errors
from strongroom.core.digests import md5_b64
from strongroom.core.manifest import Entry
from strongroom.errors import EntryNotFound, PathCollision

PAGE = 2000
_CACHE_KIB = 32 << 10
_SCHEMA = """
CREATE TABLE entries (
    path TEXT PRIMARY KEY, size INTEGER, sha256 BLOB, md5 BLOB, source BLOB, place INTEGER,
    skip_cache INTEGER NOT NULL DEFAULT 0, ref TEXT, digest TEXT, extra TEXT
) WITHOUT ROWID;
CREATE TABLE wanted (sha256 BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_COLUMNS = "path, size, sha256, md5, source, place, skip_cache, ref, digest, extra"


@dataclass(slots=True)
class Item:
    """One entry as the client knows it: what the server is told, and where the bytes lie here.

    `sha256` and `md5` stay None until somebody needs them. Bytes lie in the local file `source`, or,
    when `place` is given, at that offset of the staging pack; an item with neither is on the server.
    """

    path: str
    size: int | None
    sha256: bytes | None = None
    md5: bytes | None = None
    source: bytes | None = None
    place: int | None = None
    skip_cache: bool = False
    ref: str | None = None
    digest: str | None = None
    extra: str | None = None

    @property
    def is_local(self) -> bool:
        """Tell whether the bytes can be read on this machine."""
        return self.ref is None and (self.source is not None or self.place is not None)

    @property
    def local_path(self) -> str | None:
        """Return the local file that the entry was made from."""
        return None if self.source is None else os.fsdecode(self.source)

    def values(self) -> tuple[Any, ...]:
        """Return the row, in the order of the columns."""
        return (self.path, self.size, self.sha256, self.md5, self.source, self.place,
                int(self.skip_cache), self.ref, self.digest, self.extra)  # fmt: skip

    def to_entry(self) -> Entry:
        """Return the entry as the manifest knows it."""
        digest = self.digest
        if self.ref is None and self.md5 is not None:
            digest = md5_b64(self.md5)
        return Entry(
            path=self.path, digest=digest, size=self.size, sha256=self.sha256.hex() if self.sha256 else None,
            ref=self.ref, extra=json.loads(self.extra) if self.extra else None,
        )  # fmt: skip

    @classmethod
    def from_entry(cls, entry: Entry) -> Item:
        """Return the item of an entry that the server lists."""
        md5 = entry.md5
        return cls(
            path=entry.path, size=entry.size, sha256=bytes.fromhex(entry.sha256) if entry.sha256 else None,
            md5=bytes.fromhex(md5) if md5 else None, ref=entry.ref,
            digest=None if entry.ref is None else entry.digest, extra=json.dumps(entry.extra) if entry.extra else None,
        )  # fmt: skip


def _item(row: tuple[Any, ...]) -> Item:
    item = Item(*row)
    item.skip_cache = bool(item.skip_cache)
    return item


class EntryStore:
    """Entries by path, in path order; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        with temporary_errors(sqlite3.Error):
            # An empty name is a private file that SQLite deletes by itself, held in memory while it is small.
            self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            weakref.finalize(self, self._db.close)
            self._db.executescript(f"PRAGMA cache_size=-{_CACHE_KIB}; PRAGMA synchronous=OFF; {_SCHEMA}")

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, temporary_errors(sqlite3.Error):
            yield self._db

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Undo everything that was changed inside when it ends with an error."""
        with self._lock:
            if self._db.in_transaction:
                yield
                return
            self._run("BEGIN")
            try:
                yield
                self._run("COMMIT")
            except BaseException:
                self._undo()
                raise

    def _undo(self) -> None:
        if self._db.in_transaction:  # a full disk may have undone it already
            self._run("ROLLBACK")

    def put(self, items: Iterable[Item]) -> None:
        """Add items, or replace those of the same path."""
        with self.all_or_nothing(), self._using() as db:
            db.executemany(
                f"INSERT OR REPLACE INTO entries ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?)",  # noqa: S608  # names of ours only
                (item.values() for item in items),
            )

    def get(self, path: str) -> Item | None:
        """Return the item with this path."""
        found = self._all(f"SELECT {_COLUMNS} FROM entries WHERE path = ?", path)  # noqa: S608  # names of ours only
        return _item(found[0]) if found else None

    def need(self, path: str) -> Item:
        """Return the item with this path, or say that there is none."""
        if (item := self.get(path)) is None:
            raise EntryNotFound(f"The artifact has no entry {path!r}; list its manifest to see which it has.")
        return item

    def at(self, index: int) -> Item:
        """Return the item at a place in path order."""
        return _item(self._all(f"SELECT {_COLUMNS} FROM entries ORDER BY path LIMIT 1 OFFSET ?", index)[0])  # noqa: S608  # names of ours only

    def remove(self, path: str) -> int:
        """Remove an entry, or everything in a folder, and return how many entries went."""
        with self._lock:
            if gone := self._run("DELETE FROM entries WHERE path = ?", path):
                return gone
            return self._run("DELETE FROM entries WHERE path >= ? AND path < ?", *_range(path + "/"))

    def items(self, prefix: str = "", page: int = PAGE) -> Iterator[Item]:
        """Iterate in path order over the entries whose path starts with the prefix; changes meanwhile do no harm."""
        low, high = _range(prefix)
        comparison = ">="
        while True:
            rows = self._all(
                f"SELECT {_COLUMNS} FROM entries WHERE path {comparison} ? AND (? IS NULL OR path < ?)"  # noqa: S608  # names of ours only
                " ORDER BY path LIMIT ?", low, high, high, page,
            )  # fmt: skip
            yield from map(_item, rows)
            if len(rows) < page:
                return
            low, comparison = rows[-1][0], ">"

    def entries(self, prefix: str = "") -> Iterator[Entry]:
        """Iterate over the same as the manifest knows them."""
        return (item.to_entry() for item in self.items(prefix))

    def count(self) -> int:
        """Return how many entries there are."""
        return int(self._all("SELECT count(*) FROM entries")[0][0])

    def size(self, prefix: str = "") -> int:
        """Return the bytes of all entries, references included, or of those whose path starts with the prefix."""
        low, high = _range(prefix)
        query = "SELECT coalesce(sum(size), 0) FROM entries WHERE path >= ? AND (? IS NULL OR path < ?)"
        return int(self._all(query, low, high, high)[0][0])

    def is_hashed(self) -> bool:
        """Tell whether the SHA-256 of every blob is known."""
        return not self._all("SELECT 1 FROM entries WHERE sha256 IS NULL AND ref IS NULL LIMIT 1")

    def without_sha256(self) -> Iterator[Item]:
        """Iterate over the blobs whose SHA-256 is not known, while it is being filled in."""
        return (item for item in self.items() if item.ref is None and item.sha256 is None)

    def without_md5(self) -> Iterator[Item]:
        """Iterate over the blobs whose MD5 is not known, while it is being filled in."""
        return (item for item in self.items() if item.ref is None and item.md5 is None)

    def alone_in_size(self, least: int, most: int) -> list[Item]:
        """Return the largest blobs that nobody hashed yet and that equal no other, for none has their size."""
        rows = self._all(
            f"SELECT {_COLUMNS} FROM entries WHERE ref IS NULL AND size >= ? GROUP BY size"  # noqa: S608  # names of ours only
            " HAVING count(*) = 1 AND sha256 IS NULL ORDER BY size DESC LIMIT ?", least, most,
        )  # fmt: skip
        return [_item(row) for row in rows]

    def set_digests(self, digests: Iterable[tuple[bytes | None, bytes | None, str]]) -> None:
        """Fill in (SHA-256, MD5) of paths; None keeps what is known."""
        with self.all_or_nothing(), self._using() as db:
            db.executemany(
                "UPDATE entries SET sha256 = coalesce(?, sha256), md5 = coalesce(?, md5) WHERE path = ?",
                digests,
            )

    def check_collisions(self, paths: Iterable[str]) -> None:
        """Refuse a path that is a file where another entry needs a folder, or the other way round."""
        for path in paths:
            parents = [path[:at] for at, sign in enumerate(path) if sign == "/"]
            low, high = _range(path + "/")
            marks = ",".join("?" * len(parents))
            found = self._all(
                f"SELECT path FROM entries WHERE path IN ({marks}) OR (path >= ? AND path < ?) LIMIT 1",  # noqa: S608  # names of ours only
                *parents, low, high,
            )  # fmt: skip
            if found:
                raise PathCollision(
                    f"{path!r} and {found[0][0]!r} cannot both be in one artifact, because one name would be"
                    " a file and a folder; rename one of them."
                )

    # What the server lacks, while a draft is being logged.
    def count_blobs(self) -> int:
        """Return how many different blobs there are."""
        return int(self._all("SELECT count(DISTINCT sha256) FROM entries WHERE ref IS NULL")[0][0])

    def want_all(self) -> None:
        """Mark every blob as wanted."""
        with self._lock:
            self._run("DELETE FROM wanted")
            self._run("INSERT INTO wanted SELECT DISTINCT sha256 FROM entries WHERE ref IS NULL")

    def want(self, digests: Iterable[bytes]) -> None:
        """Mark exactly these blobs as wanted."""
        with self.all_or_nothing(), self._using() as db:
            db.execute("DELETE FROM wanted")
            db.executemany("INSERT OR IGNORE INTO wanted VALUES (?)", ((digest,) for digest in digests))

    def wanted(self) -> Iterator[Item]:
        """Iterate over one item for each wanted blob, in path order, so that neighbours are sent together."""
        with self._lock:
            self._run("DROP TABLE IF EXISTS chosen")
            self._run(
                "CREATE TABLE chosen AS SELECT min(e.path) AS path FROM entries e JOIN wanted w ON w.sha256 = e.sha256"
                " WHERE e.ref IS NULL GROUP BY e.sha256 ORDER BY 1"
            )
        after = 0
        columns = ", ".join(f"e.{name}" for name in _COLUMNS.split(", "))
        while rows := self._all(
            f"SELECT {columns} FROM chosen c JOIN entries e ON e.path = c.path"  # noqa: S608  # names of ours only
            " WHERE c.rowid > ? AND c.rowid <= ? ORDER BY c.rowid", after, after + PAGE,
        ):  # fmt: skip
            yield from map(_item, rows)
            after += PAGE

    def folded_twins(self, fold: Any) -> tuple[str, str] | None:
        """Return two paths that a file system which ignores case could not keep apart."""
        with self._using() as db:
            db.create_function("fold", 1, fold, deterministic=True)
            # What is ASCII is folded by the database itself, in a fraction of the time.
            row = db.execute(
                "SELECT min(path), max(path) FROM entries GROUP BY CASE WHEN path GLOB '*[^ -~]*' THEN fold(path)"
                " ELSE lower(path) END HAVING count(*) > 1 LIMIT 1"
            ).fetchone()
        return (row[0], row[1]) if row else None

    def _all(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with self._using() as db:
            return db.execute(statement, values).fetchall()

    def _run(self, statement: str, *values: Any) -> int:
        """Do what gives no rows, and return how many it changed."""
        with self._using() as db:
            return db.execute(statement, values).rowcount


def _range(prefix: str) -> tuple[str, str | None]:
    """Return the bounds of all paths that start with the prefix."""
    # The end is the prefix with its last character moved on by one, past the surrogates that UTF-8 has not.
    stem = prefix.rstrip(chr(0x10FFFF))
    if not stem:
        return prefix, None
    last = ord(stem[-1]) + 1
    return prefix, stem[:-1] + chr(0xE000 if last == 0xD800 else last)
