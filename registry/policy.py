"""Who may do what. The only reader of roles: everything else asks `check` or `can`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TypeAlias

from django.db.models import Q
from strongroom.core.targets import REGISTRY_PREFIX

from registry.actor import Actor
from registry.errors import Forbidden, NotAuthenticated, NotFound
from registry.models import (
    Entity,
    Organization,
    OrganizationMember,
    Project,
    RegistryMember,
    RegistryRole,
    Role,
    Team,
    TeamMember,
    User,
)
from registry.models.prepared import Prepared

Target: TypeAlias = Project | Entity | Team | Organization | None
AnyRole: TypeAlias = Role | RegistryRole


class Act(StrEnum):
    """What can be done; each needs one role in the entity that owns the target."""

    VIEW = "view"
    DOWNLOAD = "download"
    DISCUSS = "discuss"
    LOG = "log"
    EDIT = "edit"
    SET_TTL = "set_ttl"
    DELETE = "delete"
    LINK = "link"
    POST_CHECK = "post_check"
    PROPOSE = "propose"
    PROMOTE = "promote"
    PROMOTE_AS_ADMIN = "promote_as_admin"
    PROTECT = "protect"
    CREATE_PROJECT = "create_project"
    EDIT_PROJECT = "edit_project"
    SET_POLICY = "set_policy"
    PURGE = "purge"
    DELETE_PROJECT = "delete_project"
    DELETE_TEAM = "delete_team"
    MANAGE_MEMBERS = "manage_members"
    AUDIT = "audit"
    ADMINISTER = "administer"


NEEDS: dict[Act, AnyRole] = {
    # Which only registries give; in all else whoever has a role has more than this one.
    Act.VIEW: RegistryRole.RESTRICTED,
    Act.DOWNLOAD: Role.VIEWER,
    Act.DISCUSS: Role.VIEWER,
    Act.LOG: Role.MEMBER,
    Act.EDIT: Role.MEMBER,
    Act.SET_TTL: Role.MEMBER,
    Act.DELETE: Role.MEMBER,
    Act.LINK: Role.MEMBER,
    Act.POST_CHECK: Role.MEMBER,
    Act.PROPOSE: Role.MEMBER,
    Act.PROMOTE: Role.MEMBER,
    Act.PROMOTE_AS_ADMIN: Role.ADMIN,
    Act.PROTECT: Role.ADMIN,
    Act.CREATE_PROJECT: Role.MEMBER,
    Act.EDIT_PROJECT: Role.ADMIN,
    Act.SET_POLICY: Role.ADMIN,
    Act.PURGE: Role.ADMIN,
    Act.DELETE_PROJECT: Role.ADMIN,
    Act.DELETE_TEAM: Role.ADMIN,
    Act.MANAGE_MEMBERS: Role.ADMIN,
    Act.AUDIT: Role.ADMIN,
    Act.ADMINISTER: Role.ADMIN,
}

WORDS: dict[Act, str] = {
    Act.VIEW: "Looking at it",
    Act.DOWNLOAD: "Downloading",
    Act.DISCUSS: "Taking part in a review",
    Act.LOG: "Logging versions and runs",
    Act.EDIT: "Editing",
    Act.SET_TTL: "Changing the time-to-live of versions",
    Act.DELETE: "Deleting and restoring",
    Act.LINK: "Linking and unlinking versions",
    Act.POST_CHECK: "Posting checks, or running them again,",
    Act.PROPOSE: "Requesting a promotion",
    Act.PROMOTE: "Promoting",
    Act.PROMOTE_AS_ADMIN: "Promoting",
    Act.PROTECT: "Protecting aliases",
    Act.CREATE_PROJECT: "Creating a project",
    Act.EDIT_PROJECT: "Changing the project's settings",
    Act.SET_POLICY: "Changing a time-to-live policy",
    Act.PURGE: "Deleting for good",
    Act.DELETE_PROJECT: "Deleting a project, or restoring one,",
    Act.DELETE_TEAM: "Deleting a team, or restoring one,",
    Act.MANAGE_MEMBERS: "Changing the members",
    Act.AUDIT: "Reading the audit log",
    Act.ADMINISTER: "Administering the installation",
}

_SIGN_IN = "Sign in, or send an API key as a Bearer token."
# The role that a person holds in the team of an entity, if it is one's.
_ROLES_IN_TEAM = Prepared[list[str]](
    lambda entity, user: TeamMember.objects.filter(team__entity=entity, user=user).values_list("role")
)
_TTL_EDITORS = Prepared[list[str]](
    lambda entity: Team.objects.filter(entity=entity).values_list("ttl_editors")
)
# How many admins a refusal names.
_ASKED = 3
_RANK: dict[str, int] = {role.value: place for place, role in enumerate(RegistryRole, 1)}
# The roles that a person, or a team of theirs, was given in a registry.
_ROLES_IN_REGISTRY = Prepared[list[str]](
    lambda project, user: (
        RegistryMember.objects.filter(project=project).counting_for(user).values_list("role")
    )
)


def rank(role: AnyRole | None) -> int:
    """Order roles by growing rights; 0 is none."""
    return 0 if role is None else _RANK[role.value]


def role_in(user: User | None, entity: Entity) -> Role | None:
    """Return the role that the person holds in an entity itself, whatever a project adds."""
    if user is None or not user.is_active or entity.deleted_at is not None:
        return None
    if user.is_admin or user.entity_id == entity.pk:
        return Role.ADMIN
    if user.roles_read is None:
        return _read_role(user, entity)
    if entity.pk not in user.roles_read:
        user.roles_read[entity.pk] = _read_role(user, entity)
    return user.roles_read[entity.pk]


def _read_role(user: User, entity: Entity) -> Role | None:
    held = _ROLES_IN_TEAM.first(entity.pk, user.pk)
    if held is not None:
        return Role(held[0])
    in_organization = OrganizationMember.objects.filter(organization__entity=entity, user=user).first()
    if in_organization is not None:
        return _in_organization(in_organization.role)
    return None


def roles_in(user: User, entities: Sequence[Entity]) -> dict[int, Role]:
    """The same for several entities at once, by id; those without a role are left out."""
    ids = [entity.pk for entity in entities if entity.deleted_at is None]
    if not user.is_active:
        return {}
    if user.is_admin:
        return dict.fromkeys(ids, Role.ADMIN)
    of_teams = TeamMember.objects.filter(team__entity__in=ids, user=user)
    above = OrganizationMember.objects.filter(organization__entity__in=ids, user=user)
    found = {pk: _in_organization(held) for pk, held in above.values_list("organization__entity", "role")}
    found |= {pk: Role(held) for pk, held in of_teams.values_list("team__entity", "role")}
    return found | ({user.entity_id: Role.ADMIN} if user.entity_id in ids else {})


def _in_organization(role: str) -> Role:
    return Role.ADMIN if role == "admin" else Role.VIEWER


def _is_of_organization(user: User, entity: Entity) -> bool:
    """Is the person in the organization that this is, or whose team this is?"""
    return Entity.objects.filter(pk=entity.pk).visible_to(user).exists()


def role_for(user: User | None, project: Project) -> AnyRole | None:
    """Return the higher of the roles that apply: one's own, and what an open project gives."""
    if project.deleted_at is not None:
        return None
    if project.kind == Project.Kind.REGISTRY:
        return role_in_registry(user, project)
    held = role_in(user, project.entity)
    if held is None and user is not None and user.is_active:
        opened = project.visibility == Project.Visibility.ORGANIZATION
        if opened and _is_of_organization(user, project.entity):
            return Role.VIEWER
    return held


def holds(user: User, role: Role, project: Project) -> bool:
    """Say whether a person has at least this role in a project: what a rule of a registry asks of approvers."""
    return rank(role_for(user, project)) >= rank(role)


def role_in_registry(user: User | None, project: Project) -> RegistryRole | None:
    """Return the highest of the roles that apply in a registry.

    What was given to the person and to their teams, admin for who is admin above it, viewer where it is open.
    """
    if user is None or not user.is_active:
        return None
    if user.registry_roles_read is None:
        return _read_role_in_registry(user, project)
    if project.pk not in user.registry_roles_read:
        user.registry_roles_read[project.pk] = _read_role_in_registry(user, project)
    return user.registry_roles_read[project.pk]


def _read_role_in_registry(user: User, project: Project) -> RegistryRole | None:
    if role_in(user, project.entity) is Role.ADMIN:
        return RegistryRole.ADMIN
    given = [RegistryRole(role) for [role] in _ROLES_IN_REGISTRY.all(project.pk, user.pk)]
    opened = project.visibility == Project.Visibility.ORGANIZATION
    if opened and _is_of_organization(user, project.entity):
        given.append(RegistryRole.VIEWER)
    return max(given, key=rank, default=None)


def forget_role(user: User | None, project: Project) -> None:
    """Let what was read of a person's role in a registry count no more: it was changed in this very request."""
    if user is not None and user.registry_roles_read is not None:
        user.registry_roles_read.pop(project.pk, None)


def roles_in_registries(user: User, projects: Sequence[Project]) -> dict[int, RegistryRole]:
    """The same for several at once, by their ids; those without a role are left out."""
    if not user.is_active:
        return {}
    here = [project for project in projects if project.deleted_at is None]
    above = roles_in(user, [project.entity for project in here])
    seen = Entity.objects.visible_to(user).filter(pk__in={project.entity_id for project in here})
    open_to = set(seen.values_list("pk", flat=True))
    rows = RegistryMember.objects.filter(project__in=[project.pk for project in here]).counting_for(user)
    given: dict[int, list[RegistryRole]] = {}
    for pk, role in rows.values_list("project", "role"):
        given.setdefault(pk, []).append(RegistryRole(role))
    found = {}
    for project in here:
        held = given.get(project.pk, [])
        if project.visibility == Project.Visibility.ORGANIZATION and project.entity_id in open_to:
            held = [*held, RegistryRole.VIEWER]
        if above.get(project.entity_id) is Role.ADMIN:
            held = [RegistryRole.ADMIN]
        if held:
            found[project.pk] = max(held, key=rank)
    return found


def allowed_in_registries(actor: Actor, act: Act, projects: Sequence[Project]) -> list[Project]:
    """Return those of some registries where `can` would say so; as many queries, however many they are."""
    if actor.is_system or actor.user is None:
        return [project for project in projects if actor.is_system]
    roles = roles_in_registries(actor.user, projects)
    return [project for project in projects if rank(roles.get(project.pk)) >= rank(NEEDS[act])]


def _held(user: User, act: Act, target: Target) -> AnyRole | None:
    if isinstance(target, Project):
        return role_for(user, target)
    if isinstance(target, Team):
        return _role_in_team(user, act, target)
    if isinstance(target, Organization):
        return _held(user, act, target.entity)
    if isinstance(target, Entity):
        held = role_in(user, target)
        if held is None and act is Act.VIEW and _is_of_organization(user, target):
            return Role.VIEWER
        return held
    return Role.ADMIN if user.is_admin else Role.VIEWER


def _role_in_team(user: User, act: Act, team: Team) -> AnyRole | None:
    """Admins of the organization manage the members of its teams, and see nothing more by it."""
    if act is Act.DELETE_TEAM:
        # Not for the team itself: what goes is the organization's.
        return role_in(user, team.organization.entity) or _held(user, Act.VIEW, team)
    if team.entity.deleted_at is not None:
        return None
    held = role_in(user, team.entity)
    if rank(held) >= rank(Role.ADMIN):
        return held
    above = role_in(user, team.organization.entity)
    if above is Role.ADMIN and act in (Act.VIEW, Act.MANAGE_MEMBERS):
        return Role.ADMIN
    if held is None and act is Act.VIEW and _is_of_organization(user, team.entity):
        return Role.VIEWER
    return held


def _needed(act: Act, target: Target) -> AnyRole:
    if act is Act.SET_TTL and isinstance(target, Project) and target.entity.kind == Entity.Kind.TEAM:
        return Role.ADMIN if [Team.TtlEditors.ADMINS] in _TTL_EDITORS.all(target.entity_id) else NEEDS[act]
    if act is Act.CREATE_PROJECT and isinstance(target, Entity) and target.kind == Entity.Kind.ORGANIZATION:
        return Role.ADMIN
    return NEEDS[act]


def can(actor: Actor, act: Act, target: Target) -> bool:
    """Say whether `check` would pass."""
    if actor.is_system:
        return True
    if actor.user is None or not actor.user.is_active:
        return False
    return rank(_held(actor.user, act, target)) >= rank(_needed(act, target))


def check(actor: Actor, act: Act, target: Target) -> None:
    """Pass, or raise: NotAuthenticated for nobody, NotFound for what one may not see, else Forbidden."""
    if actor.is_system:
        return
    if actor.user is None or not actor.user.is_active:
        raise NotAuthenticated(_SIGN_IN)
    held, needed = _held(actor.user, act, target), _needed(act, target)
    if rank(held) >= rank(needed):
        return
    if held is None and not can(actor, Act.VIEW, target):
        raise _hidden(_noun(target))
    admins = _admins(target)
    raise Forbidden(
        f"{WORDS[act]} needs the role {needed.label.lower()} in {_place(target)}; {_yours(actor.user, held, target)}. "
        f"{_ask(_place(target), admins)}",
        act=act.value,
        needed=needed.value,
        held=held.value if held else None,
        ask=admins,
    )


def _yours(user: User, held: AnyRole | None, target: Target) -> str:
    """Say which role the person holds, and where it comes from when the place itself gives none."""
    if held is None or target is None:
        return "you have no role there"
    if _is_registry(target):
        return f"you are {held.label.lower()}"
    entity = target if isinstance(target, Entity) else target.entity
    if role_in(user, entity) is not None:
        return f"you are {held.value}"
    return f"you are {held.value}, by your organization"


def _admins(target: Target) -> list[str]:
    """Name some who could give the right: those who see a place may see its members, too."""
    if target is None:
        return []
    entity = target if isinstance(target, Entity) else target.entity
    team = Q(team_memberships__team__entity=entity, team_memberships__role=Role.ADMIN)
    above = Q(
        organization_memberships__organization__entity=entity, organization_memberships__role=Role.ADMIN
    )
    giving = team | above | Q(entity=entity)
    if _is_registry(target):
        giving |= Q(registry_memberships__project=target, registry_memberships__role=RegistryRole.ADMIN)
    people = User.objects.filter(giving, is_active=True).distinct()
    return list(people.order_by("username").values_list("username", flat=True)[:_ASKED])


def _ask(place: str, admins: list[str]) -> str:
    if not admins:
        return f"An admin of {place} can change that."
    named = f"{', '.join(admins[:-1])} or {admins[-1]}" if len(admins) > 1 else admins[0]
    return f"Ask an admin of {place}, such as {named}."


def check_seen(actor: Actor, target: Project | Entity | Team | Organization | None, words: str) -> None:
    """Pass when what was looked for is there and may be seen; None and hidden give the very same answer.

    `words` name it as it was asked for: the stored spelling would tell that it exists.
    """
    if not actor.is_system and (actor.user is None or not actor.user.is_active):
        raise NotAuthenticated(_SIGN_IN)
    if target is None or not can(actor, Act.VIEW, target):
        raise _hidden(words)


def _hidden(words: str) -> NotFound:
    return NotFound(f"{words} is not there, or it is not for you to see.")


def _is_registry(target: Target) -> bool:
    return isinstance(target, Project) and target.kind == Project.Kind.REGISTRY


def _noun(target: Target) -> str:
    if isinstance(target, Project):
        return f"Project {target}"
    return f"{_place(target)}".capitalize() if target is None else f"Entity {_place(target)}"


def _place(target: Target) -> str:
    if target is None:
        return "this installation"
    if isinstance(target, Project):
        return (
            f"the registry {target.name.removeprefix(REGISTRY_PREFIX)}"
            if _is_registry(target)
            else target.entity.name
        )
    return target.name if isinstance(target, Entity) else target.entity.name
