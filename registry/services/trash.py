"""The trash: what was deleted waits there, with its aliases and tags, until it is purged."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from registry.actor import Actor, system
from registry.models import Membership, Project, Version, VersionTag
from registry.models.versions import MembershipQuerySet
from registry.policy import Act, check
from registry.services import clock, events
from registry.services._common import now
from registry.services._each import Each
from registry.services.restoring import Restored, restore
from registry.services.trashing import move, purge_date

__all__ = ["Restored", "listing", "move", "purge_date", "purge_due", "restore"]

_BATCH = 200


def listing(
    actor: Actor, *, project: Project, q: str | None = None, type: str | None = None
) -> MembershipQuerySet:
    """List a project's deleted versions that can still be restored, last deleted first.

    `q` is looked for in the names of their collections, without case.
    """
    check(actor, Act.VIEW, project)
    rows = Membership.objects.trashed().sources().filter(collection__project=project)
    if q:
        rows = rows.filter(collection__name__icontains=q)
    if type:
        rows = rows.filter(collection__type__name=type)
    return rows.for_listing().select_related("version__deleted_by").order_by("-version__deleted_at", "-pk")


def purge_due(at: datetime | None = None) -> int:
    """Purge what has been in the trash for its time: it can't be restored afterwards. Safe to run twice."""
    if at is None:
        at = now()
        if not clock.is_believed(at):
            return 0
    each, last = Each("versions could not be purged"), 0
    while batch := list(Version.objects.purgeable(at).filter(pk__gt=last).order_by("pk")[:_BATCH]):
        for version in batch:
            each.do(_purge, version, at)
        last = batch[-1].pk
    return each.finish()


def _purge(version: Version, at: datetime) -> bool:
    with transaction.atomic():
        # A conditional update claims it: a restore a moment before wins.
        claimed = (
            Version.objects.purgeable(at)
            .filter(pk=version.pk)
            .update(purged_at=at, manifest=None, lost_aliases=[], updated_at=at)
        )
        if claimed:
            VersionTag.objects.filter(version=version).delete()
            source = (
                Membership.objects.filter(version=version)
                .sources()
                .select_related("collection__project")
                .first()
            )
            events.record(
                system(),
                "version.purge",
                collection=source.collection if source else None,
                version=version,
                subject=source.name if source else "",
                before={"size": version.size, "digest": version.digest},
            )
    return bool(claimed)
