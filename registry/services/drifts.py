"""What the drift watch found, for who looks: of a version, of its files, of what somebody logged; and "check now"."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL
from strongroom.core.entries import Entry
from strongroom.core.references.base import State

from registry.actor import Actor
from registry.errors import InvalidInput, InvalidQuery, RateLimited
from registry.models import Membership, Project, ReferenceDrift, ReferenceWatch, Version
from registry.models.prepared import Prepared
from registry.policy import Act, check
from registry.services import watching
from registry.services._common import now
from registry.services.drift_rows import path_key, place_key
from registry.services.looking import is_watched
from registry.services.sourcing import check_source

STATES = tuple(ReferenceDrift.State.values)
# Words that a search knows besides: all as recorded, any that is not, and not looked at yet.
OK, ANY, UNCHECKED = "ok", "any", "unchecked"
WORDS = (*STATES, OK, ANY, UNCHECKED)
# Not more often by hand, and for how long home says that something changed.
ASK_EVERY = timedelta(minutes=5)
_NEWS = timedelta(days=14)
# Written out, as the index of these few among all has it: SQLite doesn't see that parameters are the same.
_NOT_OK = RawSQL(  # fixed text
    "registry_referencewatch.state IN ('changed', 'missing', 'unreachable')", [], output_field=BooleanField()
)
# Most people have none: that is seen before the list is composed, which takes longer.
_HAS_ANY = Prepared[list[int]](
    lambda user: (
        ReferenceWatch.objects.filter(_NOT_OK, _logged_by(user))
        .order_by("-state_since")
        .values_list("pk")[:1]
    )
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one reference stands; `drift` is there when it is not as it was recorded, `found_at` when it was looked at.

    `state` is "ok", one of `STATES`, "unchecked", or "unwatched": nothing was recorded that could be compared.
    """

    state: str
    found_at: datetime | None = None
    drift: ReferenceDrift | None = None


def of_version(actor: Actor, membership: Membership) -> ReferenceWatch | None:
    """Return how a version's references were found; None for one that has none, or whose were not counted yet."""
    check(actor, Act.VIEW, membership.collection.project)
    return ReferenceWatch.objects.filter(version=membership.version_id).first()


def of_versions(rows: Iterable[Membership]) -> dict[int, ReferenceWatch]:
    """Return the same of many that somebody was shown, by the ids of the versions."""
    found = ReferenceWatch.objects.filter(version__in=[row.version_id for row in rows])
    return {watch.version_id: watch for watch in found}


def listing(
    actor: Actor, *, membership: Membership, state: str | None = None, q: str | None = None
) -> QuerySet[ReferenceDrift]:
    """List the references of a version that are not as they were recorded; `q` are words of path, URI or reason."""
    check(actor, Act.VIEW, membership.collection.project)
    rows = ReferenceDrift.objects.filter(watch__version=membership.version_id)
    if state:
        if state not in STATES:
            raise InvalidQuery(
                f'"{state[:80]}" is no state to list. Choose {", ".join(STATES)}.', field="state"
            )
        rows = rows.filter(state=state)
    for word in (q or "").split():
        rows = rows.filter(Q(path__icontains=word) | Q(uri__icontains=word) | Q(why__icontains=word))
    return rows


def standings(
    actor: Actor, membership: Membership, entries: Iterable[Entry], watch: ReferenceWatch | None = None
) -> dict[str, Standing]:
    """Say how the references among some entries stand, by their paths; in two queries at most."""
    check(actor, Act.VIEW, membership.collection.project)
    wanted = [entry for entry in entries if entry.ref is not None and entry.sha256 is None]
    if not wanted:
        return {}
    watch = watch or ReferenceWatch.objects.filter(version=membership.version_id).first()
    if watch is None:
        return {entry.path: Standing(_of_nothing(entry)) for entry in wanted}
    keys, places = [path_key(entry.path) for entry in wanted], {place_key(entry) for entry in wanted}
    found = list(watch.drifts.filter(Q(path_sha256__in=keys) | Q(place_sha256__in=places)))
    rows = {row.path: row for row in found}
    whole = {bytes(row.place_sha256): row for row in found if row.place_sha256 is not None}
    return {
        entry.path: _standing(entry, watch, rows.get(entry.path) or _of_place(entry, whole))
        for entry in wanted
    }


def of_person(
    actor: Actor, *, limit: int, at: datetime | None = None
) -> list[tuple[Membership, ReferenceWatch]]:
    """List what the person logged whose references changed or went lately, where they may still see it; last first."""
    if actor.user is None or not _HAS_ANY.all(actor.user.pk):
        return []
    seen = Project.objects.visible_to(actor.user).values("pk")
    rows = ReferenceWatch.objects.filter(_NOT_OK, state_since__gt=(at or now()) - _NEWS)
    mine = rows.exclude(state=State.UNREACHABLE).filter(_logged_by(actor.user.pk, sequence__project__in=seen))
    found = {watch.version_id: watch for watch in mine.order_by("-state_since", "-pk")[:limit]}
    places = Membership.objects.sources().filter(version__in=list(found))
    held = {row.version_id: row for row in places.select_related("collection__project__entity")}
    return [(held[pk], watch) for pk, watch in found.items() if pk in held]


def _logged_by(user: int, **also: Any) -> Exists:
    """Match what refers to a version that the person logged: not joined, or SQLite would begin at all versions."""
    logged = Version.objects.filter(pk=OuterRef("version"), created_by=user, state=Version.State.COMMITTED)
    return Exists(logged.filter(**also))


def ask(actor: Actor, *, membership: Membership, at: datetime | None = None) -> ReferenceWatch:
    """Have the references of a version looked at now; one that is being looked at goes on as it does."""
    check_source(actor, Act.EDIT, membership)
    at = at or now()
    with transaction.atomic():
        row = ReferenceWatch.objects.select_for_update().filter(version=membership.version_id).first()
        if row is None:
            raise InvalidInput(f"{membership.name} has no references to check.")
        if row.begun_at is not None or row.asked_at is not None:
            return row
        _refuse_soon(row, at)
        row.asked_at = row.next_at = at
        row.save(update_fields=["asked_at", "next_at"])
    watching.wake(membership.version_id)
    return row


def is_under_way(watch: ReferenceWatch) -> bool:
    """Say whether a look has begun or was asked for."""
    return watch.begun_at is not None or watch.asked_at is not None


def narrowing(word: str) -> Q | None:
    """Return the condition of a word of `WORDS` on versions' places; None for another word."""
    drifted = Q(version__watch__changed__gt=0) | Q(version__watch__missing__gt=0)
    drifted |= Q(version__watch__unreachable__gt=0)
    if word in STATES:
        return Q((f"version__watch__{word}__gt", 0))
    if word == UNCHECKED:
        return Q(version__watch__isnull=False, version__watch__checked_at=None)
    if word == OK:
        none = Q(version__watch__changed=0, version__watch__missing=0, version__watch__unreachable=0)
        return Q(version__watch__checked_at__isnull=False) & none
    return drifted if word == ANY else None


def period() -> timedelta | None:
    """Return how often references are looked at by themselves; None for never."""
    return watching.interval() if settings.DRIFT_HOURS else None


def _refuse_soon(row: ReferenceWatch, at: datetime) -> None:
    if row.checked_at is None or row.checked_at + ASK_EVERY <= at:
        return
    wait = row.checked_at + ASK_EVERY - at
    minutes = -(-int(wait.total_seconds()) // 60) or 1
    raise RateLimited(
        f"These references were checked a moment ago. Try again in {minutes} minute{'s' if minutes > 1 else ''}.",
        retry_after=int(wait.total_seconds()) + 1,
    )


def _of_place(entry: Entry, whole: dict[bytes, ReferenceDrift]) -> ReferenceDrift | None:
    return whole.get(place_key(entry)) if whole and is_watched(entry) else None


def _standing(entry: Entry, watch: ReferenceWatch, row: ReferenceDrift | None) -> Standing:
    if row is not None:
        return Standing(row.state, row.checked_at, row)
    if not is_watched(entry):
        return Standing("unwatched")
    if watch.begun_at is not None and watch.after and entry.path <= watch.after:
        return Standing("ok", watch.begun_at)
    return Standing("ok", watch.checked_at) if watch.checked_at else Standing("unchecked")


def _of_nothing(entry: Entry) -> str:
    return "unchecked" if is_watched(entry) else "unwatched"
