"""Organizations, teams, and the people in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias

from django.db import IntegrityError, transaction
from django.db.models import Count, Prefetch, Q, QuerySet
from strongroom.core.names import check_entity_name
from strongroom.core.ttl import parse_ttl

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, NameTaken, NotFound
from registry.models import Entity, Organization, OrganizationMember, Role, Team, TeamMember, User, named
from registry.models.prepared import Prepared
from registry.policy import Act, can, check, check_seen, role_in, roles_in
from registry.services import (
    accounts,
    events,
    policies,
    promotion_states,
    registry_members,
    retention,
    trashing,
    ttl_rules,
)
from registry.services._common import KEEP, Keep, changes, now
from registry.services.seen import Seen, refuse_changed, written

Place: TypeAlias = Organization | Team
LONGEST_TRASH = 36500
_MEMBERSHIPS = Prepared[TeamMember](
    lambda user: (
        TeamMember.objects.filter(user=user, team__entity__deleted_at=None)
        .select_related("team__entity")
        .order_by("team__entity__folded")
    )
)


def create_organization(actor: Actor, *, name: str) -> Organization:
    """Make an organization; whoever makes it is its first admin."""
    check(actor, Act.ADMINISTER, None)
    with transaction.atomic():
        organization = Organization.objects.create(entity=_entity(name, Entity.Kind.ORGANIZATION))
        if actor.user is not None:
            OrganizationMember.objects.create(organization=organization, user=actor.user, role="admin")
        events.record(actor, "organization.create", entity=organization.entity, subject=name)
    return organization


def create_team(actor: Actor, *, name: str, organization: Organization) -> Team:
    """Make a team; whoever makes it is its first admin."""
    check(actor, Act.MANAGE_MEMBERS, organization)
    with transaction.atomic():
        team = Team.objects.create(entity=_entity(name, Entity.Kind.TEAM), organization=organization)
        if actor.user is not None:
            _let_in(actor, organization, actor.user)
            TeamMember.objects.create(team=team, user=actor.user, role=Role.ADMIN)
        events.record(actor, "team.create", entity=team.entity, subject=name)
    return team


def create_named_team(actor: Actor, *, name: str, organization: str) -> Team:
    """The same, for the organization of a name."""
    try:
        place = find_organization(actor, organization)
    except NotFound as error:
        raise InvalidInput(str(error), field="organization") from None
    return create_team(actor, name=name, organization=place)


def organizations(actor: Actor, *, q: str | None = None) -> QuerySet[Organization]:
    """List all organizations with their teams, and the number of `people` in each."""
    check(actor, Act.ADMINISTER, None)
    teams = Team.objects.filter(entity__deleted_at=None).select_related("entity").order_by("entity__folded")
    rows = Organization.objects.annotate(people=Count("members")).select_related("entity")
    rows = rows.prefetch_related(Prefetch("teams", teams)).order_by("entity__folded")
    if not q:
        return rows
    holding = teams.filter(entity__name__icontains=q).order_by().values("organization")
    return rows.filter(Q(entity__name__icontains=q) | Q(pk__in=holding))


def only_organization(actor: Actor) -> str:
    """Return the name of the organization where there is no other; else nothing."""
    check(actor, Act.ADMINISTER, None)
    names = list(Organization.objects.values_list("entity__name", flat=True)[:2])
    return names[0] if len(names) == 1 else ""


def of_organization(actor: Actor, organization: Organization, *, q: str | None = None) -> QuerySet[Team]:
    """List the teams of an organization by name, each with the number of `people` in it."""
    check(actor, Act.VIEW, organization)
    rows = Team.objects.filter(organization=organization, entity__deleted_at=None).select_related("entity")
    rows = rows.annotate(people=Count("members")).order_by("entity__folded")
    return rows.filter(entity__name__icontains=q) if q else rows


def add_member(actor: Actor, *, place: Place, user: User, role: str) -> None:
    """Give a person a role, or change the one they have; safe to repeat.

    Who joins a team joins its organization: that takes somebody who may add to the organization (else Conflict).
    """
    check(actor, Act.MANAGE_MEMBERS, place)
    _check_role(place, role)
    with transaction.atomic():
        if isinstance(place, Team):
            _let_in(actor, place.organization, user)
        held = _lock(place).filter(user=user).first()
        if held is not None and held.role == role:
            return
        if held is not None:
            _keep_an_admin(place, user, role)
        place.members.update_or_create(user=user, defaults={"role": role})
        events.record(
            actor,
            "member.role",
            entity=place.entity,
            subject=user.username,
            before=held.role if held else None,
            after=role,
        )
        promotion_states.reconsider([user])


def _let_in(actor: Actor, organization: Organization, user: User) -> None:
    """Make a person a member of the organization, unless they are in it; it is locked before its teams."""
    if _lock(organization).filter(user=user).exists():
        return
    if not can(actor, Act.MANAGE_MEMBERS, organization):
        raise Conflict(
            f"{user.username} is not in the organization {organization}, and to bring people into it is for its"
            f" admins. Ask one of them to add {user.username} to {organization} first, or to the team at once.",
            field="username",
        )
    organization.members.create(user=user, role="member")
    events.record(
        actor, "member.role", entity=organization.entity, subject=user.username, before=None, after="member"
    )


def remove_member(actor: Actor, *, place: Place, user: User) -> None:
    """Take a person's role away: it bites in their next request. Anyone may leave by themselves.

    Out of an organization is out of all its teams and registries, too: else they would go on seeing what is open to it.
    """
    if actor.user != user:
        check(actor, Act.MANAGE_MEMBERS, place)
    with transaction.atomic():
        left = [_leave(actor, each, user) for each in _places_in(place)]
        if isinstance(place, Organization):
            registry_members.leave(actor, organization=place, user=user)
        if not any(left):
            raise NotFound(f"{user.username} is not a member of {place.entity.name}.")


def _places_in(place: Place) -> list[Place]:
    """The place, and the teams of an organization; always in this order, so that no two wait for each other."""
    if isinstance(place, Team):
        return [place]
    return [place, *place.teams.select_related("entity").order_by("pk")]


def _leave(actor: Actor, place: Place, user: User) -> bool:
    """Take a person out of one place; False when they were not in it."""
    held = _lock(place).filter(user=user).first()
    if held is None:
        return False
    _keep_an_admin(place, user, None)
    held.delete()
    events.record(
        actor, "member.remove", entity=place.entity, subject=user.username, before=held.role, after=None
    )
    promotion_states.reconsider([user])
    return True


def set_role(actor: Actor, *, place: Place, username: str, role: str) -> TeamMember | OrganizationMember:
    """Give the person of this name a role; only who may do so learns which names of people exist."""
    check(actor, Act.MANAGE_MEMBERS, place)
    person = accounts.find(actor, username, place=place)
    add_member(actor, place=place, user=person, role=role)
    return members(actor, place=place).get(user=person)


def add_named(actor: Actor, *, place: Place, username: str, role: str) -> User:
    """Give the person of this name a role, for forms that are filled in."""
    check(actor, Act.MANAGE_MEMBERS, place)
    try:
        person = accounts.find(actor, username, place=place)
    except NotFound as unknown:
        raise InvalidInput(str(unknown), field="username") from None
    add_member(actor, place=place, user=person, role=role)
    return person


def remove_named(actor: Actor, *, place: Place, username: str) -> User:
    """Take the role of the person of this name away."""
    person = to_remove(actor, place=place, username=username)
    remove_member(actor, place=place, user=person)
    return person


def to_remove(actor: Actor, *, place: Place, username: str) -> User:
    """Find who is to be taken out; to leave oneself needs no right to look others up."""
    if actor.user is not None and actor.user.username.casefold() == username.casefold():
        return actor.user
    return accounts.find(actor, username, place=place)


def edit_settings(
    actor: Actor,
    *,
    team: Team,
    ttl: str | int | Keep | None = KEEP,
    ttl_editors: str | Keep = KEEP,
    inherited_ttl_spares_aliased: bool | Keep = KEEP,
    trash_days: int | Keep | None = KEEP,
    kept_newest: int | Keep = KEEP,
    ttl_grace_until: datetime | Keep | None = KEEP,
    seen: Seen | None = None,
    preview: str | None = None,
) -> Team:
    """Change how long a team's versions live and who may say otherwise, all or nothing.

    What is not given stays; what is not as `seen` is refused, and so is what would delete something else than the
    `preview` said, whose token this is. The event keeps what was confirmed.
    """
    check(actor, Act.SET_POLICY, team)
    given = {
        "ttl_editors": ttl_editors,
        "inherited_ttl_spares_aliased": inherited_ttl_spares_aliased,
        "kept_newest": kept_newest,
        "ttl_grace_until": ttl_grace_until,
        "trash_days": trash_days,
    }
    wanted = check_settings({name: value for name, value in given.items() if value is not KEEP})
    confirmed = _confirm(actor, team, ttl, wanted, preview)
    with transaction.atomic():
        row = Team.objects.select_for_update().get(pk=team.pk)
        refuse_changed(seen or {}, written(vars(row)), written(wanted))
        before, after = changes(row, wanted)
        if after:
            Team.objects.filter(pk=row.pk).update(**after)
            if "trash_days" in after:
                trashing.lengthen(team.entity)
        told = ttl is not KEEP and retention.put_policy(
            actor, target=team.entity, wanted=parse_ttl(ttl), seen=seen, confirmed=confirmed
        )
        if after:
            _record(
                actor,
                team,
                before,
                written(after) | ({"preview": confirmed} if confirmed and not told else {}),
            )
    team.refresh_from_db(fields=list(given))
    return team


def _confirm(
    actor: Actor, team: Team, ttl: str | int | Keep | None, wanted: dict[str, Any], preview: str | None
) -> dict[str, Any] | None:
    """Return what the preview said of these settings, where one was confirmed."""
    if preview is None:
        return None
    names = {
        "inherited_ttl_spares_aliased": "spares_aliased",
        "kept_newest": "kept_newest",
        "ttl_grace_until": "grace_until",
    }
    return retention.confirm_preview(
        actor,
        target=team.entity,
        ttl=policies.read(actor, target=team.entity).ttl if ttl is KEEP else parse_ttl(ttl),
        rules={names[name]: value for name, value in wanted.items() if name in names},
        preview=preview,
    )


def _record(actor: Actor, team: Team, before: dict[str, Any], after: dict[str, Any]) -> None:
    events.record(
        actor, "team.edit", entity=team.entity, subject=team.entity.name, before=written(before), after=after
    )


def check_settings(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return settings of a team, or refuse one that is none."""
    if "ttl_editors" in wanted:
        _check_editors(wanted["ttl_editors"])
    if "kept_newest" in wanted:
        ttl_rules.check_kept_newest(wanted["kept_newest"])
    if "ttl_grace_until" in wanted:
        ttl_rules.check_grace(wanted["ttl_grace_until"], now())
    if "trash_days" in wanted:
        _check_days(wanted["trash_days"])
    return wanted


def members(
    actor: Actor, *, place: Place, q: str | None = None, role: str | None = None
) -> QuerySet[TeamMember] | QuerySet[OrganizationMember]:
    """List the people of a team or organization by name; `q` is looked for in both their names."""
    check(actor, Act.VIEW, place)
    rows = _members(place).select_related("user").order_by("user__username")
    if q:
        rows = rows.filter(Q(user__username__icontains=q) | Q(user__full_name__icontains=q))
    return rows.filter(role=role) if role else rows


def belonging(actor: Actor, *, q: str | None = None, kind: str | None = None) -> QuerySet[Entity]:
    """List the entities in which one holds a role oneself: one's own, one's teams and organizations."""
    check(actor, Act.VIEW, None)
    rows = Entity.objects.none() if actor.user is None else Entity.objects.with_role(actor.user)
    if q:
        rows = rows.filter(name__icontains=q)
    return rows.filter(kind=kind) if kind else rows


def entities_of(actor: Actor) -> list[tuple[Entity, Role]]:
    """List one's own entity and those of one's teams, each with one's role there."""
    if actor.user is None:
        return []
    own: list[tuple[Entity, Role]] = [(actor.user.entity, Role.ADMIN)]
    return own + [(row.team.entity, Role(row.role)) for row in _MEMBERSHIPS.all(actor.user.pk)]


def find_entity(actor: Actor, name: str) -> Entity:
    """Find an entity that the person may see."""
    entity = (
        Entity.objects.live()
        .named(name)
        .select_related("user", "team__organization__entity", "organization")
        .first()
    )
    check_seen(actor, entity and _place_of(entity), f'Entity "{name}"')
    assert entity is not None
    return entity


def find_team(actor: Actor, name: str) -> Team:
    """Find a team that the person may see."""
    team = (
        Team.objects.filter(named(name), entity__deleted_at=None)
        .select_related("entity", "organization__entity")
        .first()
    )
    check_seen(actor, team, f'Team "{name}"')
    assert team is not None
    return team


def find_place(actor: Actor, name: str) -> Place:
    """Find a team or an organization that the person may see: what has members."""
    entity = find_entity(actor, name)
    if entity.kind == Entity.Kind.USER:
        raise NotFound(f"{entity.name} is a person, not a team: nobody else belongs to it.")
    return find_team(actor, name) if entity.kind == Entity.Kind.TEAM else find_organization(actor, name)


def find_organization(actor: Actor, name: str) -> Organization:
    """Find an organization that the person may see."""
    found = Organization.objects.filter(named(name)).select_related("entity").first()
    check_seen(actor, found, f'Organization "{name}"')
    assert found is not None
    return found


def organization_of(entity: Entity) -> Organization | None:
    """Return the organization that an entity is, or whose team it is; a person may be in several."""
    above = Q(entity=entity) | Q(teams__entity=entity)
    return Organization.objects.filter(above).select_related("entity").first()


def role_of(actor: Actor, entity: Entity) -> Role | None:
    """Return one's role in an entity, for pages that show it."""
    return role_in(actor.user, entity)


def roles_of(actor: Actor, entities: Sequence[Entity]) -> dict[int, Role]:
    """The same for several, by their ids."""
    return {} if actor.user is None else roles_in(actor.user, entities)


def _place_of(entity: Entity) -> Entity | Team:
    return entity.team if entity.kind == Entity.Kind.TEAM else entity


def _entity(name: str, kind: Entity.Kind) -> Entity:
    check_entity_name(name)
    try:
        with transaction.atomic():
            return Entity.objects.create(name=name, folded=name.casefold(), kind=kind)
    except IntegrityError:
        raise NameTaken(f'The name "{name}" is taken. Choose another.', name=name) from None


def _members(place: Place) -> QuerySet[TeamMember] | QuerySet[OrganizationMember]:
    return place.members.all()


def _lock(place: Place) -> QuerySet[TeamMember] | QuerySet[OrganizationMember]:
    """Lock the place, not the person's row: two admins who remove each other at once wait for one another."""
    type(place).objects.select_for_update().get(pk=place.pk)
    return _members(place)


def _check_role(place: Place, role: str) -> None:
    known = [str(r) for r in Role] if isinstance(place, Team) else ["member", "admin"]
    if role not in known:
        raise InvalidInput(f'"{role}" is not a role here. Choose one of: {", ".join(known)}.', field="role")


def _check_editors(value: str) -> str:
    if value not in Team.TtlEditors.values:
        raise InvalidInput(
            f'"{value}" is not who may change a time-to-live. Choose one of: {", ".join(Team.TtlEditors.values)}.',
            field="ttl_editors",
        )
    return value


def _check_days(value: int | None) -> int | None:
    if value is not None and not 0 <= value <= LONGEST_TRASH:
        raise InvalidInput(
            f"A trash period has from 0 to {LONGEST_TRASH} days; leave it out to have that of the installation.",
            field="trash_days",
        )
    return value


def _keep_an_admin(place: Place, user: User, role: str | None) -> None:
    """A place that has an admin keeps one: nobody could let anyone in again."""
    admins = _members(place).filter(role="admin")
    if role != "admin" and admins.filter(user=user).exists() and not admins.exclude(user=user).exists():
        raise Conflict(
            f"{user.username} is the last admin of {place.entity.name}. Make somebody else admin first."
        )
