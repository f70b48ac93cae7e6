"""Teams in the trash: deleted with all projects, brought back with what went with them, purged."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from registry.actor import Actor, system
from registry.errors import ChangedMeanwhile, Gone, NotFound, NotInTrash
from registry.models import Entity, Organization, Project, Team, named
from registry.policy import Act, can, check, check_seen
from registry.services import clock, events, project_trash, trashing
from registry.services._common import DeleteAliases, now
from registry.services._each import Each
from registry.services.project_trash import RestoredProject


def delete(actor: Actor, *, team: Team, delete_aliases: DeleteAliases = False) -> None:
    """Move a team to the trash with its projects: gone for everybody; its name stays taken until it is purged.

    `delete_aliases` is as for a project. Its people stay in the organization, and are in it again when it comes back.
    """
    check(actor, Act.DELETE_TEAM, team)
    at = now()
    with transaction.atomic():
        entity = _lock(team.entity_id)
        if entity.deleted_at is not None:
            raise NotFound("This team is not there any more: it was deleted meanwhile.")
        found = _live(entity)
        whole = all(project_trash.bury(actor, pk, delete_aliases, at) for pk in found)
        if not whole or _live(entity):
            raise ChangedMeanwhile(
                f"New projects or collections came to {entity} while it was deleted. Nothing was changed. "
                f"Delete it again.",
                field="team",
                now=None,
            )
        until = trashing.purge_date(at, entity)
        Entity.objects.filter(pk=entity.pk).update(deleted_at=at, purge_at=until)
        events.record(
            actor,
            "team.delete",
            entity=team.organization.entity,
            subject=entity.name,
            before={"projects": len(found)},
            after={"purge_at": until.isoformat()},
        )


def _lock(entity_id: int) -> Entity:
    """Lock an entity, beside whom others may store: only two deletions of it wait for each other."""
    return Entity.objects.select_for_update(of=("self",), no_key=True).get(pk=entity_id)


def _live(entity: Entity) -> list[int]:
    return list(Project.objects.live().filter(entity=entity).order_by("pk").values_list("pk", flat=True))


def deleted(actor: Actor, *, organization: Organization) -> QuerySet[Team]:
    """List the deleted teams of an organization that can be restored; for its admins."""
    check(actor, Act.MANAGE_MEMBERS, organization)
    rows = Team.objects.filter(organization=organization, entity__deleted_at__isnull=False)
    return rows.filter(entity__purge_at__gt=now()).select_related("entity").order_by("-entity__deleted_at")


def find_deleted(actor: Actor, name: str) -> Team:
    """Find a deleted team by its name; for who may restore it."""
    found = Team.objects.filter(named(name)).select_related("entity", "organization__entity").first()
    if found is None or (found.entity.deleted_at is not None and not can(actor, Act.DELETE_TEAM, found)):
        check_seen(actor, None, f'Team "{name}"')
    assert found is not None
    check(actor, Act.DELETE_TEAM, found)
    return found


def restore(actor: Actor, *, team: Team) -> list[RestoredProject]:
    """Bring a team back with its people and the projects that were deleted with it; others stay in the trash."""
    check(actor, Act.DELETE_TEAM, team)
    at = now()
    with transaction.atomic():
        entity = _lock(team.entity_id)
        if entity.deleted_at is None:
            raise NotInTrash(f"{entity} is not in the trash: there is nothing to restore.")
        if entity.purged_at is not None or entity.purge_at is None or entity.purge_at <= at:
            raise Gone(f"{entity} was deleted on {entity.deleted_at:%Y-%m-%d}, and was purged since.")
        mine = Project.objects.filter(entity=entity, deleted_at=entity.deleted_at).order_by("pk")
        Entity.objects.filter(pk=entity.pk).update(deleted_at=None, purge_at=None)
        back = [project_trash.bring_back(actor, project, at) for project in list(mine)]
        events.record(actor, "team.restore", entity=team.organization.entity, subject=entity.name)
    return back


def purge_due(at: datetime | None = None) -> int:
    """Let go of teams whose time in the trash is over, and free their names. Safe to repeat."""
    if (at := clock.moment(at)) is None:
        return 0
    each = Each("teams could not be purged")
    due = Entity.objects.filter(deleted_at__isnull=False, purged_at=None, purge_at__lte=at)
    for pk in list(due.values_list("pk", flat=True)):
        each.do(_purge, pk, at)
    return each.finish()


def _purge(entity_id: int, at: datetime) -> int:
    with transaction.atomic():
        entity = _lock(entity_id)
        if entity.purged_at is not None or entity.purge_at is None or entity.purge_at > at:
            return 0
        # No name that anybody may choose holds this sign.
        folded = f"{entity.folded[:100]}#{entity.pk}"
        Entity.objects.filter(pk=entity.pk).update(purged_at=at, folded=folded)
        owner = Team.objects.select_related("organization__entity").get(entity=entity).organization.entity
        events.record(system(), "team.purge", entity=owner, subject=entity.name)
    return 1
