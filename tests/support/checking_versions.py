"""Checks of versions in tests: a registry as promotions have it, and workers that make checks at once."""

from __future__ import annotations

from registry.models import Membership, Promotion, VersionCheck
from registry.services import making_checks, promotion_checks
from registry.services.promotion_checks import Standing


def make_all() -> int:
    """Do what the workers would; returns how many checks were finished."""
    waiting = list(VersionCheck.objects.waiting().order_by("pk").values_list("pk", flat=True))
    return sum(making_checks.work(pk) for pk in waiting)


def standings(promotion: Promotion) -> dict[str, Standing]:
    """Return how the checks of a promotion stand, by name, as they are read anew."""
    row = Promotion.objects.whole().get(pk=promotion.pk)
    return {each.name: each for each in promotion_checks.standing(row)}


def rows_of(membership: Membership) -> dict[str, VersionCheck]:
    """Return the rows of a version."""
    return {row.name: row for row in VersionCheck.objects.filter(membership=membership)}
