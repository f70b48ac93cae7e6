"""What names, marks and texts say, word by word: the full-text index of SQLite (FTS5) or PostgreSQL.

The words are cut here and not by the database, so that both find the same. Each is written behind a character
that says where it stands: in a name, in a mark (an alias or a tag of a version) or in a text (a card, metadata).
The tables are not Django's: in SQLite they are virtual, and their rows are made anew from what they index.

Sources: https://www.sqlite.org/fts5.html, https://www.postgresql.org/docs/current/datatype-textsearch.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

from django.db import connection, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Lookup
from django.db.models.sql.compiler import SQLCompiler

from registry.models.guards import Editor

# Where a word stands. They are characters of nobody's alphabet: no text has a word that begins so.
NAME, MARK, TEXT = "\ue001", "\ue002", "\ue003"
_PROJECT = "\ue000"
_WORD = re.compile(r"[^\W_]+")
# Of a name, what is as long as this is found by any part, and shorter parts where a word begins. In texts, what is
# as long as this is found by its beginning.
_SHORTEST_PART = 3
# Of one card with its metadata: what a person wrote fits, what a program dumped into it does not fill the index.
_MOST_WORDS, _MOST_CHARACTERS, _LONGEST = 2000, 256 * 1024, 64
_MOST_ASKED = 8
# A mark in nearly every collection: as the beginning of a word, all of these would be read to find a few.
_EVERYWHERE = "latest"


def of(text: str) -> Iterator[str]:
    """Cut a text into words: letters and digits, without case, in the one form that looks alike (NFKC)."""
    for found in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        yield found.group()[:_LONGEST]


def parts(name: str) -> Iterator[str]:
    """Cut a name into what it is found by: its words, and their ends, of which each part is the beginning of one.

    A short end counts where the case says that a word begins: `trainML` is found by `ml`.
    """
    for found in _WORD.finditer(unicodedata.normalize("NFKC", name)):
        word = found.group()
        for at in range(len(word)):
            begins = at == 0 or (word[at].isupper() and word[at - 1].islower())
            if begins or len(word) - at >= _SHORTEST_PART:
                yield word[at:].casefold()[:_LONGEST]


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
    """Words that each begin one of a row's that stands in the `places`, and one of them in the place `needed`.

    In texts, words of one or two letters must be the whole word: they begin too much.

    For a word, to be in one of the projects that are `named` so will do, too. The row is in one of `projects`,
    unless that is None.
    """

    words: Sequence[str]
    places: Sequence[str]
    needed: str = ""
    named: Mapping[str, Sequence[int]] = field(default_factory=dict)
    projects: Sequence[int] | None = None


class WordsField(models.TextField):
    """The words of one row; `__have` takes what is `Asked`."""


@WordsField.register_lookup
class Have(Lookup):
    """Hold where all of the words that are asked for stand, or longer ones that begin so."""

    lookup_name = "have"
    prepare_rhs = False

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        # The column that is named as its table stands for all of them.
        row, whole = self.lhs.alias, self.lhs.field.model._meta.db_table
        said = _Said(self.rhs, '"{}" *', '"{}"', " AND ", " OR ")
        return f'"{row}"."{whole}" MATCH %s', [str(said)]

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:
        sql, values = self.process_lhs(compiler, connection)
        return f"{sql} @@ %s::tsquery", [*values, str(_Said(self.rhs, "'{}':*", "'{}'", " & ", " | "))]


@dataclass(frozen=True, slots=True)
class _Said:
    """What is asked, in the language of a database; quotes need no care, for no word has any."""

    asked: Asked
    beginning: str
    whole: str
    both: str
    either: str

    def __str__(self) -> str:
        asked, conditions = self.asked, []
        # A beginning is read from the index whole: no word is asked for twice.
        if not asked.needed or len(asked.words) > 1:
            every = ([*self._begun(word, asked.places), *self._in(word)] for word in asked.words)
            conditions += [self._any(each) for each in every]
        if asked.needed:
            needed = (self._begun(word, asked.needed) for word in asked.words)
            conditions.append(self._any(chain.from_iterable(needed)))
        if asked.projects is not None:
            conditions.append(self._any(map(self._project, asked.projects)))
        return self.both.join(conditions)

    def _begun(self, word: str, places: Sequence[str]) -> list[str]:
        """Write that a word begins so in one of the places, or is the word where too many begin so."""
        return [
            (self.whole if _is_whole(place, word) else self.beginning).format(place + word)
            for place in places
        ]

    def _in(self, word: str) -> list[str]:
        return [self._project(pk) for pk in self.asked.named.get(word, ())]

    def _project(self, pk: int) -> str:
        return self.whole.format(f"{_PROJECT}{pk}")

    def _any(self, conditions: Iterable[str]) -> str:
        return f"({self.either.join(conditions)})"


def _is_whole(place: str, word: str) -> bool:
    return (place == TEXT and len(word) < _SHORTEST_PART) or (place == MARK and word == _EVERYWHERE)


class _Words(models.Model):
    rowid = models.BigIntegerField(primary_key=True)
    words = WordsField()

    class Meta:
        abstract = True
        managed = False

    def __str__(self) -> str:
        return f"words of {self.rowid}"

    @classmethod
    def put(
        cls,
        rowid: int,
        project: int,
        *,
        names: Iterable[str] = (),
        marks: Iterable[str] = (),
        texts: Iterable[str] = (),
    ) -> None:
        """Keep the words of a row of a project, instead of those that it had; `names` are cut already."""
        said = [f"{_PROJECT}{project}", _written(NAME, dict.fromkeys(names))]
        said += [_written(MARK, distinct(marks)), _written(TEXT, distinct(texts))]
        with connection.cursor() as cursor:
            cursor.execute(_PUT[connection.vendor].format(table=cls._meta.db_table), [rowid, *said])

    @classmethod
    def rename(cls, rowids: Iterable[int], names: Iterable[str]) -> None:
        """Keep other names for some rows."""
        written = _written(NAME, dict.fromkeys(names))
        cls._change(NAME, ((rowid, written) for rowid in rowids))

    @classmethod
    def mark(cls, marks: Mapping[int, Iterable[str]]) -> None:
        """Keep other marks, by the row."""
        cls._change(MARK, ((rowid, _written(MARK, distinct(each))) for rowid, each in marks.items()))

    @classmethod
    def _change(cls, place: str, written: Iterable[tuple[int, str]]) -> None:
        statement = _CHANGE[connection.vendor].format(
            table=cls._meta.db_table, column=_COLUMNS[place], place=place
        )
        with connection.cursor() as cursor:
            cursor.executemany(statement, [(said, rowid) for rowid, said in written])


def _written(place: str, found: Iterable[str]) -> str:
    return " ".join(f"{place}{word}" for word in found)


class ProjectWords(_Words):
    """The words of a project's name, with that of its owner, and of its description."""

    class Meta(_Words.Meta):
        abstract = False
        db_table = "registry_projectwords"


class CollectionWords(_Words):
    """The words of a collection's name, and of its card and tags."""

    class Meta(_Words.Meta):
        abstract = False
        db_table = "registry_collectionwords"


class VersionWords(_Words):
    """The words of a version in a collection: of that one's name, of its aliases and tags, its card and metadata."""

    class Meta(_Words.Meta):
        abstract = False
        db_table = "registry_versionwords"


_COLUMNS = {NAME: "names", MARK: "marks", TEXT: "words"}
_PUT = {
    "sqlite": "INSERT OR REPLACE INTO {table} (rowid, project, names, marks, words) VALUES (%s, %s, %s, %s, %s)",
    "postgresql": "INSERT INTO {table} (rowid, words)"
    " VALUES (%s, array_to_tsvector(array_remove(string_to_array(concat_ws(' ', %s, %s, %s, %s), ' '), '')))"
    " ON CONFLICT (rowid) DO UPDATE SET words = EXCLUDED.words",
}
_CHANGE = {
    "sqlite": "UPDATE {table} SET {column} = %s WHERE rowid = %s",
    "postgresql": "UPDATE {table} SET words = array_to_tsvector(string_to_array(%s, ' ') || ARRAY("
    "SELECT word FROM unnest(tsvector_to_array(words)) AS word WHERE NOT starts_with(word, '{place}')))"
    " WHERE rowid = %s",
}
# SQLite: bytes beyond ASCII belong to words, as `of` cut them; no places of words, for nobody asks for phrases.
_CREATE = {
    "sqlite": [
        "CREATE VIRTUAL TABLE {table} USING fts5"
        " (project, names, marks, words, tokenize = 'ascii', detail = none)"
    ],
    "postgresql": [
        "CREATE TABLE {table} (rowid bigint PRIMARY KEY, words tsvector NOT NULL)",
        "CREATE INDEX {table}_words ON {table} USING gin (words)",
    ],
}
_TABLES = tuple(each._meta.db_table for each in (ProjectWords, CollectionWords, VersionWords))


def create(editor: Editor, vendor: str) -> None:
    """Make the tables, empty."""
    for table in _TABLES:
        for statement in _CREATE[vendor]:
            editor.execute(statement.format(table=table))


def drop(editor: Editor) -> None:
    """Remove the tables, also those of an older release, which had fewer."""
    for table in _TABLES:
        editor.execute(f"DROP TABLE IF EXISTS {table}")
