"""Projects in the trash: deleted with all collections and versions, brought back with what went with them, purged."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from registry.actor import Actor, system
from registry.errors import ChangedMeanwhile, Conflict, Gone, NameTaken, NotFound, NotInTrash
from registry.models import Alias, Collection, Entity, Project, TtlPolicy, Version, Webhook
from registry.policy import Act, check, check_seen
from registry.services import clock, collections, events, locks, trash, trashing
from registry.services._common import DeleteAliases, now, refuse_held
from registry.services._each import Each

_TRIES = 3


@dataclass(slots=True)
class RestoredProject:
    """What came back with a project; `aliases_moved_on` names the collection before each alias."""

    project: Project
    collections: int = 0
    versions: int = 0
    kept: int = 0
    aliases_moved_on: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a project in the trash holds; `only_here` are bytes that nothing else uses, as last counted: at least."""

    collections: int
    versions: int
    size: int
    only_here: int


def delete(actor: Actor, *, project: Project, delete_aliases: DeleteAliases = False) -> None:
    """Move a project to the trash with its collections and versions: gone for everybody, and its name is free.

    `delete_aliases` is as for a collection; where it lists some, they are written as `collection:alias`.
    """
    check(actor, Act.DELETE_PROJECT, project)
    for _ in range(_TRIES):
        with transaction.atomic():
            if bury(actor, project.pk, delete_aliases, now()):
                return
    raise _crowded(project)


def _crowded(project: Project) -> ChangedMeanwhile:
    return ChangedMeanwhile(
        f"New collections came to {project} while it was deleted. Nothing was changed. Delete it again.",
        field="project",
        now=None,
    )


def delete_registry(actor: Actor, *, registry: Project) -> None:
    """The same of a registry, typed by who saw what goes: its links and aliases; versions stay where they are.

    Until it is purged it comes back with all of that, as a project does.
    """
    check(actor, Act.DELETE_PROJECT, registry)
    for _ in range(_TRIES):
        with transaction.atomic():
            if bury(actor, registry.pk, True, now(), kind=Project.Kind.REGISTRY):
                return
    raise _crowded(registry)


def bury(
    actor: Actor,
    project_id: int,
    delete_aliases: DeleteAliases,
    at: datetime,
    *,
    kind: str = Project.Kind.PROJECT,
) -> bool:
    """Lock all of a project and move it; False when a collection came between, and all begins anew.

    Collections are locked before their project: so whoever logs does it, too.
    """
    places = locks.lock_rows(_live(project_id))
    row = lock(project_id)
    if row is None or row.deleted_at is not None:
        raise NotFound("This project is not there any more: it was deleted meanwhile.")
    if row.kind != kind:
        raise Conflict(f"{row} is a registry, which is not deleted like a project.")
    if set(_live(project_id)) != {place.pk for place in places}:
        return False
    held: defaultdict[int, list[str]] = defaultdict(list)
    found = Alias.objects.filter(collection__in=[place.pk for place in places]).order_by("name")
    for collection, name in found.values_list("collection_id", "name"):
        held[collection].append(name)
    names = [f"{place.name}:{name}" for place in places for name in held[place.pk]]
    refuse_held(str(row), names, delete_aliases)
    until = trashing.purge_date(at, row.entity)
    for place in places:
        place.project = row
        collections.bury(actor, place, held[place.pk], at, until)
    Project.objects.filter(pk=row.pk).update(deleted_at=at, deleted_by=actor.user, purge_at=until)
    events.record(
        actor,
        "registry.delete" if kind == Project.Kind.REGISTRY else "project.delete",
        # Of the entity: what happened in a project is read with it, and it is gone.
        entity=row.entity,
        subject=str(row),
        before={"collections": len(places)},
        after={"purge_at": until.isoformat()},
    )
    return True


def _live(project_id: int) -> list[int]:
    # Those that are only begun, too: else a draft of one could still be committed.
    rows = Collection.objects.filter(project=project_id, deleted_at=None)
    return list(rows.order_by("pk").values_list("pk", flat=True))


def lock(project_id: int) -> Project | None:
    """Lock a project, deleted or not."""
    rows = Project.objects.select_for_update(of=("self",)).select_related("entity")
    return rows.filter(pk=project_id).first()


def deleted(actor: Actor, *, entity: Entity, q: str | None = None) -> QuerySet[Project]:
    """List the deleted projects of an entity that can be restored, each with the `versions` that come with it."""
    check(actor, Act.DELETE_PROJECT, entity)
    rows = Project.objects.filter(entity=entity, deleted_at__isnull=False, purge_at__gt=now())
    buried = Collection.objects.filter(project=OuterRef("pk"), deleted_at=OuterRef("deleted_at"))
    counts = buried.order_by().values("project").annotate(rows=Count("pk")).values("rows")
    rows = rows.select_related("entity", "deleted_by").annotate(places=Coalesce(Subquery(counts), 0))
    return rows.filter(name__icontains=q) if q else rows


def find_deleted(actor: Actor, entity: Entity, name: str) -> Project:
    """Find the project of this name that was deleted last; for who may restore it."""
    check(actor, Act.DELETE_PROJECT, entity)
    rows = Project.objects.filter(entity=entity, name=name, deleted_at__isnull=False)
    found = rows.select_related("entity").order_by("-deleted_at", "-pk").first()
    if found is None:
        present = Project.objects.at(entity.name, name)
        check_seen(actor, present, f"Project {entity.name}/{name}")
        raise NotInTrash(f"{present} is not in the trash: nobody deleted it.")
    return found


def contents(actor: Actor, *, project: Project) -> Contents:
    """Say what goes when a project in the trash is deleted for good."""
    check(actor, Act.PURGE, project.entity)
    rows = _purged_with(project).filter(purged_at=None)
    found = rows.aggregate(
        versions=Count("pk"), size=Coalesce(Sum("size"), 0), only_here=Coalesce(Sum("share__alone"), 0)
    )
    return Contents(collections=len(_buried(project)), **found)


def _purged_with(project: Project) -> QuerySet[Version]:
    """The versions that are gone when a deleted project is, also those that the clock purged a moment before it."""
    later = Q(purged_at=None) | Q(purged_at__gt=project.deleted_at)
    return Version.objects.filter(later, sequence__project=project, state=Version.State.DELETED)


def restore(actor: Actor, *, project: Project) -> RestoredProject:
    """Bring a project back with the collections and versions that were deleted with it; others stay in the trash."""
    check(actor, Act.DELETE_PROJECT, project.entity)
    with transaction.atomic():
        return bring_back(actor, project, now())


def bring_back(actor: Actor, project: Project, at: datetime) -> RestoredProject:
    """The same within a transaction, the rights checked."""
    places = locks.lock_rows(_buried(project))
    row = lock(project.pk)
    if row is None or row.deleted_at is None:
        raise NotInTrash(f"{project} is not in the trash: there is nothing to restore.")
    if row.purged_at is not None or row.purge_at is None or row.purge_at <= at:
        raise Gone(f"{row} was deleted on {row.deleted_at:%Y-%m-%d}, and was purged since.")
    return _unearth(actor, row, places, at)


def _buried(project: Project) -> list[int]:
    rows = Collection.objects.filter(project=project, deleted_at=project.deleted_at)
    return list(rows.exclude(deleted_at=None).values_list("pk", flat=True))


def _unearth(actor: Actor, row: Project, places: list[Collection], at: datetime) -> RestoredProject:
    """Bring back a deleted project, which is locked with its collections; the rights were checked."""
    try:
        with transaction.atomic():
            Project.objects.filter(pk=row.pk).update(deleted_at=None, deleted_by=None, purge_at=None)
    except IntegrityError:
        raise NameTaken(
            f"{row} was deleted, and another project has its name now. Rename that one, then restore again.",
            name=row.name,
        ) from None
    row.deleted_at = row.purge_at = None
    events.record(actor, "project.restore", entity=row.entity, subject=str(row))
    done = RestoredProject(row)
    for place in places:
        place.project = row
        back = collections.unearth(actor, place, at, judged=True)
        done.collections += 1
        done.versions += back.versions
        done.kept += back.kept
        done.aliases_moved_on += [(f"{place.name}:{name}", holder) for name, holder in back.aliases_moved_on]
    return done


def purge_due(at: datetime | None = None) -> int:
    """Let go of projects whose time in the trash is over: their versions are purged each for itself. Safe to repeat."""
    if (at := clock.moment(at)) is None:
        return 0
    each = Each("projects could not be purged")
    due = Project.objects.filter(deleted_at__isnull=False, purged_at=None, purge_at__lte=at)
    for pk in list(due.values_list("pk", flat=True)):
        each.do(_purge, system(), pk, at)
    return each.finish()


def purge(actor: Actor, *, project: Project) -> int:
    """Delete a project in the trash for good, now, with what was deleted with it; returns how many versions."""
    check(actor, Act.PURGE, project.entity)
    at = now()
    with transaction.atomic():
        row = lock(project.pk)
        if row is None or row.deleted_at is None:
            raise NotInTrash(f"{project} is not in the trash.")
        if row.purged_at is not None or row.purge_at is None or row.purge_at <= at:
            raise Gone(f"{row} was purged already.")
        Project.objects.filter(pk=row.pk).update(purge_at=at)
    # From here on nobody restores it: the rest may be done a few at a time, and by the clock if this ends early.
    done = trash.purge_of_project(actor, project=row)
    _purge(actor, row.pk, at)
    return done


def _purge(actor: Actor, project_id: int, at: datetime) -> int:
    with transaction.atomic():
        row = lock(project_id)
        # Judged under the lock: a restoration a moment before wins, and so does another purge.
        if row is None or row.purged_at is not None or row.purge_at is None or row.purge_at > at:
            return 0
        Project.objects.filter(pk=row.pk).update(purged_at=at, description="", hooked=False)
        TtlPolicy.objects.filter(project=row).delete()
        # With their log: addresses may hold tokens, bodies names.
        Webhook.objects.filter(project=row).delete()
        # The events of its versions are of a project that nobody sees any more: this one says what went with it.
        went = _purged_with(row).aggregate(versions=Count("pk"), size=Coalesce(Sum("size"), 0))
        events.record(actor, "project.purge", entity=row.entity, subject=str(row), before=went)
    return 1
