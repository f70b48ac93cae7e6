"""Finding things by their names, by what cards say and by metadata, across all projects that one may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, JSONField, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Cast, Greatest, Length, Lower, StrIndex, Substr
from django.db.models.lookups import LessThanOrEqual
from django.utils.functional import cached_property
from strongroom.core.names import version_number

from registry.actor import Actor
from registry.models import (
    Collection,
    CollectionWords,
    Membership,
    Project,
    Version,
    VersionWords,
    words,
)
from registry.models.matched import Matched
from registry.policy import Act, check
from registry.services import collections, projects
from registry.services._common import spelled

# Characters of a card that a result shows, and how many of them before what was looked for.
_EXCERPT, _BEFORE = 160, 50
# Characters of metadata that are read to show where in it the words stand.
_BRIEF = 64 * 1024
# Projects that a search of words names one by one; who sees more finds what is theirs soon.
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

    @property
    def only(self) -> Membership | None:
        """The version that is all there is."""
        alone = [part.rows[0] for part in self.parts if part.kind == "versions" and len(part.rows) == 1]
        return alone[0] if alone and len(self.parts) == 1 else None


def named(actor: Actor, q: str) -> Named:
    """List projects and collections whose names hold `q`, without case."""
    check(actor, Act.VIEW, None)
    return Named(
        projects.listing(actor, q=q).order_by("-updated_at", "-pk"),
        collections.everywhere(actor, q=q).order_by("-updated_at", "-pk"),
    )


def first(actor: Actor, q: str, *, limit: int, kinds: Iterable[str] | None = None) -> Found:
    """Search for `q` in all ways, or in those of `KINDS` that are given, and return the first results of each."""
    parts = []
    for kind in KINDS if kinds is None else kinds:
        rows = list(KINDS[kind](actor, q)[: limit + 1])
        if rows:
            parts.append(Part(kind, rows[:limit], len(rows) > limit))
    return Found(parts)


def cards(actor: Actor, q: str) -> Matched[Collection]:
    """List collections with all words of `q` in their card or tags, last made first.

    Each has the `excerpt` of its card around the first word.
    """
    seen, asked = _Seen(actor), words.asked(q)
    rows = Collection.objects.for_listing().defer("description")
    rows = rows.annotate(excerpt=_around("description", asked))
    return Matched(_having(CollectionWords, seen.ask(asked)), seen.collections, rows)


def contents(actor: Actor, q: str) -> Matched[Membership]:
    """List versions with all words of `q` in their card or metadata, last logged first.

    Each has the `excerpt` of its card around the first word, and the `brief` metadata: None when it is long.
    """
    seen, asked = _Seen(actor), words.asked(q)
    short = Q(LessThanOrEqual(Length(Cast("version__metadata", TextField())), _BRIEF))
    brief = Case(When(short, then=F("version__metadata")), default=None, output_field=JSONField())
    rows = _versions().annotate(excerpt=_around("version__description", asked), brief=brief)
    return Matched(_having(VersionWords, seen.ask(asked)), seen.versions, rows)


def versions(actor: Actor, q: str) -> Matched[Membership]:
    """List the versions that `q` names: `[[entity/]project/]collection:ref`, or an alias or tag by itself."""
    path, colon, ref = q.rpartition(":")
    held, tagged = Q(aliases__name=spelled(ref)), Q(version__tags__name=spelled(ref))
    if not colon:
        found = [Membership.objects.filter(held), Membership.objects.filter(tagged)]
    else:
        number = version_number(ref)
        here = Membership.objects.filter(collection__in=_at(path))
        found = [here.filter(held if number is None else Q(number=number))]
    return Matched(_either(found), _Seen(actor).versions, _versions())


def _versions() -> QuerySet[Membership]:
    return Membership.objects.for_listing().without_cards()


def _having(index: Any, asked: words.Asked | None) -> Callable[[Q, str, int], list[int]]:
    if asked is None:
        return lambda bound, order, count: []
    rows = index.objects.filter(words__have=asked).values_list("pk", flat=True)
    return lambda bound, order, count: list(rows.filter(bound).order_by(order)[:count])


def _either(found: Sequence[QuerySet[Membership]]) -> Callable[[Q, str, int], list[int]]:
    """List the ids of several querysets, each read by its own index: an OR over them would use none."""

    def listed(bound: Q, order: str, count: int) -> list[int]:
        ids: set[int] = set()
        for rows in found:
            ids.update(rows.filter(bound).order_by(order).values_list("pk", flat=True)[:count])
        return sorted(ids, reverse=order.startswith("-"))[:count]

    return listed


class _Seen:
    """Which of many ids may be seen. The conditions stand here and not in SQL: a planner would begin at them."""

    def __init__(self, actor: Actor) -> None:
        check(actor, Act.VIEW, None)
        self._visible = Project.objects.visible_to(actor.user).values_list("pk", flat=True)

    @cached_property
    def _projects(self) -> set[int]:
        return set(self._visible)

    def ask(self, asked: list[str]) -> words.Asked | None:
        """Ask for words, where one may see few projects in these alone; None when nothing can be found."""
        if not asked or not self._projects:
            return None
        return words.Asked(asked, sorted(self._projects) if len(self._projects) <= _FEW else None)

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
        states = rows.values_list("pk", "collection__project_id", "version__state")
        there = Version.State.COMMITTED
        return {pk for pk, project, state in states if state == there and project in self._projects}


def _around(field: str, asked: list[str]) -> Substr:
    start = Greatest(StrIndex(Lower(field), Value(asked[0] if asked else "")) - _BEFORE, 1)
    return Substr(field, start, _EXCERPT)


def _at(path: str) -> QuerySet[Collection]:
    """Narrow to the collections at the end of an address, of which any part before the name may be missing."""
    *above, name = path.split("/")
    rows = Collection.objects.live().filter(name=name)
    for value, field in zip(reversed(above), ("project__name", "project__entity__name"), strict=False):
        rows = rows.filter(**{field: value})
    return rows


# The ways to search, in the order in which results are shown: each lists what it finds.
KINDS: dict[str, Callable[[Actor, str], QuerySet[Any] | Matched[Any]]] = {
    "versions": versions,
    "projects": lambda actor, q: named(actor, q).projects,
    "collections": lambda actor, q: named(actor, q).collections,
    "cards": cards,
    "contents": contents,
}
