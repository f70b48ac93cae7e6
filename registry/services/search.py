"""Finding things by their names and cards, across all projects that one may see."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Greatest, Lower, StrIndex, Substr
from strongroom.core.names import version_number

from registry.actor import Actor
from registry.models import Alias, Collection, Membership, Project, VersionTag
from registry.policy import Act, check
from registry.services import collections, projects
from registry.services._common import spelled

# Characters of a card that a result shows, and how many of them before what was looked for.
_EXCERPT, _BEFORE = 160, 50


@dataclass(frozen=True, slots=True)
class Named:
    """All that has the words in its name, last changed first."""

    projects: QuerySet[Project]
    collections: QuerySet[Collection]


@dataclass(frozen=True, slots=True)
class Found:
    """The first of it."""

    projects: list[Project]
    collections: list[Collection]
    versions: list[Membership]
    described: list[Collection]

    def __bool__(self) -> bool:
        return bool(self.projects or self.collections or self.versions or self.described)

    @property
    def only(self) -> Membership | None:
        """The version that is all there is."""
        alone = len(self.versions) == 1 and not (self.projects or self.collections or self.described)
        return self.versions[0] if alone else None


def named(actor: Actor, q: str) -> Named:
    """List projects and collections whose names hold `q`, without case."""
    check(actor, Act.VIEW, None)
    return Named(
        projects.listing(actor, q=q).order_by("-updated_at", "-pk"),
        collections.everywhere(actor, q=q).order_by("-updated_at", "-pk"),
    )


def by_name(actor: Actor, q: str, *, limit: int) -> Found:
    """Return the first of them, and the first versions of exactly this name, alias or tag; then what cards say."""
    rows = named(actor, q)
    return Found(
        list(rows.projects[:limit]),
        list(rows.collections[:limit]),
        list(versions(actor, q)[:limit]),
        list(described(actor, q)[:limit]),
    )


def described(actor: Actor, q: str) -> QuerySet[Collection]:
    """List collections with `q` in their card and not in their name, each with the `excerpt` around it."""
    check(actor, Act.VIEW, None)
    rows = collections.everywhere(actor).exclude(name__icontains=q).filter(description__icontains=q)
    start = Greatest(StrIndex(Lower("description"), Lower(Value(q))) - _BEFORE, 1)
    rows = rows.defer("description").annotate(excerpt=Substr("description", start, _EXCERPT))
    return rows.order_by("-updated_at", "-pk")


def versions(actor: Actor, q: str) -> QuerySet[Membership]:
    """List the versions that `q` names: `[[entity/]project/]collection:ref`, or an alias or tag by itself."""
    check(actor, Act.VIEW, None)
    seen = Collection.objects.live().visible_to(actor.user)
    rows = Membership.objects.committed().for_listing().order_by("-version__created_at", "-pk")
    path, colon, ref = q.rpartition(":")
    if not colon:
        held = Alias.objects.filter(name=spelled(q)).values("membership_id")
        tagged = VersionTag.objects.filter(name=spelled(q)).values("version_id")
        return rows.filter(Q(pk__in=held) | Q(version__in=tagged), collection__in=seen.values("pk"))
    rows = rows.filter(collection__in=_at(seen, path).values("pk"))
    number = version_number(ref)
    if number is not None:
        return rows.filter(number=number)
    return rows.filter(pk__in=Alias.objects.filter(name=spelled(ref)).values("membership_id"))


def _at(rows: QuerySet[Collection], path: str) -> QuerySet[Collection]:
    """Narrow to the collections at the end of an address, of which any part before the name may be missing."""
    *above, name = path.split("/")
    rows = rows.filter(name=name)
    for value, field in zip(reversed(above), ("project__name", "project__entity__name"), strict=False):
        rows = rows.filter(**{field: value})
    return rows
