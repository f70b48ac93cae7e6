"""A new version from what is there now: what the last look found in place of what was recorded.

The look is the look-up: it asked for each reference, and kept the digest and size of what it found changed. So
nothing is asked for a second time, and a version of a million references of which two changed is made of two rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from strongroom.core.manifest import Entry

from registry import manifests
from registry.actor import Actor
from registry.errors import BlobsMissing, NothingFound, PreviewChanged
from registry.models import Collection, Manifest, Membership, ReferenceDrift, ReferenceWatch, Version
from registry.policy import Act
from registry.services import commits, drafting, drifts, locks, referring
from registry.services._common import now
from registry.services.commits import Committed
from registry.services.files import manifest_of
from registry.services.sourcing import check_source

# What was found longer ago is not what is there now.
FRESH = timedelta(hours=1)
_REPLACED = ("changed", "missing")
_TOLD_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """What a new version would be: how many references get what was found, go, and stay as recorded.

    Those stay that could not be reached, and the `unreadable`: changed, but into what could not be told. `mark`
    stands for just this; `obstacle` says what is to be done first, and is empty when nothing is.
    """

    changed: int
    missing: int
    unreachable: int
    unreadable: int
    kept: int
    checked_at: datetime | None
    obstacle: str
    mark: str

    @property
    def is_empty(self) -> bool:
        """Tell whether all is as it was recorded: then there is nothing to log."""
        return self.changed == self.unreadable and not self.missing


def plan(actor: Actor, *, membership: Membership, at: datetime | None = None) -> Plan:
    """Say what a new version from what is there now would be."""
    check_source(actor, Act.LOG, membership)
    return _plan(_watch(membership), manifest_of(membership), at or now())


def log(
    actor: Actor, *, membership: Membership, mark: str | None = None, at: datetime | None = None
) -> Committed:
    """Log the next version of where this one was logged, with what was found in place of what was recorded.

    `mark` is that of the plan that was seen: another look since is refused. Where all is as recorded, nothing is
    logged, and this version is the answer.
    """
    wanted = agreed(actor, membership, mark, at)
    if wanted.is_empty:
        return Committed(membership, created=False)
    draft = Version(created_by=actor.user, **_fields(actor, membership))
    return make(actor, membership, wanted.mark, lambda sequence: _placed(draft, sequence))


def agreed(actor: Actor, membership: Membership, mark: str | None = None, at: datetime | None = None) -> Plan:
    """Return the plan of what is to be logged; raise where it is another one than was seen, or of nothing."""
    check_source(actor, Act.LOG, membership)
    manifest = manifest_of(membership)
    wanted = _plan(_watch(membership), manifest, at or now())
    if wanted.obstacle or (mark is not None and mark != wanted.mark):
        raise PreviewChanged(
            wanted.obstacle or "The references were checked again since. Look at what was found."
        )
    if wanted.missing == manifest.entry_count:
        raise NothingFound(f"Nothing of {membership.name} is there any more, so there is nothing to log.")
    return wanted


def make(
    actor: Actor,
    membership: Membership,
    mark: str,
    place: Callable[[Collection], Version],
    tell: Callable[[int], None] = lambda done: None,
) -> Committed:
    """Make the version of a mark; `place` gives its draft under the collection's lock, `tell` gets how far it is."""
    manifest, watch = manifest_of(membership), _watch(membership)
    _insist_on(mark, watch)
    prepared = manifests.prepare(manifest.scope, _told(_entries(manifest, watch), tell))
    if prepared.missing_count:
        raise BlobsMissing(
            f"The server lacks the bytes of {prepared.missing_count} of the files. Ask an operator to check the store.",
            count=prepared.missing_count,
            bytes=prepared.missing_bytes,
        )
    with transaction.atomic():
        sequence = locks.lock(membership.version.sequence)
        _insist_on(mark, ReferenceWatch.objects.select_for_update().filter(pk=watch.pk).first())
        draft = place(sequence)
        draft.manifest = prepared.record().manifest
        done = commits.finish(actor, draft, [], [])
        if done.created:
            referring.put(actor, draft, prepared.refers_to)
        return done


def _placed(draft: Version, sequence: Collection) -> Version:
    draft.sequence = sequence
    return draft


def _insist_on(mark: str, watch: ReferenceWatch | None) -> None:
    """Refuse what is not what was agreed on any more."""
    if watch is None or drifts.is_under_way(watch) or _mark(watch) != mark:
        raise PreviewChanged("The references were checked again meanwhile. Look at what was found.")


def _told(entries: Iterable[Entry], tell: Callable[[int], None]) -> Iterator[Entry]:
    """Pass entries on, and say now and then how many they were."""
    for number, entry in enumerate(entries):
        if number % _TOLD_EVERY == 0:
            tell(number)
        yield entry


def _watch(membership: Membership) -> ReferenceWatch:
    """Return how the version's references were found; of one that has none, that nothing was."""
    watch = ReferenceWatch.objects.filter(version=membership.version_id).first()
    return watch or ReferenceWatch(version=membership.version, total=0)


def _plan(watch: ReferenceWatch, manifest: Manifest, at: datetime) -> Plan:
    unreadable = 0
    if watch.changed:
        unreadable = watch.drifts.filter(state=ReferenceDrift.State.CHANGED, digest="").count()
    kept = manifest.entry_count - watch.changed - watch.missing
    found = (watch.changed, watch.missing, watch.unreachable, unreadable, kept, watch.checked_at)
    return Plan(*found, obstacle=_obstacle(watch, at), mark=_mark(watch))


def _mark(watch: ReferenceWatch) -> str:
    """As REST writes the moment of the check: nothing that a new version is made of changes without another."""
    return watch.checked_at.isoformat().replace("+00:00", "Z") if watch.checked_at else ""


def _obstacle(watch: ReferenceWatch, at: datetime) -> str:
    if watch._state.adding:
        return ""
    if drifts.is_under_way(watch):
        return "The references are being checked at this moment. Wait until that is done."
    if watch.checked_at is None or watch.checked_at < at - FRESH:
        return (
            "The references were last checked more than an hour ago. Check them now, then log what is there."
        )
    return ""


def _fields(actor: Actor, membership: Membership) -> dict[str, object]:
    """The columns of the next version: the card of this one, by who logs it."""
    version, sequence = membership.version, membership.version.sequence
    card = (version.description, version.metadata)
    return drafting.fields(actor, sequence.project, sequence.name, sequence.type.name, *card, "inherit")


def _entries(manifest: Manifest, watch: ReferenceWatch) -> Iterator[Entry]:
    """Give the entries of the new version: both lists are in path order."""
    rows = watch.drifts.filter(state__in=_REPLACED).order_by("position").iterator(2000)
    row = next(rows, None)
    for entry in manifests.entries(manifest):
        if row is None or entry.path != row.path:
            yield entry
            continue
        if row.state == ReferenceDrift.State.CHANGED:
            yield _found(entry, row)
        row = next(rows, None)


def _found(entry: Entry, row: ReferenceDrift) -> Entry:
    """What is there now; where a look could not tell, what was recorded."""
    if not row.digest:
        return entry
    return Entry(entry.path, row.digest, row.size, None, entry.ref, row.extra or None)
