"""Finding things by their names and marks, by what cards say and by metadata, in all projects that one may see.

Each word that is asked for must begin one of the thing's, or of the name of its project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from django.db.models import Case, F, IntegerField, JSONField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Greatest, Length, Lower, StrIndex, Substr
from django.db.models.lookups import GreaterThan, LessThanOrEqual
from django.utils.functional import cached_property
from strongroom.core.names import version_number

from registry.actor import Actor
from registry.models import (
    Collection,
    CollectionWords,
    Membership,
    Project,
    ProjectWords,
    Version,
    VersionWords,
    words,
)
from registry.models.matched import Matched
from registry.policy import Act, check
from registry.services import collections, projects
from registry.services._common import spelled

Rows: TypeAlias = QuerySet[Any] | Matched[Any]

# Characters of a card that a result shows, and how many of them before what was looked for.
_EXCERPT, _BEFORE = 160, 50
# Characters of metadata that are read to show where in it the words stand.
_BRIEF = 64 * 1024
# Projects that a search names one by one: those that one sees, for who sees more finds what is theirs soon; and
# those, last made first, whose names have a word.
_FEW = 200


@dataclass(frozen=True, slots=True)
class Named:
    """All that has the words in its name, last changed first."""

    projects: QuerySet[Project]
    collections: QuerySet[Collection]


@dataclass(frozen=True, slots=True)
class Part:
    """The first results of one kind, and whether there are more."""

    kind: str
    rows: list[Any]
    more: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What each kind of search found first; kinds that found nothing are left out."""

    parts: list[Part]

    def __bool__(self) -> bool:
        return bool(self.parts)


def named(actor: Actor, q: str) -> Named:
    """List projects and collections by the words of their names, and of the descriptions of projects."""
    check(actor, Act.VIEW, None)
    return Named(
        projects.listing(actor, q=q).order_by("-updated_at", "-pk"),
        collections.everywhere(actor, q=q).order_by("-updated_at", "-pk"),
    )


def first(actor: Actor, q: str, *, limit: int, kinds: Iterable[str] | None = None) -> Found:
    """Search for `q` in all ways, or in those of `KINDS` that are given, and return the first results of each."""
    seen, parts = _Seen(actor, q), []
    for kind in KINDS if kinds is None else kinds:
        rows = list(KINDS[kind](seen)[: limit + 1])
        if rows:
            parts.append(Part(kind, rows[:limit], len(rows) > limit))
    return Found(parts)


def listing(actor: Actor, kind: str, q: str) -> Rows:
    """List all that one of `KINDS` finds."""
    return KINDS[kind](_Seen(actor, q))


def exact(actor: Actor, q: str) -> Membership | None:
    """Return the one version that is called `[[entity/]project/]collection:ref`, and not only begins so."""
    path, colon, ref = q.partition(":")
    if not colon:
        return None
    called = Q(aliases__name=spelled(ref)) if (number := version_number(ref)) is None else Q(number=number)
    found = Membership.objects.filter(called, collection__in=_at(path))
    rows = Matched(_ids(found), _Seen(actor, q).versions, _versions())[:2]
    return rows[0] if len(rows) == 1 else None


def _projects(seen: _Seen) -> QuerySet[Project]:
    """Projects with all words in their name and description, last changed first."""
    rows = projects.listing(seen.actor, q=seen.q) if seen.words else Project.objects.none()
    return rows.annotate(excerpt=_around("description", seen.words)).order_by("-updated_at", "-pk")


def _collections(seen: _Seen) -> Matched[Collection]:
    """Collections with all words in their name, or some of them in that of their project; last made first."""
    asked = seen.ask((words.NAME,), words.NAME)
    rows = Collection.objects.for_listing().defer("description")
    return Matched(_having(CollectionWords, asked), seen.collections, rows)


def _cards(seen: _Seen) -> Matched[Collection]:
    """Collections with a word in their card or tags, and all others there or in names; last made first.

    Each has the `excerpt` of its card around the first word.
    """
    asked = seen.ask((words.NAME, words.TEXT), words.TEXT)
    rows = Collection.objects.for_listing().defer("description")
    rows = rows.annotate(excerpt=_around("description", seen.words))
    return Matched(_having(CollectionWords, asked), seen.collections, rows)


def _contents(seen: _Seen) -> Matched[Membership]:
    """Versions with a word in their card or metadata, and all others there or in names, aliases or tags.

    Each has the `excerpt` of its card around the first word, and the `brief` metadata: None when it is long.
    The last logged is first.
    """
    asked = seen.ask((words.NAME, words.MARK, words.TEXT), words.TEXT)
    short = Q(LessThanOrEqual(Length(Cast("version__metadata", TextField())), _BRIEF))
    brief = Case(When(short, then=F("version__metadata")), default=None, output_field=JSONField())
    rows = _versions().annotate(excerpt=_around("version__description", seen.words), brief=brief)
    return Matched(_having(VersionWords, asked), seen.versions, rows)


def _marked(seen: _Seen) -> Matched[Membership]:
    """Versions that are named: `[[entity/]project/]collection:` and a number or the beginning of an alias.

    Without a colon, those with a word in their aliases, tags or number, and all others there or in names.
    """
    path, colon, ref = seen.q.partition(":")
    if not colon:
        listed = _having(VersionWords, seen.ask((words.NAME, words.MARK), words.MARK))
        return Matched(listed, seen.versions, _versions())
    number, here = version_number(ref), Membership.objects.filter(collection__in=_at(path))
    begun = Q(aliases__name__startswith=spelled(ref))
    found = here.filter(begun).distinct() if number is None else here.filter(number=number)
    return Matched(_ids(found), seen.versions, _versions())


def _versions() -> QuerySet[Membership]:
    return Membership.objects.for_listing().without_cards()


def _having(index: Any, asked: words.Asked | None) -> Callable[[Q, str, int], list[int]]:
    if asked is None:
        return lambda bound, order, count: []
    return _ids(index.objects.filter(words__have=asked))


def _ids(rows: QuerySet[Any]) -> Callable[[Q, str, int], list[int]]:
    ids = rows.values_list("pk", flat=True)
    return lambda bound, order, count: list(ids.filter(bound).order_by(order)[:count])


class _Seen:
    """Who searches for what, and which of many ids they may see.

    The conditions stand here and not in SQL: a planner would begin at them.
    """

    def __init__(self, actor: Actor, q: str) -> None:
        check(actor, Act.VIEW, None)
        self.actor, self.q, self.words = actor, q, words.asked(q)
        self._visible = Project.objects.visible_to(actor.user).values_list("pk", flat=True)

    @cached_property
    def _projects(self) -> set[int]:
        return set(self._visible)

    @cached_property
    def _named(self) -> dict[str, list[int]]:
        """The projects by each word that begins one of their name."""
        found = {}
        for word in self.words:
            asked = words.Asked([word], (words.NAME,))
            rows = ProjectWords.objects.filter(words__have=asked).order_by("-pk")
            ids = (pk for pk in rows.values_list("pk", flat=True) if pk in self._projects)
            found[word] = list(islice(ids, _FEW))
        return found

    def ask(self, places: Sequence[str], needed: str) -> words.Asked | None:
        """Ask for the words, where one may see few projects in these alone; None when nothing can be found."""
        if not self.words or not self._projects:
            return None
        few = sorted(self._projects) if len(self._projects) <= _FEW else None
        return words.Asked(self.words, places, needed, self._named, few)

    def collections(self, ids: list[int]) -> set[int]:
        rows = Collection.objects.filter(pk__in=ids)
        states = rows.values_list("pk", "project_id", "established", "deleted_at")
        return {
            pk
            for pk, project, there, deleted in states
            if there and not deleted and project in self._projects
        }

    def versions(self, ids: list[int]) -> set[int]:
        rows = Membership.objects.filter(pk__in=ids)
        states = rows.values_list("pk", "collection__project_id", "version__state", "collection__deleted_at")
        there = Version.State.COMMITTED
        return {
            pk
            for pk, project, state, deleted in states
            # A link stays committed when its portfolio is in the trash.
            if state == there and not deleted and project in self._projects
        }


def _around(field: str, asked: list[str]) -> Substr:
    """Cut the text around the first of the words that it has."""
    places = [StrIndex(Lower(field), Value(word)) for word in asked]
    found = [When(GreaterThan(place, 0), then=place) for place in places]
    start = Case(*found, default=0, output_field=IntegerField()) if found else Value(0)
    return Substr(field, Greatest(start - _BEFORE, 1), _EXCERPT)


def _at(path: str) -> QuerySet[Collection]:
    """Narrow to the collections at the end of an address, of which any part before the name may be missing."""
    *above, name = path.split("/")
    rows = Collection.objects.live().filter(name=name)
    for value, field in zip(reversed(above), ("project__name", "project__entity__name"), strict=False):
        rows = rows.filter(**{field: value})
    return rows


# The ways to search, in the order in which results are shown: each lists what it finds.
KINDS: dict[str, Callable[[_Seen], Rows]] = {
    "versions": _marked,
    "projects": _projects,
    "collections": _collections,
    "cards": _cards,
    "contents": _contents,
}
