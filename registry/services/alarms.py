"""Whether admins are to be warned: damage that a check or a read found, and that nobody took note of yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.expressions import Value
from django.db.models.functions import Coalesce

from registry.actor import Actor
from registry.models import Blob, Chunk, FsckFinding, FsckRun, Installation
from registry.policy import Act, can, check
from registry.services import events
from registry.services._common import now

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Alarm(NamedTuple):
    """What the banner says: whether bytes are damaged, and whether a check found something that is still wrong."""

    damaged: bool
    found: bool


def current(actor: Actor) -> Alarm | None:
    """Return what admins are to be warned of; one query, and none for everybody else."""
    if not can(actor, Act.ADMINISTER, None):
        return None
    found = _current()
    if found is None:
        # Asked for the first time: the row that says what was taken note of is not there yet.
        Installation.current()
        found = _current()
    return Alarm(found[0] or found[1], found[2]) if found and any(found) else None


def _current() -> tuple[bool, bool, bool] | None:
    noted = Coalesce(OuterRef("damage_acknowledged_at"), Value(_NEVER))
    return (
        Installation.objects.annotate(
            damaged=Exists(Blob.objects.filter(damaged_at__gt=noted)),
            broken=Exists(Chunk.objects.filter(damaged_at__gt=noted)),
            found=Exists(FsckRun.objects.filter(alarming=True)),
        )
        .values_list("damaged", "broken", "found")
        .first()
    )


def settle(run: FsckRun) -> None:
    """Let a run that is over warn of what is new, or end the warnings of those before that it covers."""
    noted = Installation.current().damage_acknowledged_at
    if run.left:
        known = FsckFinding.objects.filter(run__finished_at__lte=noted).values("subject") if noted else []
        run.alarming = run.findings.wrong().exclude(subject__in=known).exists()
        run.save(update_fields=["alarming"])
        return
    before = FsckRun.objects.filter(alarming=True, pk__lt=run.pk)
    if run.parts > 1:
        # It looked at a part: only of that it can say that all is right.
        before = before.filter(part=run.part, parts=run.parts)
    if not run.reads_data:
        before = before.filter(reads_data=False)
    before.update(alarming=False)


def acknowledge(actor: Actor) -> None:
    """Take note of all that was found until now: pages warn again of what is found later."""
    check(actor, Act.ADMINISTER, None)
    Installation.current()
    with transaction.atomic():
        Installation.objects.update(damage_acknowledged_at=now())
        FsckRun.objects.filter(alarming=True).update(alarming=False)
        events.record(actor, "store.acknowledge", subject="damage to the store")
