"""How what was found is shown: a name that leads there, where it is, and what it says around the words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from registry.models import Run, words
from registry.models.versions import Membership

# Each kind of search in the words of its page: the tab, and the plural noun.
KINDS = {
    "versions": "Versions by name",
    "projects": "Projects",
    "collections": "Collections",
    "cards": "Cards and tags of collections",
    "contents": "Cards and metadata of versions",
}
_LONGEST_VALUE = 160


@dataclass(frozen=True, slots=True)
class Hit:
    """A result; `of` is the row itself, for its chips."""

    of: Any
    href: str
    name: str
    place: str
    at: datetime
    icon: str  # a type's name, or "" for a project
    where: str = ""
    says: str = ""


def of(kind: str, rows: Iterable[Any], q: str) -> list[Hit]:
    """Return the results of one kind of search for `q`."""
    asked = words.asked(q)
    return [_HITS[kind](row, asked) for row in rows]


def _project(row: Any, asked: list[str]) -> Hit:
    says = row.excerpt if _has(row.excerpt, asked) else ""
    return Hit(row, row.get_absolute_url(), str(row), "", row.updated_at, "", says=says)


def _collection(row: Any, asked: list[str]) -> Hit:
    return Hit(row, row.get_absolute_url(), row.name, str(row.project), row.updated_at, row.type.name)


def _card(row: Any, asked: list[str]) -> Hit:
    href, place = f"{row.get_absolute_url()}/card", str(row.project)
    return Hit(row, href, row.name, place, row.updated_at, row.type.name, says=row.excerpt)


def _version(row: Membership, asked: list[str]) -> Hit:
    place, at = str(row.collection.project), row.version.created_at
    return Hit(row, row.get_absolute_url(), row.name, place, at, row.collection.type.name)


def _content(row: Any, asked: list[str]) -> Hit:
    """A version, with the part of its card or the first value in its metadata that has one of the words."""
    hit = _version(row, asked)
    where, says, href = "", row.excerpt, hit.href
    if not _has(row.excerpt, asked):
        found = next((each for each in words.leaves(row.brief or {}) if _has(each[1], asked)), None)
        sought = asked
        if found is not None:
            where, says = found[0], found[1][:_LONGEST_VALUE]
            sought = [word for word in asked if _has(found[1], [word])]
        href = f"{hit.href}/metadata?{urlencode({'q': sought[0]})}"
    return Hit(hit.of, href, hit.name, hit.place, hit.at, hit.icon, where, says)


def of_runs(rows: Iterable[Run]) -> list[Hit]:
    """Return runs that were asked for by their whole name."""
    return [
        Hit(row, row.get_absolute_url(), str(row), str(row.project), row.created_at, "run") for row in rows
    ]


def _has(text: str, asked: list[str]) -> bool:
    return any(word.startswith(each) for word in words.of(text) for each in asked)


_HITS = {
    "versions": _version,
    "projects": _project,
    "collections": _collection,
    "cards": _card,
    "contents": _content,
}
