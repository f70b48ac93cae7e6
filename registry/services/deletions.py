"""What a deletion comes to, before it is done: what goes, what stays and why, which bytes come back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from registry.actor import Actor
from registry.manifests.reach import Reach
from registry.models import (
    Alias,
    Collection,
    Entity,
    Membership,
    Project,
    Run,
    StorageCount,
    Team,
    Version,
    VersionReference,
    VersionShare,
)
from registry.policy import Act, check
from registry.services import needed, survey, trashing
from registry.services._common import now
from registry.services.blob_marks import BlobMarks
from registry.services.needed import Need
from registry.services.sourcing import check_source

# Of these a page names the first.
NAMED = 50
_READ = 2000


@dataclass(frozen=True, slots=True)
class Bytes:
    """What comes back of the bytes when all of it is purged, and what stays, as others use it.

    `counted_at` says that it is what the last count found, and `at_least` that shares of several add to it.
    """

    freed: int
    stays: int
    counted_at: datetime | None = None
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class Account:
    """All that a page says before it asks. Names are the first few; the numbers are of all."""

    versions: int
    files: int
    size: int
    aliases: list[tuple[str, str]]
    alias_count: int
    links: list[str]
    link_count: int
    needs: list[Need]
    bytes: Bytes
    until: datetime
    # For how many days what goes can be restored.
    kept_days: int
    # Versions that stay, and whose references to what goes will lead to nothing.
    referrers: list[str] = field(default_factory=list)
    referrer_count: int = 0
    collections: int = 0
    projects: int = 0
    runs: int = 0
    drafts: int = 0
    members: int = 0

    @property
    def may_go(self) -> bool:
        """Say whether nothing keeps it from being deleted."""
        return not self.needs


def of_versions(actor: Actor, rows: list[Membership]) -> Account:
    """Say what the deletion of some versions of one collection comes to."""
    first = rows[0]
    project = first.version.sequence.project
    check_source(actor, Act.DELETE, first)
    name = first.name if len(rows) == 1 else first.collection.name
    return _account(actor, project.entity, Q(pk__in=[row.version_id for row in rows]), name)


def of_collection(actor: Actor, collection: Collection) -> Account:
    """Say what the deletion of a collection comes to."""
    check(actor, Act.DELETE, collection.project)
    return _account(actor, collection.project.entity, Q(sequence=collection), collection.name, collections=1)


def of_project(actor: Actor, project: Project) -> Account:
    """Say what the deletion of a project comes to."""
    check(actor, Act.DELETE_PROJECT, project)
    return _of_projects(actor, project.entity, [project], str(project))


def of_team(actor: Actor, team: Team) -> Account:
    """Say what the deletion of a team comes to."""
    check(actor, Act.DELETE_TEAM, team)
    found = list(Project.objects.live().filter(entity=team.entity))
    return _of_projects(actor, team.entity, found, team.entity.name, members=team.members.count())


def _of_projects(actor: Actor, entity: Entity, found: list[Project], name: str, **also: int) -> Account:
    inside = Q(sequence__project__in=found)
    return _account(
        actor,
        entity,
        inside,
        name,
        projects=len(found),
        collections=Collection.objects.live().filter(project__in=found).count(),
        runs=Run.objects.filter(project__in=found).count(),
        drafts=Version.objects.filter(inside, state=Version.State.PENDING).count(),
        **also,
    )


def _account(actor: Actor, entity: Entity, which: Q, name: str, **also: int) -> Account:
    going = Version.objects.filter(which, state=Version.State.COMMITTED)
    sums = going.aggregate(
        versions=Count("pk"), files=Coalesce(Sum("file_count"), 0), size=Coalesce(Sum("size"), 0)
    )
    until = trashing.purge_date(now(), entity)
    held = Alias.objects.filter(membership__version__in=going.values("pk"))
    links = Membership.objects.filter(version__in=going.values("pk"))
    links = links.exclude(collection=F("version__sequence"))
    seen = links.filter(collection__project__in=Project.objects.visible_to(actor.user).values("pk"))
    named_referrers, referrer_count = _referrers(actor, going)
    named = held.select_related("membership__collection").order_by("name", "pk")[:NAMED]
    linked = seen.select_related("collection__project__entity").order_by("pk")[:NAMED]
    return Account(
        **sums,
        **also,
        aliases=[(alias.name, alias.membership.name) for alias in named],
        alias_count=held.count(),
        links=[row.qualified_name for row in linked],
        link_count=links.count(),
        needs=_needs(actor, going, name),
        bytes=_bytes(entity, which, sums["size"], until),
        until=until,
        kept_days=trashing.trash_days(entity),
        referrers=named_referrers,
        referrer_count=referrer_count,
    )


def _referrers(actor: Actor, going: QuerySet[Version]) -> tuple[list[str], int]:
    """Name versions that refer to entries of what goes, and stay; of all of them there is a number."""
    ids = going.values("pk")
    edges = VersionReference.objects.filter(target__in=ids, source__state=Version.State.COMMITTED)
    held = edges.exclude(source__in=ids).order_by().values("source").distinct()
    count = held.count()
    if not count:
        return [], 0
    rows = Membership.objects.committed().sources().filter(version__in=held)
    seen = rows.filter(collection__project__in=Project.objects.visible_to(actor.user).values("pk"))
    named = seen.select_related("collection__project__entity").order_by("pk")[:NAMED]
    return [row.qualified_name for row in named], count


def _needs(actor: Actor, going: QuerySet[Version], name: str) -> list[Need]:
    """Say what keeps some of them, a stretch at a time; each reason once, by its first names."""
    found: dict[str, Need] = {}
    for ids in _stretches(going):
        for need in needed.listing(actor, ids, name):
            found.setdefault(need.reason, need)
    return list(found.values())


def _stretches(rows: QuerySet[Version]) -> Iterator[list[int]]:
    last = 0
    while ids := list(rows.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:500]):
        yield ids
        last = ids[-1]


def _bytes(entity: Entity, which: Q, size: int, until: datetime) -> Bytes:
    if survey.is_large(entity):
        return _kept(entity, which, size)
    held = Version.objects.filter(sequence__project__entity=entity).exclude(manifest=None)
    going = Q(which, state=Version.State.COMMITTED)
    # What was deleted before is purged before: it holds nothing for longer, unless its date is later.
    earlier = Q(state=Version.State.DELETED, purge_at__lte=until)
    marks, reach = BlobMarks(entity.pk), Reach[int](entity.pk)
    taken = bytearray(len(marks))
    for _, at in marks.owners(reach.walk(_roots(held.exclude(going).exclude(earlier)))):
        taken[at] = 1
    freed = 0
    for _, at in marks.owners(reach.walk(_roots(held.filter(going)))):
        if not taken[at]:
            taken[at], freed = 1, freed + marks.sizes[at]
    return Bytes(freed, _distinct(marks, entity, held.filter(going)) - freed)


def _distinct(marks: BlobMarks, entity: Entity, rows: QuerySet[Version]) -> int:
    """Add up what they reach, equal contents once."""
    seen, total = bytearray(len(marks)), 0
    for _, at in marks.owners(Reach[int](entity.pk).walk(_roots(rows))):
        if not seen[at]:
            seen[at], total = 1, total + marks.sizes[at]
    return total


def _roots(rows: QuerySet[Version]) -> Iterable[tuple[int, bytes]]:
    found = rows.order_by("pk").values_list("pk", "manifest__root")
    return ((pk, bytes(root)) for pk, root in found.iterator(chunk_size=_READ))


def _kept(entity: Entity, which: Q, size: int) -> Bytes:
    """Tell what the last count found: each version's own bytes, which are freed at least."""
    going = Version.objects.filter(which, state=Version.State.COMMITTED)
    shares = VersionShare.objects.filter(version__in=going.values("pk"))
    alone = shares.aggregate(alone=Coalesce(Sum("alone"), 0))["alone"]
    counts = StorageCount.objects.filter(entity=entity).order_by("-day")
    counted_at = counts.values_list("counted_at", flat=True).first()
    return Bytes(alone, max(0, size - alone), counted_at, at_least=True)
