"""Registries: projects of an organization that hold portfolios, with settings and members of their own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from strongroom.core.names import check_description, check_type_name
from strongroom.core.targets import REGISTRY_PREFIX, check_registry_name, registry_project

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, NameTaken, NotFound
from registry.models import (
    Collection,
    Entity,
    Membership,
    Organization,
    OrganizationMember,
    Project,
    ProjectWords,
    Registry,
    RegistryRole,
    words,
)
from registry.models.prepared import Prepared
from registry.policy import Act, can, check, check_seen, role_in_registry, roles_in_registries
from registry.services import aliases, events, locks
from registry.services import words as indexed
from registry.services._common import KEEP, Keep, changes, now
from registry.services.seen import Seen, refuse_changed

MOST_TYPES = 100


@dataclass(frozen=True, slots=True)
class Loss:
    """What the deletion of a registry takes away; the versions themselves stay where they were logged."""

    portfolios: int
    links: int
    members: int
    # `portfolio:alias`, without those called `latest`; and those of them that are protected and keep it.
    aliases: list[str] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)


def title(project: Project) -> str:
    """Return what people call a registry: its project's name without what all of them begin with."""
    return project.name.removeprefix(REGISTRY_PREFIX)


def settings_of(project: Project) -> Registry:
    """Return the settings of a registry that projects do not have; the defaults, where none were saved."""
    found: Registry | None = getattr(project, "registry", None)
    return Registry(project=project) if found is None else found


def find(actor: Actor, organization: str, name: str) -> Project:
    """Find a registry of an organization by its name, with or without what the names of all begin with."""
    found = Project.objects.at(organization, registry_project(name))
    words_of_it = f"Registry {organization}/{name.removeprefix(REGISTRY_PREFIX)}"
    there = found if found is not None and found.kind == Project.Kind.REGISTRY else None
    check_seen(actor, there, words_of_it)
    assert there is not None
    return there


def of_entity(entity_name: str, project_name: str) -> Project | None:
    """Return the registry of this name of the organization that an entity belongs to.

    A team names the registries of its organization, and so does a person who is in one organization alone.
    """
    entity = Entity.objects.live().named(entity_name).select_related("team__organization").first()
    if entity is None:
        return None
    if entity.kind == Entity.Kind.TEAM:
        owners = [entity.team.organization.entity_id]
    else:
        rows = OrganizationMember.objects.filter(user__entity=entity)
        owners = list(rows.values_list("organization__entity", flat=True)[:2])
    if len(owners) != 1:
        return None
    rows_of_it = Project.objects.live().filter(
        entity=owners[0], name=project_name, kind=Project.Kind.REGISTRY
    )
    return rows_of_it.select_related("entity").first()


def listing(
    actor: Actor, *, organization: Organization | None = None, q: str | None = None
) -> QuerySet[Project]:
    """List the registries that one sees, with the numbers of their `portfolios` and of the `links` in them.

    Each word of `q` begins one of the name and the description, or is a part of the name.
    """
    check(actor, Act.VIEW, organization)
    rows = Project.objects.visible_to(actor.user).filter(kind=Project.Kind.REGISTRY)
    if organization is not None:
        rows = rows.filter(entity=organization.entity)
    if q:
        asked = words.Asked(words.asked(q), (words.NAME, words.TEXT))
        having = ProjectWords.objects.filter(words__have=asked)
        rows = rows.filter(pk__in=having.values("pk")) if asked.words else rows.none()
    live = Collection.objects.live().filter(project=OuterRef("pk")).order_by().values("project")
    links = Membership.objects.committed().filter(collection__project=OuterRef("pk"))
    counted = links.filter(collection__deleted_at=None).order_by().values("collection__project")
    return rows.select_related("entity", "registry").annotate(
        portfolios=Coalesce(Subquery(live.annotate(rows=Count("pk")).values("rows")), 0),
        links=Coalesce(Subquery(counted.annotate(rows=Count("pk")).values("rows")), 0),
    )


def at_hand(actor: Actor) -> list[Project]:
    """Return some of the registries that one sees, by name: what every page leads to."""
    user = actor.user
    if user is None or not user.is_active:
        return []
    return _OF_ALL.all() if user.is_admin else _OF_PERSON.all(user.pk)


def _some(seen: QuerySet[Project]) -> QuerySet[Project]:
    rows = seen.filter(kind=Project.Kind.REGISTRY).select_related("entity", "registry")
    return rows.order_by("name", "pk")[:8]


_OF_PERSON = Prepared[Project](lambda person: _some(Project.objects.live().given_to(person)))
_OF_ALL = Prepared[Project](lambda: _some(Project.objects.live()))


def role_of(actor: Actor, project: Project) -> RegistryRole | None:
    """Return one's role in a registry, for pages and answers that show it."""
    return role_in_registry(actor.user, project)


def roles_of(actor: Actor, rows: Sequence[Project]) -> dict[int, RegistryRole]:
    """The same for several, by their ids."""
    return {} if actor.user is None else roles_in_registries(actor.user, rows)


def organizations(actor: Actor) -> list[Organization]:
    """List the organizations whose registries one may look at, by name: those that one is in, or all."""
    seen = Entity.objects.visible_to(actor.user).filter(kind=Entity.Kind.ORGANIZATION)
    rows = Organization.objects.filter(entity__in=seen.values("pk")).select_related("entity")
    return list(rows.order_by("entity__folded"))


def may_create_in(actor: Actor, organization: Organization) -> bool:
    """Say whether one may make registries of an organization."""
    return can(actor, Act.CREATE_PROJECT, organization.entity)


def create(
    actor: Actor,
    *,
    organization: Organization,
    name: str,
    description: str = "",
    icon: str = Registry.Icon.STACK,
    visibility: str = Project.Visibility.ORGANIZATION,
    accepted_types: Iterable[str] = (),
) -> Project:
    """Make a registry of an organization; `accepted_types` are the types of its portfolios, any when empty."""
    check(actor, Act.CREATE_PROJECT, organization.entity)
    project = Project(
        entity=organization.entity,
        name=check_registry_name(name),
        kind=Project.Kind.REGISTRY,
        description=check_description(description),
        visibility=_check_visibility(visibility),
        created_by=actor.user,
    )
    own = {"icon": _check_icon(icon), "accepted_types": _check_types(accepted_types)}
    try:
        with transaction.atomic():
            locks.hold_entity(organization.entity)
            project.save()
            Registry.objects.create(project=project, **own)
            indexed.of_project(project)
            after = {"visibility": visibility, "accepted_types": own["accepted_types"]}
            events.record(actor, "registry.create", project=project, subject=title(project), after=after)
    except IntegrityError:
        raise _taken(project) from None
    return project


def edit(
    actor: Actor,
    *,
    registry: Project,
    name: str | Keep = KEEP,
    description: str | Keep = KEEP,
    icon: str | Keep = KEEP,
    visibility: str | Keep = KEEP,
    accepted_types: Iterable[str] | Keep = KEEP,
    seen: Seen | None = None,
) -> Project:
    """Change a registry's settings, all or nothing; what is not given stays, what is not as `seen` is refused."""
    check(actor, Act.EDIT_PROJECT, registry)
    wanted: dict[str, Any] = {}
    if name is not KEEP:
        wanted["name"] = check_registry_name(name)
    if description is not KEEP:
        wanted["description"] = check_description(description)
    if visibility is not KEEP:
        wanted["visibility"] = _check_visibility(visibility)
    own: dict[str, Any] = {}
    if icon is not KEEP:
        own["icon"] = _check_icon(icon)
    if accepted_types is not KEEP:
        own["accepted_types"] = _check_types(accepted_types)
    try:
        with transaction.atomic():
            _save(actor, registry, wanted, own, seen or {})
    except IntegrityError:
        raise _taken(Project(entity=registry.entity, name=str(wanted["name"]))) from None
    registry.refresh_from_db()
    return registry


def _save(actor: Actor, registry: Project, wanted: dict[str, Any], own: dict[str, Any], seen: Seen) -> None:
    row = Project.objects.select_for_update().get(pk=registry.pk)
    if row.deleted_at is not None:
        raise NotFound(f"The registry {title(registry)} was deleted meanwhile. Nothing was changed.")
    settings = settings_of(row)
    present = {**vars(row), **vars(settings), "name": title(row)}
    named = {**wanted, **({"name": wanted["name"].removeprefix(REGISTRY_PREFIX)} if "name" in wanted else {})}
    refuse_changed(seen, present, named | own, {"description": "description", "accepted_types": "types"})
    before, after = changes(row, wanted)
    own_before, own_after = changes(settings, own)
    if own_after.get("accepted_types"):
        _refuse_in_use(row, own_after["accepted_types"])
    if after:
        Project.objects.filter(pk=row.pk).update(**after, updated_at=now())
        indexed.of_project(Project.objects.select_related("entity").get(pk=row.pk))
    if own_after:
        Registry.objects.update_or_create(project=row, defaults=own_after)
    if after or own_after:
        before, after = before | own_before, after | own_after
        events.record(
            actor, "registry.edit", project=registry, subject=title(row), before=before, after=after
        )


def _refuse_in_use(project: Project, accepted: list[str]) -> None:
    other = Collection.objects.live().filter(project=project).exclude(type__name__in=accepted)
    found = other.order_by("name").values_list("name", "type__name").first()
    if found is not None:
        raise Conflict(
            f'{found[0]} holds versions of the type "{found[1]}", which the registry would not take any more. '
            f"Accept that type, too, or delete {found[0]} first.",
            field="accepted_types",
        )


def refuse_type(project: Project, type: str) -> None:
    """Raise Conflict when a registry does not take versions of a type, naming those that it takes."""
    # Read anew: the settings at hand may be older than the lock.
    rows = Registry.objects.filter(project=project)
    [accepted] = rows.values_list("accepted_types", flat=True) or [[]]
    if accepted and type not in accepted:
        raise Conflict(
            f'The registry {title(project)} takes versions of the type {_listed(accepted)}, not "{type}". '
            "Choose another registry, or ask an admin of it to accept that type.",
            accepted_types=accepted,
        )


def loss(actor: Actor, *, registry: Project) -> Loss:
    """Say what goes when a registry is deleted."""
    check(actor, Act.DELETE_PROJECT, registry)
    live = Collection.objects.live().filter(project=registry)
    links = Membership.objects.registered().committed().filter(collection__project=registry)
    held = [name for name in aliases.held_in(registry) if not name.endswith(f":{aliases.LATEST}")]
    members = registry.registry_members.count()
    return Loss(live.count(), links.count(), members, held, aliases.protected_in(registry))


def refuse(project: Project, what: str) -> None:
    """Raise Conflict when a project is a registry, which is told apart from others; `what` says what to do instead."""
    if project.kind == Project.Kind.REGISTRY:
        raise Conflict(f"{project} is a registry. {what}")


def _taken(project: Project) -> NameTaken:
    return NameTaken(
        f"{project.entity.name} has a registry {title(project)} already. Choose another name.",
        name=title(project),
    )


def _check_visibility(visibility: str) -> str:
    if visibility not in Project.Visibility.values:
        raise InvalidInput(
            f'"{visibility}" is not a visibility. Choose "private" or "organization".', field="visibility"
        )
    return visibility


def _check_icon(icon: str) -> str:
    if icon not in Registry.Icon.values:
        known = ", ".join(Registry.Icon.values)
        raise InvalidInput(f'"{icon}" is not an icon. Choose one of: {known}.', field="icon")
    return icon


def _check_types(names: Iterable[str]) -> list[str]:
    if isinstance(names, str | bytes | dict):
        raise InvalidInput("Accepted types are given as a list of texts.", field="accepted_types")
    found = sorted({check_type_name(name) for name in names})
    if len(found) > MOST_TYPES:
        raise InvalidInput(f"A registry names at most {MOST_TYPES} types.", field="accepted_types")
    return found


def _listed(names: Sequence[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
