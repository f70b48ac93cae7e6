"""Collections and artifact types: find, list, create, edit, delete."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from strongroom.core.names import (
    check_collection_name,
    check_description,
    check_loggable_type,
    check_tags,
    check_type_name,
)

from registry.actor import Actor
from registry.errors import Gone, NameTaken, NotFound, NotInTrash
from registry.models import Alias, ArtifactType, Collection, CollectionTag, Membership, Project, Version
from registry.policy import Act, check
from registry.services import (
    card_history,
    events,
    portfolios,
    registries,
    restoring,
    sequences,
    trashing,
    words,
)
from registry.services._common import KEEP, DeleteAliases, Keep, changes, now, pieces, refuse_held, spelled
from registry.services.locks import hold_project, lock, lock_rows
from registry.services.restoring import RestoredCollection
from registry.services.seen import Seen, refuse_changed


def find(actor: Actor, project: Project, name: str) -> Collection:
    """Find a collection of a project that the person may see."""
    check(actor, Act.VIEW, project)
    found = Collection.objects.named(project, name)
    if found is None:
        raise NotFound(f"{project} has no collection {name}.")
    return found


def find_by_pk(actor: Actor, number: int) -> Collection:
    """Find a collection by its number, in a project that the person may see."""
    rows = Collection.objects.live().visible_to(actor.user).filter(pk=number)
    found = rows.select_related("type", "project__entity").first()
    if found is None:
        raise NotFound("There is no collection with this id, or it is not for you to see.")
    return found


def listing(
    actor: Actor, *, project: Project, type: str | None = None, q: str | None = None, tag: str | None = None
) -> QuerySet[Collection]:
    """List a project's collections; each word of `q` is looked for in names, without case."""
    check(actor, Act.VIEW, project)
    return _narrowed(Collection.objects.live().filter(project=project).for_listing(), type, q, tag)


def everywhere(
    actor: Actor, *, type: str | None = None, q: str | None = None, tag: str | None = None
) -> QuerySet[Collection]:
    """The same for all projects that the person sees."""
    check(actor, Act.VIEW, None)
    return _narrowed(Collection.objects.live().visible_to(actor.user).for_listing(), type, q, tag)


def _narrowed(
    rows: QuerySet[Collection], type: str | None, q: str | None, tag: str | None
) -> QuerySet[Collection]:
    if type:
        rows = rows.filter(type__name=type)
    for word in pieces(q or ""):
        rows = rows.filter(name__icontains=word)
    if tag:
        rows = rows.filter(pk__in=CollectionTag.objects.filter(name=spelled(tag)).values("collection_id"))
    return rows


def types(actor: Actor, *, project: Project, q: str | None = None) -> QuerySet[ArtifactType]:
    """List a project's artifact types by name, each with `collection_count`; `q` is looked for in names."""
    check(actor, Act.VIEW, project)
    live = Collection.objects.live().filter(type=OuterRef("pk"))
    # Sub-queries that one index answers: a join would group all rows of the project before it counts.
    counts = live.order_by().values("type").annotate(rows=Count("pk")).values("rows")
    used = ArtifactType.objects.filter(Exists(live), project=project)
    used = used.filter(name__icontains=q) if q else used
    return used.annotate(collection_count=Subquery(counts)).order_by("name")


def known_tags(actor: Actor, *, project: Project) -> list[str]:
    """Return the tags that collections of a project have, by name."""
    check(actor, Act.VIEW, project)
    live = Collection.objects.live().filter(project=project)
    found = CollectionTag.objects.filter(collection__in=live.values("pk"))
    return list(found.order_by("name").values_list("name", flat=True).distinct())


def create(actor: Actor, *, project: Project, name: str, type: str, description: str = "") -> Collection:
    """Make an empty sequence, or in a registry a portfolio."""
    if project.kind == Project.Kind.REGISTRY:
        return portfolios.create(actor, project=project, name=name, type=type, description=description)
    check(actor, Act.LOG, project)
    check_collection_name(name)
    check_loggable_type(type, name)
    description = check_description(description)
    with transaction.atomic():
        collection = _establish(actor, project, name, type, description)
        events.record(
            actor, "collection.create", collection=collection, subject=str(collection), after={"type": type}
        )
    return collection


def _establish(actor: Actor, project: Project, name: str, type: str, description: str) -> Collection:
    """Take a free name, or one that only drafts have begun; of two who do so at once one is refused."""
    while True:
        found, _ = sequences.begin(actor, project=project, name=name, type=type)
        if found.established:
            raise NameTaken(f"{project} has a collection {name} already. Choose another name.", name=name)
        mine = {"type": found.type, "established": True, "description": description}
        if Collection.objects.filter(pk=found.pk, established=False).update(**mine):
            found.established, found.description = True, description
            words.of_collection(found)
            return found


def edit(
    actor: Actor,
    *,
    collection: Collection,
    name: str | Keep = KEEP,
    description: str | Keep = KEEP,
    tags: list[str] | Keep = KEEP,
    type: str | Keep = KEEP,
    seen: Seen | None = None,
) -> Collection:
    """Change a collection's name, card, tags or type; what is not given stays, and what is not as `seen` is refused."""
    check(actor, Act.EDIT, collection.project)
    if name is not KEEP:
        check_collection_name(name)
    if type is not KEEP:
        check_type_name(type)
    if description is not KEEP:
        description = check_description(description)
    if tags is not KEEP:
        tags = check_tags(tags)
    try:
        with transaction.atomic():
            row = lock(collection)
            given = {"name": name, "description": description, "tags": tags, "type": type}
            _refuse_changed(row, seen or {}, given)
            _apply(actor, row, name, description, tags, type)
    except IntegrityError:
        sentence = f"{collection.project} has a collection {name} already. Choose another name."
        raise sequences.name_taken(collection.project, str(name), sentence) from None
    project = collection.project
    collection.refresh_from_db()
    collection.project = project
    return collection


def _refuse_changed(row: Collection, seen: Seen, given: dict[str, Any]) -> None:
    if seen:
        now: dict[str, Any] = {"name": row.name, "description": row.description, "type": row.type.name}
        now["tags"] = list(row.tags.values_list("name", flat=True))
        refuse_changed(seen, now, {field: value for field, value in given.items() if value is not KEEP})


def _apply(
    actor: Actor,
    row: Collection,
    name: str | Keep,
    description: str | Keep,
    tags: list[str] | Keep,
    type: str | Keep,
) -> None:
    given = {"name": name, "description": description}
    before, after = changes(row, {field: value for field, value in given.items() if value is not KEEP})
    for field, value in after.items():
        setattr(row, field, value)
    if type is not KEEP and type != row.type.name:
        portfolios.refuse_new_type(row)
        registries.refuse_type(row.project, type)
        before["type"], after["type"] = row.type.name, type
        row.type = ArtifactType.objects.get_or_create(project_id=row.project_id, name=type)[0]
        # Drafts under way go with their collection: their type is not refused for what they did not do.
        Version.objects.filter(sequence=row, state=Version.State.PENDING).update(type_name=type)
    if "name" in after or "type" in after:
        # Judged here and not before: the other of the two may have changed until the lock was held.
        check_loggable_type(row.type.name, row.name)
    if tags is not KEEP:
        held = list(row.tags.values_list("name", flat=True))
        if sorted(held) != sorted(tags):
            before["tags"], after["tags"] = held, tags
            row.tags.all().delete()
            CollectionTag.objects.bulk_create([CollectionTag(collection=row, name=tag) for tag in tags])
    if after:
        row.updated_at = now()
        row.save()
        if "description" in after:
            card_history.write(actor, row, before["description"], after["description"])
        words.of_collection(row)
        if "name" in after:
            words.of_renamed(row)
        events.record(actor, "collection.edit", collection=row, subject=row.name, before=before, after=after)


def delete(actor: Actor, *, collection: Collection, delete_aliases: DeleteAliases = False) -> None:
    """Move a collection with its versions to the trash."""
    check(actor, Act.DELETE, collection.project)
    at = now()
    with transaction.atomic():
        row = lock(collection)
        held = list(Alias.objects.filter(collection=row).values_list("name", flat=True))
        refuse_held(row.name, held, delete_aliases)
        until = trashing.purge_date(at, row.project.entity)
        bury(actor, row, held, at, until)


def bury(actor: Actor, row: Collection, held: list[str], at: datetime, until: datetime) -> None:
    """Move a collection to the trash, which is locked; the rights were checked, and that its aliases may go.

    A portfolio keeps its links and aliases there: they count for nothing until it comes back.
    """
    portfolios.refuse_protected(row)
    trashing.move_all(actor, _to_move(row), cause=Version.Cause.PERSON, at=at, until=until)
    Collection.objects.filter(pk=row.pk).update(deleted_at=at, purge_at=until)
    events.record(actor, "collection.delete", collection=row, subject=str(row), before={"aliases": held})


def _to_move(collection: Collection) -> Iterator[list[Membership]]:
    """Read what moving versions needs, a batch at a time, and none of their cards, which may have megabytes each."""
    live = Membership.objects.committed().sources().filter(collection=collection)
    ids = list(live.values_list("pk", flat=True))
    for first in range(0, len(ids), trashing.BATCH):
        rows = Membership.objects.filter(pk__in=ids[first : first + trashing.BATCH]).order_by("pk")
        slim = rows.select_related("version").only("collection_id", "version_id", "number", "version__id")
        found = list(slim)
        for membership in found:
            # The row at hand, with its names: no read for each event.
            membership.collection = collection
        yield found


def deleted(
    actor: Actor, *, project: Project, type: str | None = None, q: str | None = None
) -> QuerySet[Collection]:
    """List a project's deleted collections that can be restored whole, each with how many versions come with it.

    `q` is looked for in names, without case.
    """
    check(actor, Act.VIEW, project)
    rows = Collection.objects.filter(project=project, deleted_at__isnull=False, purge_at__gt=now())
    buried = Membership.objects.trashed().sources().filter(collection=OuterRef("pk"))
    mine = buried.filter(version__deleted_at=OuterRef("deleted_at")).order_by().values("collection")
    counts = mine.annotate(rows=Count("pk")).values("rows")
    return _narrowed(rows.for_listing(), type, q, None).annotate(
        restorable_count=Coalesce(Subquery(counts), 0)
    )


def find_deleted(actor: Actor, project: Project, name: str) -> Collection:
    """Find the collection of this name that was deleted last; one that is there, where none was."""
    check(actor, Act.VIEW, project)
    rows = Collection.objects.filter(project=project, name=name, deleted_at__isnull=False)
    found = rows.select_related("type").order_by("-deleted_at", "-pk").first()
    if found is None:
        return find(actor, project, name)
    found.project = project
    return found


def restore(actor: Actor, *, collection: Collection) -> RestoredCollection:
    """Bring a collection back with all versions that were deleted with it; others stay in the trash."""
    check(actor, Act.DELETE, collection.project)
    at = now()
    with transaction.atomic():
        row = next(iter(lock_rows([collection.pk])), None)
        if row is None or row.deleted_at is None:
            raise NotInTrash(f"{collection.name} is not in the trash: there is nothing to restore.")
        if row.purge_at is None or row.purge_at <= at:
            raise Gone(f"{row.name} was deleted on {row.deleted_at:%Y-%m-%d}, and its versions were purged.")
        hold_project(row.project)
        return unearth(actor, row, at)


def unearth(actor: Actor, row: Collection, at: datetime, *, judged: bool = False) -> RestoredCollection:
    """Bring back a deleted collection, which is locked, with what was deleted with it; the rights were checked."""
    restoring.bring_back(actor, row)
    done = RestoredCollection(row)
    members = Membership.objects.trashed().sources().filter(collection=row)
    # Newest first, so that `latest` finds its place with the first batch.
    mine = members.filter(version__deleted_at=row.deleted_at).order_by("-number")
    ids = list(mine.values_list("pk", flat=True))
    for first in range(0, len(ids), trashing.BATCH):
        names, kept = restoring.restore_all(actor, ids[first : first + trashing.BATCH], at, judged=judged)
        done.versions += len(names)
        done.kept += len(kept)
        done.aliases_back += [name for each in names.values() for name in each.back]
        done.aliases_moved_on += [moved for each in names.values() for moved in each.moved_on]
    row.refresh_from_db(fields=["deleted_at", "purge_at", "version_count", "updated_at"])
    return done
