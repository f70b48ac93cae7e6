"""Collections and artifact types: find, list, create, edit, delete."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet
from strongroom.core.names import (
    check_collection_name,
    check_description,
    check_loggable_type,
    check_tags,
    check_type_name,
)

from registry.actor import Actor
from registry.errors import HasAliases, NameTaken, NotFound, TypeMismatch
from registry.models import Alias, ArtifactType, Collection, CollectionTag, Membership, Project, Version
from registry.policy import Act, check
from registry.services import events, trash
from registry.services._common import KEEP, Keep, now


def find(actor: Actor, project: Project, name: str) -> Collection:
    """Find a collection of a project that the person may see."""
    check(actor, Act.VIEW, project)
    found = Collection.objects.live().filter(project=project, name=name).select_related("type").first()
    if found is None:
        raise NotFound(f"{project} has no collection {name}.")
    # The project at hand, with its entity: no second read for names and addresses.
    found.project = project
    return found


def listing(
    actor: Actor, *, project: Project, type: str | None = None, q: str | None = None, tag: str | None = None
) -> QuerySet[Collection]:
    """List a project's collections; `q` is looked for in names, without case."""
    check(actor, Act.VIEW, project)
    rows = Collection.objects.live().filter(project=project).for_listing()
    if type:
        rows = rows.filter(type__name=type)
    if q:
        rows = rows.filter(name__icontains=q)
    if tag:
        rows = rows.filter(pk__in=CollectionTag.objects.filter(name=tag).values("collection_id"))
    return rows


def types(actor: Actor, *, project: Project) -> QuerySet[ArtifactType]:
    """List a project's artifact types by name, each with `collection_count`."""
    check(actor, Act.VIEW, project)
    live = Q(collections__deleted_at=None, collections__established=True)
    counted = ArtifactType.objects.filter(project=project).annotate(
        collection_count=Count("collections", filter=live)
    )
    return counted.filter(collection_count__gt=0).order_by("name")


def create(actor: Actor, *, project: Project, name: str, type: str, description: str = "") -> Collection:
    """Make an empty sequence."""
    check(actor, Act.LOG, project)
    check_collection_name(name)
    check_loggable_type(type, name)
    description = check_description(description)
    with transaction.atomic():
        collection, created = begin(actor, project=project, name=name, type=type)
        if not created and collection.established:
            raise NameTaken(f"{project} has a collection {name} already. Choose another name.", name=name)
        collection.established, collection.description = True, description
        collection.save(update_fields=["established", "description"])
        events.record(
            actor, "collection.create", collection=collection, subject=str(collection), after={"type": type}
        )
    return collection


def begin(
    actor: Actor, *, project: Project, name: str, type: str, lock: bool = False
) -> tuple[Collection, bool]:
    """Find or make the sequence that a draft will be logged to; call it inside a transaction.

    A sequence made here stays hidden until the first commit establishes it.
    """
    rows = Collection.objects.filter(project=project, name=name, deleted_at=None).select_related("type")
    found = (rows.select_for_update(of=("self",)) if lock else rows).first()
    if found is not None and (found.established or found.type.name == type):
        _check_type(found, type)
        found.project = project
        return found, False
    check_type_name(type)
    kind, _ = ArtifactType.objects.get_or_create(project=project, name=type)
    if found is not None:
        # Begun by a draft of another type that was never committed: it has not settled the type.
        Collection.objects.filter(pk=found.pk).update(type=kind)
        found.type, found.project = kind, project
        return found, False
    try:
        with transaction.atomic():
            made = Collection.objects.create(
                project=project, type=kind, name=name, established=False, created_by=actor.user
            )
    except IntegrityError:
        return begin(actor, project=project, name=name, type=type, lock=lock)
    return made, True


def forget_begun(sequence_id: int) -> None:
    """Remove a sequence that drafts had begun, once it has none and was never committed to."""
    try:
        with transaction.atomic():
            rows = Collection.objects.filter(pk=sequence_id, established=False)
            # The lock comes before the look at its drafts: one that begins at this moment is seen, or waits.
            if rows.select_for_update().first() is not None:
                rows.filter(sources=None).delete()
    except IntegrityError:
        # A draft began between the look and the deletion: the sequence is needed again.
        return


def settle_type(sequence: Collection, type: str) -> None:
    """Give a sequence the type of what is committed first; the next must have it. Call it with it locked."""
    if sequence.established:
        _check_type(sequence, type)
    elif sequence.type.name != type:
        sequence.type, _ = ArtifactType.objects.get_or_create(project_id=sequence.project_id, name=type)
        sequence.save(update_fields=["type"])


def _check_type(sequence: Collection, type: str) -> None:
    if sequence.type.name != type:
        raise TypeMismatch(
            f'{sequence.name} is a collection of type "{sequence.type.name}", so a version of type "{type}" '
            f"can't be logged to it. Use that type, or another name.",
            type=sequence.type.name,
        )


def edit(
    actor: Actor,
    *,
    collection: Collection,
    name: str | Keep = KEEP,
    description: str | Keep = KEEP,
    tags: list[str] | Keep = KEEP,
    type: str | Keep = KEEP,
) -> Collection:
    """Change a collection's name, card, tags or type; what is not given stays."""
    check(actor, Act.EDIT, collection.project)
    if name is not KEEP:
        check_collection_name(name)
    if type is not KEEP:
        check_loggable_type(type, collection.name if name is KEEP else name)
    if description is not KEEP:
        description = check_description(description)
    if tags is not KEEP:
        tags = check_tags(tags)
    try:
        with transaction.atomic():
            _apply(actor, lock(collection), name, description, tags, type)
    except IntegrityError:
        raise NameTaken(
            f"{collection.project} has a collection {name} already. Choose another name."
        ) from None
    project = collection.project
    collection.refresh_from_db()
    collection.project = project
    return collection


def _apply(
    actor: Actor,
    row: Collection,
    name: str | Keep,
    description: str | Keep,
    tags: list[str] | Keep,
    type: str | Keep,
) -> None:
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for field, value in (("name", name), ("description", description)):
        if value is not KEEP and value != getattr(row, field):
            before[field], after[field] = getattr(row, field), value
            setattr(row, field, value)
    if type is not KEEP and type != row.type.name:
        before["type"], after["type"] = row.type.name, type
        row.type = ArtifactType.objects.get_or_create(project_id=row.project_id, name=type)[0]
    if tags is not KEEP:
        held = list(row.tags.values_list("name", flat=True))
        if sorted(held) != sorted(tags):
            before["tags"], after["tags"] = held, tags
            row.tags.all().delete()
            CollectionTag.objects.bulk_create([CollectionTag(collection=row, name=tag) for tag in tags])
    if after:
        row.updated_at = now()
        row.save()
        events.record(actor, "collection.edit", collection=row, subject=row.name, before=before, after=after)


def delete(actor: Actor, *, collection: Collection, delete_aliases: bool = False) -> None:
    """Move a collection with its versions to the trash."""
    check(actor, Act.DELETE, collection.project)
    with transaction.atomic():
        row = lock(collection)
        held = list(Alias.objects.filter(collection=row).values_list("name", flat=True))
        if held and not delete_aliases:
            raise HasAliases(
                f"{row.name} holds the aliases {', '.join(held)}. Delete it with delete_aliases=True.",
                aliases=held,
            )
        members = Membership.objects.filter(collection=row, version__state=Version.State.COMMITTED)
        for membership in members.select_related("version"):
            trash.move(actor, membership, cause=Version.Cause.PERSON)
        Collection.objects.filter(pk=row.pk).update(deleted_at=now())
        events.record(actor, "collection.delete", collection=row, subject=str(row), before={"aliases": held})


def lock(collection: Collection) -> Collection:
    """Lock a collection: always the parent before its children, so that no two wait for each other."""
    row = (
        Collection.objects.select_for_update(of=("self",))
        .select_related("type", "project__entity")
        .filter(pk=collection.pk, deleted_at=None)
        .first()
    )
    if row is None:
        raise NotFound(f"{collection.project} has no collection {collection.name}: it was deleted meanwhile.")
    return row
