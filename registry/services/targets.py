"""Where a version could be linked to: registries and portfolios that take it, found by the words of their paths."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from registry.actor import Actor
from registry.models import Collection, Entity, Membership, Organization, Project
from registry.policy import Act, allowed_in_registries, can
from registry.services import registries
from registry.services._common import pieces
from registry.services.sourcing import check_source

# As many registries of one organization are looked through.
_MOST = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """A target path, and what is there."""

    path: str
    hint: str


def listing(actor: Actor, *, membership: Membership, q: str = "", limit: int) -> list[Offer]:
    """Offer the portfolios that take the version and that one may link to, and registries for a new one."""
    check_source(actor, Act.LINK, membership)
    asked = [word.casefold() for word in pieces(q)] if q else []
    found = (
        offer for offer in _all(actor, membership) if all(word in offer.path.casefold() for word in asked)
    )
    return list(islice(found, limit))


def _all(actor: Actor, membership: Membership) -> Iterator[Offer]:
    sequence = membership.version.sequence
    type, home = sequence.type.name, sequence.project
    places = _registries(actor, home, type)
    rows = Collection.objects.live().filter(
        kind=Collection.Kind.PORTFOLIO, type__name=type, project__in=[home.pk, *(row.pk for row in places)]
    )
    names = {row.pk: row.name for row in places}
    for project, name, count in rows.order_by("project__name", "name").values_list(
        "project", "name", "version_count"
    )[:2000]:
        path = f"{names[project]}/{name}" if project in names else name
        yield Offer(path, f"{count} linked" if count else "empty")
    for place in places:
        path = f"{place.name}/{sequence.name}"
        yield Offer(path, "a new portfolio, if there is none of this name")


def _registries(actor: Actor, home: Project, type: str) -> list[Project]:
    """Return the registries of the organization that take the type, and that one may link to."""
    if home.entity.kind == Entity.Kind.USER:
        return []
    organization = (
        Organization.objects.filter(teams__entity=home.entity).select_related("entity").first()
        or Organization.objects.filter(entity=home.entity).select_related("entity").first()
    )
    if organization is None or not can(actor, Act.VIEW, organization):
        return []
    rows = list(registries.listing(actor, organization=organization).order_by("name")[:_MOST])
    taking = [row for row in rows if type in (registries.settings_of(row).accepted_types or [type])]
    return allowed_in_registries(actor, Act.LINK, taking)
