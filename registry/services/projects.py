"""Projects: find, list, create, edit."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from strongroom.core.names import check_description, check_project_name
from strongroom.core.targets import is_registry

from registry.actor import Actor
from registry.errors import InvalidInput, NameTaken
from registry.models import Entity, Project, ProjectWords, named, words
from registry.models.prepared import Prepared
from registry.policy import Act, can, check, check_seen, role_in
from registry.services import events, locks, registries
from registry.services import words as indexed
from registry.services._common import KEEP, Keep, changes, now
from registry.services.seen import Seen, refuse_changed

_NEWEST = Prepared[Project](
    lambda entity: (
        Project.objects.live()
        .filter(entity=entity, kind=Project.Kind.PROJECT)
        .select_related("entity")
        .order_by("-updated_at", "-pk")[:8]
    )
)


def find(actor: Actor, entity: str, project: str) -> Project:
    """Find a project, or a registry, that the person may see; the answer never tells "hidden" from "not there"."""
    found = Project.objects.at(entity, project)
    if found is None and is_registry(project):
        # Each team calls the registries of its organization as if they were its own.
        found = registries.of_entity(entity, project)
    check_seen(actor, found, f"Project {entity}/{project}")
    assert found is not None
    return found


def find_by_pk(actor: Actor, number: int) -> Project:
    """Find a project by its number."""
    found = Project.objects.live().filter(pk=number).select_related("entity").first()
    check_seen(actor, found, "This project")
    assert found is not None
    return found


def listing(
    actor: Actor,
    *,
    entity: Entity | None = None,
    owner: str | None = None,
    q: str | None = None,
    visibility: str | None = None,
) -> QuerySet[Project]:
    """List the projects that the person sees, of one entity or of all; `owner` narrows all to an entity's name.

    Each word of `q` begins one of the name and the description, or is a part of the name.
    """
    rows = Project.objects.visible_to(actor.user).select_related("entity").filter(kind=Project.Kind.PROJECT)
    if entity is not None:
        rows = rows.filter(entity=entity)
    if owner:
        rows = rows.filter(named(owner))
    if q:
        asked = words.Asked(words.asked(q), (words.NAME, words.TEXT))
        having = ProjectWords.objects.filter(words__have=asked)
        rows = rows.filter(pk__in=having.values("pk")) if asked.words else rows.none()
    return rows.filter(visibility=visibility) if visibility else rows


def newest(actor: Actor, entity: Entity) -> list[Project]:
    """Return the few projects of an entity that changed last, for who holds a role in it."""
    if actor.is_system or role_in(actor.user, entity) is not None:
        return _NEWEST.all(entity.pk)
    return []


def create(
    actor: Actor,
    *,
    entity: Entity,
    name: str,
    description: str = "",
    visibility: str = Project.Visibility.PRIVATE,
) -> Project:
    """Make a project in an entity where the person may log."""
    check(actor, Act.CREATE_PROJECT, entity)
    name = check_project_name(name)
    _refuse_reserved(name)
    _check_visibility(visibility)
    project = Project(
        entity=entity,
        name=name,
        description=check_description(description),
        visibility=visibility,
        created_by=actor.user,
    )
    try:
        with transaction.atomic():
            locks.hold_entity(entity)
            project.save()
            indexed.of_project(project)
            events.record(actor, "project.create", project=project, subject=str(project))
    except IntegrityError:
        raise NameTaken(
            f"{entity.name} has a project {name} already. Choose another name.", name=name
        ) from None
    return project


def ensure(actor: Actor, *, entity_name: str, name: str) -> Project:
    """Find a project, or make it when it is missing and the person may: what logging does."""
    found = Project.objects.at(entity_name, name)
    owner = None if found is not None else Entity.objects.named(entity_name).first()
    # Who has no role in the entity can't make one there: to them, missing and hidden are the same.
    if owner is not None and (actor.is_system or role_in(actor.user, owner) is not None):
        try:
            return create(actor, entity=owner, name=name)
        except NameTaken:
            found = Project.objects.at(entity_name, name)
    check_seen(actor, found, f"Project {entity_name}/{name}")
    assert found is not None
    return found


def edit(
    actor: Actor,
    *,
    project: Project,
    name: str | Keep = KEEP,
    description: str | Keep = KEEP,
    visibility: str | Keep = KEEP,
    seen: Seen | None = None,
) -> Project:
    """Change a project's settings; what is not given stays, and what is not as `seen` is refused."""
    check(actor, Act.EDIT_PROJECT, project)
    registries.refuse(project, "Change it by the settings of the registry.")
    wanted: dict[str, str] = {}
    if name is not KEEP:
        wanted["name"] = check_project_name(name)
        if wanted["name"] != project.name:
            _refuse_reserved(wanted["name"])
    if description is not KEEP:
        wanted["description"] = check_description(description)
    if visibility is not KEEP:
        _check_visibility(visibility)
        wanted["visibility"] = visibility
    return _save(actor, project, wanted, seen or {})


def _save(actor: Actor, project: Project, wanted: dict[str, str], seen: Seen) -> Project:
    try:
        with transaction.atomic():
            row = Project.objects.select_for_update().get(pk=project.pk)
            refuse_changed(seen, vars(row), wanted, {"description": "description"})
            before, after = changes(row, wanted)
            if after:
                Project.objects.filter(pk=row.pk).update(**after, updated_at=now())
                indexed.of_project(Project.objects.select_related("entity").get(pk=row.pk))
                events.record(actor, "project.edit", project=project, before=before, after=after)
    except IntegrityError:
        raise NameTaken(
            f"{project.entity.name} has a project {wanted['name']} already. Choose another name."
        ) from None
    project.refresh_from_db()
    return project


def may_create_in(actor: Actor, entity: Entity) -> bool:
    """Say whether pages offer the person to make a project here: what an organization owns are its registries."""
    return entity.kind != Entity.Kind.ORGANIZATION and can(actor, Act.CREATE_PROJECT, entity)


def _refuse_reserved(name: str) -> None:
    if is_registry(name):
        raise InvalidInput('Names that begin with "wandb-registry-" are for registries. Choose another name.')


def _check_visibility(visibility: str) -> None:
    if visibility not in Project.Visibility.values:
        raise InvalidInput(f'"{visibility}" is not a visibility. Choose "private" or "organization".')
