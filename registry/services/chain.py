"""The chain of events, proved: every event there, unchanged, and linked to the one before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Exists, OuterRef

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.models import Event, EventSeal
from registry.models.chain import FIELDS, GENESIS, digest_of, link
from registry.policy import Act, check

_BATCH = 1000
# Of what is wrong, this much is told; the rest is counted.
_TOLD = 20
_WRITTEN = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain at a time: who keeps it elsewhere can prove later that nothing up to there is lost."""

    position: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.position}:{self.hash.hex()}"


START = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain breaks, and what is wrong there."""

    position: int
    event_id: int | None
    kind: str
    words: str


@dataclass(slots=True)
class Report:
    """What a verification found."""

    after: Head
    head: Head
    count: int = 0
    broken: int = 0
    faults: list[Fault] = field(default_factory=list)

    def add(self, found: Iterable[Fault]) -> None:
        for fault in found:
            self.broken += 1
            if len(self.faults) < _TOLD:
                self.faults.append(fault)


def read_head(text: str) -> Head:
    """Read POSITION:HASH, as a head is written."""
    written = _WRITTEN.fullmatch(text.strip())
    if written is None:
        raise InvalidInput(
            "A head is written POSITION:HASH, as `manage.py audit head` prints it: a whole number, a colon and "
            "64 hexadecimal digits.",
            field="head",
        )
    return Head(int(written[1]), bytes.fromhex(written[2]))


def head(actor: Actor) -> Head:
    """Return the end of the chain, to be kept elsewhere."""
    check(actor, Act.AUDIT, None)
    return _head()


def _head() -> Head:
    last = EventSeal.objects.order_by("-position").first()
    return START if last is None else Head(last.position, bytes(last.hash))


def verify(
    actor: Actor, *, after: Head = START, kept: Sequence[Head] = (), progress: Progress | None = None
) -> Report:
    """Read the chain behind `after` in batches, and say what is wrong with it.

    `kept` are heads of earlier times, which must be in the chain still, as must be `after`: a chain that was cut, or
    computed anew as a whole, is right in itself.
    """
    check(actor, Act.AUDIT, None)
    report = Report(after, _head())
    report.add(_lost([each for each in (after, *kept) if each != START]))
    last = after
    while found := list(_seals(last.position, report.head.position)):
        report.add(_walked(found, last))
        report.count += len(found)
        last = Head(found[-1].position, bytes(found[-1].hash))
        if progress is not None:
            progress(last.position, report.head.position)
    report.add(_unsealed())
    return report


def _lost(heads: Sequence[Head]) -> Iterator[Fault]:
    """Tell which heads are no longer in the chain."""
    asked = EventSeal.objects.filter(position__in=[each.position for each in heads])
    there = dict(asked.values_list("position", "hash"))
    for each in heads:
        if each.position not in there:
            words = "The chain ends before the head that was kept: events that were there are gone."
            yield Fault(each.position, None, "head", words)
        elif there[each.position] != each.hash:
            words = "The head that was kept is not in the chain: it was written anew, here or before."
            yield Fault(each.position, None, "head", words)


def _seals(after: int, until: int) -> Iterator[EventSeal]:
    return iter(
        EventSeal.objects.filter(position__gt=after, position__lte=until).order_by("position")[:_BATCH]
    )


def _walked(seals: Sequence[EventSeal], last: Head) -> Iterator[Fault]:
    """Compare a batch of seals with the events that they seal, and each with the seal before."""
    ids = [seal.event_id for seal in seals]
    events = {row["id"]: row for row in Event.objects.filter(id__in=ids).values("id", "digest", *FIELDS)}
    for seal in seals:
        previous: bytes | None = last.hash
        if seal.position != last.position + 1:
            yield _missing_seals(last.position + 1, seal.position - 1)
            previous = None
        yield from _compared(seal, previous, events.get(seal.event_id))
        last = Head(seal.position, bytes(seal.hash))


def _missing_seals(first: int, last: int) -> Fault:
    where = f"The seal {first} is" if first == last else f"The seals {first} to {last} are"
    return Fault(first, None, "missing seal", f"{where} missing from the chain.")


def _compared(seal: EventSeal, previous: bytes | None, row: dict[str, Any] | None) -> Iterator[Fault]:
    number = seal.event_id
    if row is None:
        yield Fault(seal.position, number, "missing event", f"The event {number} was sealed and is missing.")
        return
    digest = digest_of({name: row[name] for name in FIELDS})
    if digest != row["digest"]:
        words = f"The event {number} is not what was sealed: its content does not have its digest."
        yield Fault(seal.position, number, "changed event", words)
    # With the digest that it has, so that a change of the content is told once.
    if previous is not None and link(previous, number, row["digest"]) != seal.hash:
        words = f"The link does not fit: the event {number}, its seal or the one before was changed."
        yield Fault(seal.position, number, "broken link", words)


def _unsealed() -> Iterator[Fault]:
    """Tell which events no seal names: nobody wrote them by an act."""
    sealed = EventSeal.objects.filter(event_id=OuterRef("pk"))
    rows = Event.objects.filter(~Exists(sealed)).order_by("id").values_list("id", flat=True)
    for number in rows.iterator():
        words = (
            f"The event {number} is not in the chain: its seal is gone, or it was written past the registry."
        )
        yield Fault(0, number, "unsealed event", words)
