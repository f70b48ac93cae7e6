"""Quotas: how many bytes the store may keep for an entity; pages warn near the soft one, the hard one refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from strongroom.core.errors import QuotaExceeded

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.models import Blob, Entity, StorageCount, Team, Upload
from registry.models.prepared import Prepared
from registry.policy import Act, check
from registry.services import events, survey
from registry.services._common import changes, size_in_words

# Half of what 64 bits hold: databases add these numbers up.
MOST = 2**62
# From this share of the soft limit on pages warn.
_NEAR = 0.9
_OWN = Prepared[list[int | None]](
    lambda entity: Team.objects.filter(entity=entity).values_list("quota_soft", "quota_hard")
)
_COUNTED = Prepared[list[int]](
    lambda entity: (
        StorageCount.objects.filter(entity=entity).order_by("-day").values_list("stored", "newest_blob")[:1]
    )
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of an entity in bytes; 0 is without limit."""

    soft: int
    hard: int


@dataclass(frozen=True, slots=True)
class Warned:
    """What a page says of an entity that is near its limits."""

    stored: int
    limits: Limits

    @property
    def is_full(self) -> bool:
        """Say whether uploads are refused by now, whatever their size."""
        return bool(self.limits.hard) and self.stored >= self.limits.hard


def of_all() -> Limits:
    """Return the limits of who has none of their own."""
    return Limits(settings.QUOTA_SOFT, settings.QUOTA_HARD)


def limits(entity: Entity) -> Limits:
    """Return what counts for an entity: its team's own limits, and those of the settings where it has none."""
    [[soft, hard]] = _OWN.all(entity.pk) or [[None, None]]
    return Limits(
        settings.QUOTA_SOFT if soft is None else soft, settings.QUOTA_HARD if hard is None else hard
    )


def refuse_beyond(entity: Entity, coming: int, *, waiting: int = 0) -> None:
    """Raise QuotaExceeded when `coming` bytes more would pass the hard limit: before any of them is sent.

    `waiting` are those that others send at this moment.
    """
    hard = limits(entity).hard
    if not hard or not coming or _nearly(entity) + coming + waiting <= hard:
        return
    # Bytes may have been freed since they were counted: nobody is refused by an old number.
    stored = survey.stored(entity)
    if stored + coming + waiting > hard:
        others = f", and {size_in_words(waiting)} are on their way" if waiting else ""
        raise QuotaExceeded(
            f"{entity.name} may store {size_in_words(hard)} and stores {size_in_words(stored)}{others}: "
            f"{size_in_words(coming)} more do not fit. "
            f"Nothing was kept. Delete versions that are not needed, or delete for good what is in the trash, "
            f"and let unused bytes be collected; or ask an admin of this installation for a higher limit.",
            limit=hard,
            stored=stored,
            coming=coming,
        )


def hold(entity: Entity) -> None:
    """Let those who would fill an entity with a hard limit go one after the other: call it in their transaction."""
    if limits(entity).hard:
        # Whoever only writes rows of the entity waits for nobody.
        Entity.objects.select_for_update(of=("self",), no_key=True).get(pk=entity.pk)


def guard(entity: Entity) -> Callable[[int], None]:
    """Return what judges bytes that have come, as their rows are written: many at one moment pass no limit."""

    def judge(coming: int) -> None:
        if not limits(entity).hard:
            return
        hold(entity)
        refuse_beyond(entity, coming, waiting=on_their_way(entity))

    return judge


def on_their_way(entity: Entity, **but: Any) -> int:
    """Add up the uploads that are open, `but` one: together they must fit, too."""
    if not limits(entity).hard:
        return 0
    rows = Upload.objects.filter(scope=entity, state=Upload.State.OPEN)
    if but:
        rows = rows.exclude(**but)
    return int(rows.aggregate(size=Sum("size"))["size"] or 0)


def _nearly(entity: Entity) -> int:
    """Return what is stored by the last count and the blobs since: no scan of millions of rows at each upload."""
    counted = _COUNTED.first(entity.pk)
    if counted is None:
        return survey.stored(entity)
    since = Blob.objects.filter(scope=entity, pk__gt=counted[1]).aggregate(size=Sum("size"))["size"]
    return counted[0] + int(since or 0)


def warning(entity: Entity) -> Warned | None:
    """Return what pages of an entity warn of; None while there is room, or no limit."""
    found = limits(entity)
    if not found.soft and not found.hard:
        return None
    stored = _nearly(entity)
    near = min(_NEAR * found.soft if found.soft else MOST, _NEAR * found.hard if found.hard else MOST)
    return Warned(stored, found) if stored >= near else None


def assign(actor: Actor, *, team: Team, soft: int | None, hard: int | None) -> Team:
    """Set a team's own limits in bytes; None takes that of the settings, 0 is without limit."""
    check(actor, Act.ADMINISTER, None)
    for name, value in (("soft", soft), ("hard", hard)):
        if value is not None and not 0 <= value <= MOST:
            raise InvalidInput("A limit is a number of bytes that is not negative.", field=name)
    if soft and hard and soft > hard:
        raise InvalidInput(
            "The soft limit warns before the hard one refuses: it can't be higher.", field="soft"
        )
    with transaction.atomic():
        row = Team.objects.select_for_update().get(pk=team.pk)
        before, after = changes(row, {"quota_soft": soft, "quota_hard": hard})
        if after:
            Team.objects.filter(pk=row.pk).update(**after)
            events.record(
                actor, "team.edit", entity=team.entity, subject=team.entity.name, before=before, after=after
            )
    team.refresh_from_db(fields=["quota_soft", "quota_hard"])
    return team
