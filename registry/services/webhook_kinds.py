"""What webhooks can be told of: kinds of events by name, which acts they are, and the body that is sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from registry.models import AliasMove, Collection, Event, Membership, Project, Promotion
from registry.models.addresses import versions_of
from registry.services.alias_moves import SLACK

PING = "ping"
# By name: what a page calls it, and the acts that it is of.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "version_logged": ("A version was logged", ("version.log",)),
    "version_linked": ("A version was linked", ("link.create",)),
    "alias_moved": ("An alias was given, moved or taken away", ("alias.move", "alias.remove")),
    "promotion_opened": ("A promotion was requested", ("promotion.open",)),
    "promotion_approved": ("A promotion has all its approvals", ("promotion.review",)),
    "promotion_promoted": ("A version was promoted", ("promotion.promote",)),
    "version_expired": ("A version expired", ("version.expire",)),
}
_KIND_OF = {act: kind for kind, (_, acts) in KINDS.items() for act in acts}
ACTS = frozenset(_KIND_OF)


def kind_of(event: Event) -> str | None:
    """Return the kind that an event is of; None for what no webhook is told."""
    if event.act == "promotion.review":
        is_approval = _of(event.after, "state") == "approved" and event.before != "approved"
        return "promotion_approved" if is_approval else None
    return _KIND_OF.get(event.act)


@dataclass(frozen=True, slots=True)
class Names:
    """What some events are about, by id."""

    projects: dict[int, Project]
    collections: dict[int, Collection]
    places: dict[tuple[int, int], Membership]
    # The numbers of the promotions that moved aliases, by the event that tells of the move.
    promotions: dict[int, int]


def names_of(events: Sequence[Event]) -> Names:
    """Read what some events are about, deleted or not; three queries, and two more where aliases moved."""
    projects = Project.objects.filter(pk__in={event.project_id for event in events}).select_related("entity")
    collections = Collection.objects.filter(pk__in={event.collection_id for event in events})
    places = Membership.objects.filter(
        version__in={event.version_id for event in events},
        collection__in={event.collection_id for event in events},
    )
    return Names(
        {row.pk: row for row in projects},
        {row.pk: row for row in collections.select_related("type")},
        {(row.collection_id, row.version_id): row for row in places.select_related("version")},
        _moved_by([event for event in events if event.act == "alias.move"]),
    )


def _moved_by(events: Sequence[Event]) -> dict[int, int]:
    """Find the promotions that moved aliases: an act writes the history of the alias, then its event."""
    if not events:
        return {}
    first, last = min(event.at for event in events), max(event.at for event in events)
    moves = AliasMove.objects.filter(
        collection__in={event.collection_id for event in events},
        name__in={event.subject for event in events},
        promotion_id__isnull=False,
        at__range=(first - SLACK, last),
    )
    rows = list(moves.order_by("at", "pk"))
    numbers = dict(
        Promotion.objects.filter(pk__in=[row.promotion_id for row in rows if row.promotion_id]).values_list(
            "pk", "number"
        )
    )
    found = {}
    for event in events:
        mine = [row for row in rows if _is_of(row, event)]
        if mine and mine[-1].promotion_id in numbers:
            found[event.pk] = numbers[mine[-1].promotion_id]
    return found


def _is_of(move: AliasMove, event: Event) -> bool:
    told = (event.collection_id, event.subject, event.after)
    return (move.collection_id, move.name, f"v{move.number}") == told and (
        event.at - SLACK <= move.at <= event.at
    )


def body_of(uid: str, kind: str, position: int, event: Event, names: Names) -> str:
    """Write what is sent of an event: the names that things have now, and before and after as the event has them."""
    project = names.projects.get(event.project_id or 0)
    collection = names.collections.get(event.collection_id or 0)
    place = names.places.get((event.collection_id or 0, event.version_id or 0))
    told: dict[str, Any] = {
        "id": uid,
        "event": kind,
        "sequence": position,
        "at": event.at.isoformat().replace("+00:00", "Z"),
        "actor": event.actor_name,
        "entity": project.entity.name if project else None,
        "project": project.name if project else None,
        "collection": collection.name if collection else None,
        "type": collection.type.name if collection else None,
        "version": _version(project, collection, place),
        "alias": event.subject if kind == "alias_moved" else _of(event.after, "alias"),
        "promotion": _promotion(kind, event, names),
        "before": event.before,
        "after": event.after,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def ping_body(uid: str, name: str, project: Project, at: str) -> str:
    """Write the body of a test."""
    told = {
        "id": uid,
        "event": PING,
        "at": at,
        "entity": project.entity.name,
        "project": project.name,
        "webhook": name,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


def _version(
    project: Project | None, collection: Collection | None, place: Membership | None
) -> dict[str, str] | None:
    if project is None or collection is None or place is None:
        return None
    name = f"{collection.name}:v{place.number}"
    address = f"{versions_of(project.entity.name, project.name, collection.name)}v{place.number}"
    return {
        "id": place.version.public_id,
        "version": f"v{place.number}",
        "name": name,
        "qualified_name": f"{project}/{name}",
        "url": f"{settings.PUBLIC_URL}{address}",
    }


def _promotion(kind: str, event: Event, names: Names) -> dict[str, Any] | None:
    if event.pk in names.promotions:
        return {"number": names.promotions[event.pk]}
    number = event.subject.rpartition(" ")[2]
    return {"number": int(number)} if kind.startswith("promotion_") and number.isdecimal() else None


def _of(side: Any, name: str) -> Any:
    return side.get(name) if isinstance(side, dict) else None
