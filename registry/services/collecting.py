"""Garbage collection: bytes that no version needs come back, a step at a time, beside everything else.

A round deletes the bytes of what was doomed before, then looks through the entities one after the other: manifests
that no version has, parts that no manifest has, blobs that no part names, each old enough. Then come objects without
rows, worn packs are written anew, and what has no rows now is doomed for a later round. Each batch is a transaction;
a round may be stopped or killed anywhere, run twice and beside itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from redis.exceptions import RedisError
from strongroom.core.errors import Damaged

from registry import jobs, queue
from registry.actor import Actor
from registry.errors import InternalError
from registry.manifests.marking import Counted, Sweep
from registry.models import Blob, Chunk, Collector, Entity, Manifest, StoredObject
from registry.policy import Act, check
from registry.schedule import COLLECT
from registry.services import events
from registry.services._common import now
from registry.storage import compaction, reclaiming

_STOP = "collecting:stop"
_SUBJECT = "collection of unused bytes"
# A task is stopped after ten minutes; one that has used most of them begins no other entity.
LONGEST_SECONDS = 480


@dataclass(slots=True)
class Round:
    """What a round did, or a preview says that one would do.

    `found` is what was unused; `freed` bytes are those whose objects are deleted, which comes a round later.
    """

    found: Counted = field(default_factory=Counted)
    objects: int = 0
    freed: int = 0
    # Objects that the storage did not delete: the next round tries again.
    undeleted: int = 0
    doomed: int = 0
    doomed_bytes: int = 0
    orphans: int = 0
    orphan_bytes: int = 0
    compacted: int = 0
    compacted_bytes: int = 0
    entities: int = 0
    # Entities in which something needed can't be read, with the reason: nothing was given up there.
    skipped: list[tuple[str, str]] = field(default_factory=list)
    is_whole: bool = False
    # It ended for want of time: another round goes on with the entities that are left.
    is_out_of_time: bool = False

    def counts(self) -> dict[str, int]:
        """Return the figures as the page of background work keeps them."""
        rest = {name: int(value) for name, value in asdict(self).items() if isinstance(value, int)}
        rest |= {"skipped": len(self.skipped), "stopped": int(not rest.pop("is_whole"))}
        return asdict(self.found) | rest


Tell = Callable[[dict[str, int]], None]


class _Watch:
    """Tells how far it is, and says when to stop."""

    def __init__(self, done: Round, tell: Tell | None, longest_seconds: float | None) -> None:
        self._done, self._tell = done, tell
        self._until = time.monotonic() + (float("inf") if longest_seconds is None else longest_seconds)

    def goes_on(self) -> bool:
        if self._tell is not None:
            self._tell(self._done.counts())
        return not _is_to_stop()

    @property
    def has_time(self) -> bool:
        return time.monotonic() < self._until


def collect(
    actor: Actor,
    *,
    at: datetime | None = None,
    tell: Tell | None = None,
    longest_seconds: float | None = LONGEST_SECONDS,
    began: datetime | None = None,
) -> Round:
    """Run a round; `tell` hears of each step. What is not done when it is stopped is found by the next one.

    After `longest_seconds` no other entity is begun; None is as long as it takes. Who goes on with a round gives the
    moment at which it `began`: entities that it has looked through are left out.
    """
    check(actor, Act.ADMINISTER, None)
    at = at or now()
    before, done = at - protection(), Round()
    watch = _Watch(done, tell, longest_seconds)
    _forget_stop()
    # A round that begins a moment earlier in its night than the last one must not find that one's objects too young.
    for gone in reclaiming.delete_doomed(before + _leeway(), tuple(jobs.STOPS)):
        done.objects, done.freed = done.objects + gone.objects, done.freed + gone.size
        done.undeleted += gone.refused
        if not watch.goes_on():
            return done
    for entity in _waiting(began or at, at):
        if not watch.has_time:
            done.is_out_of_time = True
            return done
        # Before the look: one that takes longer than a task may comes last the next time, and keeps nobody waiting.
        Collector.objects.update_or_create(scope=entity, defaults={"collected_at": at})
        if not _sweep(actor, entity, done, before, watch):
            return done
    done.is_whole = _tidy(done, before, at, watch)
    return done


def work(actor: Actor, began: str | None, *, tell: Tell) -> None:
    """Run a round as a worker does: told to the end, handed on when time is up, failed when something was skipped."""
    at = now()
    began_at = datetime.fromisoformat(began) if began else at
    done = collect(actor, at=at, tell=tell, began=began_at)
    if done.is_out_of_time:
        queue.send(COLLECT, began_at.isoformat())
    tell(done.counts())
    if done.skipped:
        names = "; ".join(f"Nothing was given back in {name}: {reason}" for name, reason in done.skipped)
        raise InternalError(names, skipped=len(done.skipped))


def _sweep(actor: Actor, entity: Entity, done: Round, before: datetime, watch: _Watch) -> bool:
    """Give up what is unused in one entity, and tell of it, however this ends; returns whether to go on."""
    sweep = Sweep(entity.pk, before)
    try:
        return _look(sweep, entity, done, watch)
    finally:
        if sweep.counted.blobs:
            # An event and its seal are two rows.
            with transaction.atomic():
                events.record(
                    actor,
                    "storage.collect",
                    entity=entity,
                    subject=entity.name,
                    after={"blobs": sweep.counted.blobs, "size": sweep.counted.bytes},
                )


def _look(sweep: Sweep, entity: Entity, done: Round, watch: _Watch) -> bool:
    """Look through one entity, and add up what is found; returns whether to go on."""
    earlier = done.found
    try:
        for counted in sweep.run():
            done.found = earlier + counted
            if not watch.goes_on():
                return False
    except Damaged as error:
        done.skipped.append((entity.name, str(error)))
    finally:
        done.found = earlier + sweep.counted
    done.entities += 1
    return True


def _tidy(done: Round, before: datetime, at: datetime, watch: _Watch) -> bool:
    """Objects: orphans, packs that are mostly dead, and those without rows; returns whether all was done."""
    for count, size in reclaiming.claim_orphans(before, at):
        done.orphans, done.orphan_bytes = done.orphans + count, done.orphan_bytes + size
        if not watch.goes_on():
            return False
    for count, size in compaction.compact(before):
        done.compacted, done.compacted_bytes = done.compacted + count, done.compacted_bytes + size
        if not watch.goes_on():
            return False
    for count in reclaiming.doom(before, at):
        done.doomed += count
        if not watch.goes_on():
            return False
    return True


def preview(
    actor: Actor,
    *,
    at: datetime | None = None,
    tell: Tell | None = None,
    longest_seconds: float | None = LONGEST_SECONDS,
) -> Round:
    """Count what a round would find now, and change nothing."""
    check(actor, Act.ADMINISTER, None)
    at = at or now()
    before, done = at - protection(), Round()
    watch = _Watch(done, tell, longest_seconds)
    _forget_stop()
    for entity in _waiting(at, at):
        if not watch.has_time:
            done.is_out_of_time = True
            return done
        if not _look(Sweep(entity.pk, before, preview=True), entity, done, watch):
            return done
    doomed = StoredObject.objects.filter(state=StoredObject.State.DOOMED)
    done.doomed, done.doomed_bytes = doomed.count(), doomed.aggregate(size=Sum("size"))["size"] or 0
    for listed in reclaiming.orphans(before):
        done.orphans, done.orphan_bytes = done.orphans + 1, done.orphan_bytes + listed.size
    for kind in compaction.KINDS:
        packs = compaction.worn(kind, before)
        done.compacted += len(packs)
        done.compacted_bytes += sum(pack.dead for pack in packs)
    done.is_whole = True
    return done


def start(actor: Actor, task: str) -> None:
    """Have a worker begin a round, or a preview, which changes nothing and is no event."""
    check(actor, Act.ADMINISTER, None)
    with transaction.atomic():
        if task == COLLECT:
            events.record(actor, "storage.collect_begin", subject=_SUBJECT)
        queue.send(task)


def collect_now(actor: Actor, *, tell: Tell | None = None) -> Round:
    """Run a round here, as long as it takes: that it began is told, as of one that a worker is asked for."""
    check(actor, Act.ADMINISTER, None)
    with transaction.atomic():
        events.record(actor, "storage.collect_begin", subject=_SUBJECT)
    return collect(actor, tell=tell, longest_seconds=None)


def stop(actor: Actor) -> None:
    """Have a round that is under way end after its present batch."""
    check(actor, Act.ADMINISTER, None)
    with transaction.atomic():
        events.record(actor, "storage.collect_stop", subject=_SUBJECT)
        cache.set(_STOP, 1, timeout=60)


def _is_to_stop() -> bool:
    # Nobody can have asked for it where the cache does not answer.
    with suppress(RedisError):
        return bool(cache.get(_STOP))
    return False


def _forget_stop() -> None:
    with suppress(RedisError):
        cache.delete(_STOP)


def protection() -> timedelta:
    """How long unused bytes are kept."""
    return timedelta(seconds=settings.PROTECTION_SECONDS)


def _leeway() -> timedelta:
    return min(timedelta(hours=1), protection() / 4)


def _waiting(began: datetime, at: datetime) -> QuerySet[Entity]:
    """Entities that have anything stored and were not looked through since, those first that waited longest.

    A moment after `at` is of a clock that was ahead, and counts for nothing.
    """
    has = (model.objects.filter(scope=OuterRef("pk")) for model in (Manifest, Chunk, Blob))
    rows = Entity.objects.filter(_any(map(Exists, has))).exclude(collector__collected_at__range=(began, at))
    return rows.order_by(F("collector__collected_at").asc(nulls_first=True), "pk")


def _any(conditions: Iterable[Exists]) -> Q:
    found = Q()
    for each in conditions:
        found |= Q(each)
    return found
