"""When something was last changed: what lists are sorted by, and what "Updated" shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from registry.models import Collection, Event, Membership, Project, Version
from registry.services._common import now

# A project is written to at most this often: every commit of all its collections would wait for this one row.
_EVERY = timedelta(minutes=1)
# These look at what is there, or end what was deleted long ago.
_NO_CHANGE = frozenset({"version.download", "version.use", "version.purge"})


def aliases(membership: Membership, told: Sequence[Event]) -> None:
    """Note that aliases changed: of versions, in the one collection that is locked for it."""
    if told:
        losers = {event.taken_from_id for event in told if event.taken_from_id is not None}
        _edited({membership.version_id, *losers}, {membership.collection_id})


def card(membership: Membership, told: Sequence[Event]) -> None:
    """Note that a version's tags or card changed: they are its source's, too, and both are locked."""
    if told:
        _edited({membership.version_id}, {membership.collection_id, membership.version.sequence_id})


def _edited(versions: set[int], places: set[int]) -> None:
    at = now()
    Version.objects.filter(pk__in=versions).update(updated_at=at)
    Collection.objects.filter(pk__in=places).update(updated_at=at)


def projects(events: Iterable[Event]) -> None:
    """Note that something changed in the projects that events tell of; most often that was noted already."""
    changed = {event.place.pk: event.place for event in events if event.place and event.act not in _NO_CHANGE}
    at = now()
    for project in changed.values():
        if project.updated_at < at - _EVERY:
            _touch(project.pk)
            project.updated_at = at


def _touch(project_id: int) -> None:
    """Write the row unless another does so at this moment: nobody waits for it, so nothing can lock in a circle.

    The lock is of the weak kind, beside which others add collections and runs to the project.
    """
    at = now()
    stale = Project.objects.filter(pk=project_id, updated_at__lt=at - _EVERY)
    free = stale.select_for_update(skip_locked=True, no_key=True).order_by().values("pk")
    Project.objects.filter(pk__in=free).update(updated_at=at)
