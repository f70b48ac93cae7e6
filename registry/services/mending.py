"""Mend what a check found, where something sound is left to mend it with; a dry run says what it would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from django.db import transaction

from registry.manifests import mending as nodes
from registry.models import Blob, Collection, FsckFinding
from registry.services import events, fsck_totals
from registry.services._common import now
from registry.services.fsck_work import Work
from registry.storage import copies
from registry.storage.copies import Copy, Wanted

Kind, Outcome = FsckFinding.Kind, FsckFinding.Outcome
_PAGE = 1000
_LOST = (Kind.MISSING, Kind.SHORT, Kind.DAMAGED, Kind.UNREADABLE, Kind.UNKNOWN)


def repair(work: Work, after: int) -> None:
    """Mend what can be mended, or write down how it would be: contents first, then what is computed from them."""
    if not work.options.repair:
        return
    if not work.options.dry_run and not after:
        _tell(work)
        # Gone on with after an interruption, it is told no second time.
        work.note(1)
    lone = list(work.run.findings.filter(kind=Kind.ORPHAN).values_list("object_name", flat=True))
    for some in _pages(work, _LOST):
        _contents(work, some, lone)
    for kind, (mend, may, how) in _WAYS.items():
        for some in _pages(work, (kind,)):
            for one in some:
                _mend(work, one, mend, may, how)
            work.note(1, len(some))


def _pages(work: Work, kinds: tuple[str, ...]) -> Iterator[list[FsckFinding]]:
    seen = 0
    rows = work.run.findings.filter(kind__in=kinds).exclude(outcome=Outcome.MENDED).order_by("pk")
    while some := list(rows.filter(pk__gt=seen)[:_PAGE]):
        seen = some[-1].pk
        yield some


def _contents(work: Work, findings: list[FsckFinding], orphans: list[str]) -> None:
    wanted = [Wanted(one.scope_id or 0, bytes.fromhex(one.digest), one.size or 0) for one in findings]
    found = copies.find(wanted, orphans)
    for one, want in zip(findings, wanted, strict=True):
        copy = found.get(want.sha256)
        if copy is not None:
            _bring_back(work, one, want, copy)


def _bring_back(work: Work, one: FsckFinding, want: Wanted, copy: Copy) -> None:
    if work.options.dry_run:
        _say(one, Outcome.PLANNED, f"from {copy}")
    elif copies.bring_back(want, copy):
        _say(one, Outcome.MENDED, f"from {copy}")


def _mend(
    work: Work,
    one: FsckFinding,
    mend: Callable[[FsckFinding], bool],
    may: Callable[[FsckFinding], bool],
    how: str,
) -> None:
    if work.options.dry_run:
        if may(one):
            _say(one, Outcome.PLANNED, how)
    elif mend(one):
        _say(one, Outcome.MENDED, how)


def _say(one: FsckFinding, outcome: str, how: str) -> None:
    one.outcome, one.mending = outcome, how
    one.save(update_fields=["outcome", "mending"])


def _node(one: FsckFinding) -> bool:
    digest = bytes.fromhex(one.digest)
    return nodes.copy_twin(one.scope_id or 0, digest) or nodes.restage(_manifests(one), digest)


def _may_node(one: FsckFinding) -> bool:
    twin = nodes.twin_of(one.scope_id or 0, bytes.fromhex(one.digest))
    return twin is not None or nodes.may_restage(_manifests(one))


def _manifests(one: FsckFinding) -> list[int]:
    return list(one.touched.get("manifests", []))


def _same_size(one: FsckFinding) -> bool:
    """Say whether the row of a content has the size now that the manifest gives it."""
    rows = Blob.objects.sound().filter(scope=one.scope_id, sha256=bytes.fromhex(one.digest))
    return rows.filter(size=one.size or 0).exists()


def _total(one: FsckFinding) -> bool:
    """Correct a kept total by a count made under the lock that those who change it take."""
    what, _, pk = one.subject.rpartition(" ")
    with transaction.atomic():
        held = Collection.objects.select_for_update().filter(pk=int(pk))
        list(held)
        field = {"versions": "version_count", "next number": "next_number"}[what]
        for name, found, _, _, counted in fsck_totals.wrong_totals():
            if (name, found) == (what, int(pk)):
                held.update(**{field: counted})
    return True


def _drop(one: FsckFinding) -> bool:
    return bool(copies.claim([one.object_name], now()))


def _always(_: FsckFinding) -> bool:
    return True


def _row(one: FsckFinding) -> int:
    return int(one.touched.get("row", 0))


# How each kind is mended, whether it could be, and what is said of it; in this order.
_WAYS: dict[str, tuple[Callable[[FsckFinding], bool], Callable[[FsckFinding], bool], str]] = {
    Kind.NODE: (_node, _may_node, "from an equal part of another team, or from the entries"),
    Kind.NODE_LOST: (_node, _may_node, "from an equal part of another team, or from the entries"),
    Kind.NODE_ROW: (lambda one: nodes.correct_row(_row(one)), _always, "by what the part itself says"),
    Kind.MD5: (
        lambda one: copies.correct_md5(one.scope_id or 0, bytes.fromhex(one.digest)),
        _always,
        "by hashing the content",
    ),
    Kind.MD5S: (lambda one: nodes.correct_md5s(_row(one)), _always, "by hashing the contents that differ"),
    Kind.SIZE: (_same_size, _same_size, "by the content, which was brought back"),
    Kind.OBJECT_SIZE: (
        lambda one: copies.correct_length(int(one.subject.rpartition(" ")[2])),
        _always,
        "by the storage's own length",
    ),
    Kind.TOTAL: (_total, _always, "by a count"),
    Kind.ORPHAN: (_drop, _always, "given a row that leaves it to the collector"),
}


def _tell(work: Work) -> None:
    """Record what is about to be mended: no event, no act."""
    wrong = work.run.findings.exclude(outcome=Outcome.MENDED).order_by("pk")
    counts = dict(Counter(wrong.values_list("kind", flat=True).iterator()))
    if counts:
        with transaction.atomic():
            events.record(work.actor, "store.repair", subject=f"fsck {work.run.pk}", after=counts)
