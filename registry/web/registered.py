"""What the page of a registered model shows above its versions: who holds what, what is proposed, who held it when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from registry.actor import Actor
from registry.models import Collection, Project
from registry.services import aliases, holders, promotions, protection, sourcing
from registry.services.holders import Holder
from registry.web import as_of, columns
from registry.web.rows import VersionTable

# Boxes at the top; further holders are chips in the table below.
_BOXES, _FIGURES, _GOING, _ALIASES = 4, 3, 5, 200


@dataclass(frozen=True, slots=True)
class Box:
    """A holder with the first numbers of its metadata, and where it was logged, if one may see that."""

    holder: Holder
    figures: list[tuple[str, Any]]
    source: int | None


def is_registered(here: Collection) -> bool:
    """Tell whether a collection is a registered model: a portfolio of a registry."""
    return here.project.kind == Project.Kind.REGISTRY


def above(request: HttpRequest, actor: Actor, here: Collection) -> dict[str, Any]:
    """Return what stands above the versions."""
    held = holders.of(actor, here)[:_BOXES]
    numbers = sourcing.numbers(actor, [each.membership for each in held])
    going = promotions.listing(
        actor, project=here.project, state=promotions.GOING, collection=here.name
    ).order_by("-number")
    present = list(aliases.listing(actor, collection=here)[:_ALIASES])
    return {
        "boxes": [
            Box(
                each,
                columns.figures(each.membership.version.metadata)[:_FIGURES],
                numbers.get(each.membership.version_id),
            )
            for each in held
        ],
        "going": list(going[:_GOING]),
        "picture": as_of.pictured(actor, here, present, "", request.GET.get("then", "")),
    }


def beside(actor: Actor, here: Collection, table: VersionTable) -> VersionTable:
    """Put beside the rows of a portfolio where each was logged, and what it held before."""
    links = [row for row, _, _ in table.rows]
    if here.kind == Collection.Kind.PORTFOLIO:
        table.is_of_links = True
        table.protected = set(
            protection.protected_among(here.project, {name for row in links for name in row.held_aliases()})
        )
        table.sources = sourcing.numbers(actor, links)
        table.tenures = holders.before(actor, here, links) if links else {}
    return table
