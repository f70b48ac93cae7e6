"""What expires as CSV, written as it is read, for every door that offers it."""

from __future__ import annotations

from collections.abc import Iterator

from registry.http import cells
from registry.models import Membership
from registry.models.versions import MembershipQuerySet
from registry.services import expiring as expiry
from registry.services.previews import Plan

_PAGE = 500
_HEAD = ("entity", "project", "collection", "version", "size", "created", "created by", "expires")


def expiring(wanted: Plan, listed: MembershipQuerySet) -> Iterator[str]:
    """Write the versions that a plan lets expire, the first to go first; a page of rows in memory."""
    write = cells.line_writer()
    yield write(_HEAD)
    keys = listed.order_by("version__created_at", "pk")
    # The ids are few bytes each: a list that is read while others write is told as it was.
    ids = list(keys.values_list("pk", flat=True))
    for at in range(0, len(ids), _PAGE):
        some = ids[at : at + _PAGE]
        rows = Membership.objects.for_listing().without_cards().in_bulk(some)
        found = [rows[pk] for pk in some if pk in rows]
        dues = expiry.dues(wanted, found)
        for row in found:
            project, by = row.collection.project, row.version.created_by
            names = [project.entity.name, project.name, row.collection.name]
            created = row.version.created_at.isoformat(timespec="seconds")
            due = dues[row.pk].isoformat(timespec="seconds")
            who = by.username if by else ""
            yield write(
                [*map(cells.safe, names), f"v{row.number}", row.version.size, created, cells.safe(who), due]
            )
