"""A step of a check: kept totals against a count."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, F, Max, Q

from registry.models import Collection, FsckFinding, Version
from registry.services.fsck_work import Work


def wrong_totals() -> Iterator[tuple[str, int, str, int, int]]:
    """Give what, its id, its name, the kept total and the right one, of each kept total that is wrong."""
    committed = Count("memberships", filter=Q(memberships__version__state=Version.State.COMMITTED))
    held = Collection.objects.annotate(counted=committed).exclude(version_count=F("counted"))
    for one in held.select_related("project__entity"):
        yield "versions", one.pk, f"{one.project}/{one.name}", one.version_count, one.counted
    numbered = Collection.objects.annotate(most=Max("memberships__number")).filter(next_number__lte=F("most"))
    for late in numbered.select_related("project__entity"):
        yield "next number", late.pk, f"{late.project}/{late.name}", late.next_number, late.most + 1


def totals(work: Work, after: int) -> None:
    """Compare kept totals with a count."""
    first = list(wrong_totals())
    # A second look: between a count and the total that is kept of it, somebody may have logged.
    wrong = [row for row in wrong_totals() if row in first] if first else []
    for what, pk, name, kept, counted in wrong:
        said = f"{name}: {what} is kept as {kept}, and should be {counted}."
        work.found(
            [FsckFinding(kind=FsckFinding.Kind.TOTAL, subject=f"{what} {pk}", said=said, size=counted)]
        )
    work.note(after)
