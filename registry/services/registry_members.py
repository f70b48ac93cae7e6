"""Who holds which role in a registry: people of the organization, and its teams."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce

from registry.actor import Actor
from registry.errors import InvalidInput, NotFound
from registry.models import (
    Organization,
    OrganizationMember,
    Project,
    RegistryMember,
    RegistryRole,
    Team,
    User,
    named,
)
from registry.policy import Act, check, forget_role
from registry.services import events, locks, promotion_states
from registry.services.registries import title


def listing(
    actor: Actor, *, registry: Project, q: str | None = None, role: str | None = None
) -> QuerySet[RegistryMember]:
    """List the people and teams with a role in a registry, by name; `q` is looked for in names, without case."""
    check(actor, Act.VIEW, registry)
    rows = RegistryMember.objects.filter(project=registry).select_related("user", "team__entity")
    rows = rows.filter(Q(team=None) | Q(team__entity__deleted_at=None))
    rows = rows.annotate(called=Coalesce("user__username", "team__entity__name")).order_by("called", "pk")
    if q:
        rows = rows.filter(Q(called__icontains=q) | Q(user__full_name__icontains=q))
    return rows.filter(role=role) if role else rows


def set_role(
    actor: Actor, *, registry: Project, role: str, username: str | None = None, team: str | None = None
) -> RegistryMember:
    """Give a person of the organization, or a team of it, a role, or change the one they have; safe to repeat."""
    check(actor, Act.MANAGE_MEMBERS, registry)
    if role not in RegistryRole.values:
        raise InvalidInput(
            f'"{role}" is not a role in a registry. Choose one of: {", ".join(RegistryRole.values)}.',
            field="role",
        )
    who = _named(registry, username, team)
    with transaction.atomic():
        locks.hold_project(registry)
        held, before = _put(registry, who, role)
        if before != role:
            _tell(actor, registry, held, before, role)
    return held


def _put(registry: Project, who: User | Team, role: str) -> tuple[RegistryMember, str | None]:
    """Set the role; return the row, and the role that it had."""
    whose = {"user": who} if isinstance(who, User) else {"team": who}
    held, fresh = RegistryMember.objects.get_or_create(project=registry, **whose, defaults={"role": role})
    if fresh:
        return held, None
    held = RegistryMember.objects.select_for_update(of=("self",)).get(pk=held.pk)
    before, held.role = held.role, role
    held.save(update_fields=["role"])
    return held, before


def remove(
    actor: Actor, *, registry: Project, username: str | None = None, team: str | None = None
) -> RegistryMember:
    """Take the role of a person or team away: it bites in their next request. Anyone may leave by themselves."""
    with transaction.atomic():
        held = to_remove(actor, registry=registry, username=username, team=team)
        _take(actor, held)
    return held


def to_remove(
    actor: Actor, *, registry: Project, username: str | None = None, team: str | None = None
) -> RegistryMember:
    """Find whose role is to be taken away, for who may: an admin of the registry, or the person themselves."""
    mine = actor.user is not None and (username or "").casefold() == actor.user.username.casefold()
    check(actor, Act.VIEW if mine else Act.MANAGE_MEMBERS, registry)
    return _find(registry, username, team)


def _find(registry: Project, username: str | None, team: str | None) -> RegistryMember:
    rows = RegistryMember.objects.filter(project=registry).select_related("user", "team__entity")
    called = (team or username or "").casefold()
    whose = Q(team__entity__folded=called) if team else Q(user__entity__folded=called)
    held = rows.filter(whose).first()
    if held is None:
        raise NotFound(f"{team or username} has no role of their own in the registry {title(registry)}.")
    return held


def leave(actor: Actor, *, organization: Organization, user: User) -> None:
    """Take all roles that a person has in the registries of an organization that they leave."""
    rows = RegistryMember.objects.filter(user=user, project__entity=organization.entity)
    for held in rows.select_related("user", "project__entity").order_by("pk"):
        _take(actor, held)


def _take(actor: Actor, held: RegistryMember) -> None:
    RegistryMember.objects.filter(pk=held.pk).delete()
    _tell(actor, held.project, held, held.role, None)


def _tell(
    actor: Actor, registry: Project, held: RegistryMember, before: str | None, after: str | None
) -> None:
    forget_role(actor.user, registry)
    events.record(actor, "registry.member", project=registry, subject=held.name, before=before, after=after)
    promotion_states.reconsider_registry(registry.pk)


def _named(registry: Project, username: str | None, team: str | None) -> User | Team:
    """Find whom a role is for; who is not of the organization, and who is not there, get the same answer."""
    if bool(username) == bool(team):
        raise InvalidInput("Name a person or a team, and not both.", field="username")
    above = registry.entity
    if team:
        rows = Team.objects.filter(named(team), organization__entity=above, entity__deleted_at=None)
        found: User | Team | None = rows.select_related("entity").first()
        noun, field = f"{above.name} has no team {team}", "team"
    else:
        inside = OrganizationMember.objects.filter(organization__entity=above).values("user")
        found = User.objects.filter(named(username or ""), pk__in=inside).first()
        noun, field = f"{username} is not in the organization {above.name}", "username"
    if found is None:
        raise InvalidInput(f"{noun}. Roles in a registry are for its organization.", field=field)
    return found
