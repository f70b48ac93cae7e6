"""What is said in cards, tags and metadata, word by word: the full-text index of SQLite (FTS5) or PostgreSQL.

The words are cut here and not by the database, so that both find the same. The two tables are not Django's:
one is virtual, and their rows are made anew from what they index (`words.put`).

Sources: https://www.sqlite.org/fts5.html, https://www.postgresql.org/docs/current/datatype-textsearch.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.sql.compiler import SQLCompiler

from registry.models.guards import Editor

_WORD = re.compile(r"[^\W_]+")
# Of one card with its metadata: what a person wrote fits, what a program dumped into it does not fill the index.
_MOST_WORDS, _MOST_CHARACTERS, _LONGEST = 2000, 256 * 1024, 64
_MOST_ASKED = 8


def of(text: str) -> Iterator[str]:
    """Cut a text into words: letters and digits, without case, in the one form that looks alike (NFKC)."""
    for found in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        yield found.group()[:_LONGEST]


def distinct(texts: Iterable[str]) -> list[str]:
    """Return the first 2,000 different words of the first 256 Ki characters."""
    left = _MOST_CHARACTERS
    found: dict[str, None] = {}
    for text in texts:
        found |= dict.fromkeys(islice(of(text[:left]), _MOST_WORDS))
        left -= len(text)
        if left <= 0 or len(found) >= _MOST_WORDS:
            break
    return list(islice(found, _MOST_WORDS))


def asked(q: str) -> list[str]:
    """Return the first eight different words of a search: each is a walk through the index."""
    return distinct([q])[:_MOST_ASKED]


def leaves(metadata: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the texts and numbers in some metadata with their dotted keys; deep ones need no deep stack."""
    left: list[Iterator[tuple[str, Any]]] = [iter(metadata.items())]
    while left:
        path, inside = next(left[-1], ("", left))
        if inside is left:
            left.pop()
        elif isinstance(inside, dict):
            left.append(iter([(f"{path}.{key}", each) for key, each in inside.items()]))
        elif isinstance(inside, list):
            left.append(iter([(f"{path}[{at}]", each) for at, each in enumerate(inside)]))
        elif inside is not None and not isinstance(inside, bool):
            yield path, str(inside)


def of_values(metadata: dict[str, Any]) -> Iterator[str]:
    """Yield the texts and numbers in some metadata, in their order."""
    return (text for _, text in leaves(metadata))


@dataclass(frozen=True, slots=True)
class Asked:
    """Words that begin some of a row's, all of them; and the projects that the row is in one of, unless None."""

    words: Sequence[str]
    projects: Sequence[int] | None = None


def _project(pk: int) -> str:
    """Write a project as a word that no text has: it begins with a character of nobody's alphabet."""
    return f"\ue000{pk}"


class WordsField(models.TextField):
    """The words of one row; `__have` takes what is `Asked`."""


@WordsField.register_lookup
class Have(Lookup):
    """Hold where all of the words that are asked for stand, or longer ones that begin so."""

    lookup_name = "have"
    prepare_rhs = False

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        sql, values = self.process_lhs(compiler, connection)
        return f"{sql} MATCH %s", [*values, self._said('"{}" *', '"{}"', " AND ", " OR ")]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        sql, values = self.process_lhs(compiler, connection)
        return f"{sql} @@ %s::tsquery", [*values, self._said("'{}':*", "'{}'", " & ", " | ")]

    def _said(self, beginning: str, whole: str, both: str, either: str) -> str:
        """Write what is asked; quotes need no care, for no word has any."""
        said = both.join(beginning.format(word) for word in self.rhs.words)
        if self.rhs.projects is None:
            return said
        return f"({said}){both}({either.join(whole.format(_project(pk)) for pk in self.rhs.projects)})"


class _Words(models.Model):
    rowid = models.BigIntegerField(primary_key=True)
    words = WordsField()

    class Meta:
        abstract = True
        managed = False

    def __str__(self) -> str:
        return f"words of {self.rowid}"

    @classmethod
    def put(cls, rowid: int, project: int, texts: Iterable[str]) -> None:
        """Keep the words of these texts for a row of a project, instead of those that it had."""
        said = " ".join([_project(project), *distinct(texts)])
        with connection.cursor() as cursor:
            cursor.execute(_PUT[connection.vendor].format(table=cls._meta.db_table), [rowid, said])


class CollectionWords(_Words):
    """The words of a collection's card and tags."""

    class Meta(_Words.Meta):
        abstract = False
        db_table = "registry_collectionwords"


class VersionWords(_Words):
    """The words of a version's card and metadata, by the id of its place in the sequence where it was logged."""

    class Meta(_Words.Meta):
        abstract = False
        db_table = "registry_versionwords"


_PUT = {
    "sqlite": "INSERT OR REPLACE INTO {table} (rowid, words) VALUES (%s, %s)",
    "postgresql": "INSERT INTO {table} (rowid, words) VALUES (%s, array_to_tsvector(string_to_array(%s, ' ')))"
    " ON CONFLICT (rowid) DO UPDATE SET words = EXCLUDED.words",
}
# SQLite: bytes beyond ASCII belong to words, as `of` cut them; no places of words, for nobody asks for phrases.
_CREATE = {
    "sqlite": ["CREATE VIRTUAL TABLE {table} USING fts5 (words, tokenize = 'ascii', detail = column)"],
    "postgresql": [
        "CREATE TABLE {table} (rowid bigint PRIMARY KEY, words tsvector NOT NULL)",
        "CREATE INDEX {table}_words ON {table} USING gin (words)",
    ],
}
_TABLES = (CollectionWords._meta.db_table, VersionWords._meta.db_table)


def create(editor: Editor, vendor: str) -> None:
    """Make the two tables, empty."""
    for table in _TABLES:
        for statement in _CREATE[vendor]:
            editor.execute(statement.format(table=table))


def drop(editor: Editor) -> None:
    """Remove the two tables."""
    for table in _TABLES:
        editor.execute(f"DROP TABLE {table}")
