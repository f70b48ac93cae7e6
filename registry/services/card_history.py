"""What a card said before: each text that somebody left, kept from its first edit on."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import QuerySet

from registry.actor import Actor
from registry.errors import NotFound
from registry.models import CardRevision, Collection, Event, Membership, Version
from registry.policy import Act, check
from registry.services._common import now

_EDITS = ("version.edit", "collection.edit")


def write(actor: Actor, card: Version | Collection, before: str, after: str) -> None:
    """Note that a card was edited; call it inside the act's transaction, with its collection locked.

    The first edit notes what was there from the start as well: a card that nobody edits costs no row.
    """
    rows = CardRevision.objects.filter(**_of(card))
    fresh = [CardRevision(**_of(card), text=after, written_at=now(), written_by=actor.user)]
    if not rows.exists():
        fresh.insert(0, _first(card, before))
    CardRevision.objects.bulk_create(fresh)


def _of(card: Version | Collection) -> dict[str, Version | Collection]:
    return {"version" if isinstance(card, Version) else "collection": card}


def _first(card: Version | Collection, text: str) -> CardRevision:
    """The text before the first edit that is kept: as it was made with, unless an event tells of earlier edits."""
    about = {"version_id" if isinstance(card, Version) else "collection_id": card.pk}
    earlier = Event.objects.filter(**about, act__in=_EDITS, after__has_key="description")
    if earlier.exists():
        return CardRevision(**_of(card), text=text, written_at=None)
    return CardRevision(**_of(card), text=text, written_at=card.created_at, written_by=card.created_by)


def listing(actor: Actor, *, card: Membership | Collection) -> QuerySet[CardRevision]:
    """List what a card said, for who may see it; none when it was never edited."""
    place = card if isinstance(card, Collection) else card.collection
    check(actor, Act.VIEW, place.project)
    held = card if isinstance(card, Collection) else card.version
    return CardRevision.objects.filter(**_of(held)).select_related("written_by")


def find(actor: Actor, *, card: Membership | Collection, revision: int) -> tuple[CardRevision, str]:
    """Find one revision, and the text before it: empty for the first."""
    rows = listing(actor, card=card)
    found = rows.filter(pk=revision).first()
    if found is None:
        raise NotFound(f"The card of {card.name} has no revision {revision}.")
    before = rows.filter(pk__lt=found.pk).order_by("-pk").first()
    return found, before.text if before else ""


def forget(version_ids: Iterable[int]) -> None:
    """Drop the revisions of versions that are purged."""
    CardRevision.objects.filter(version__in=list(version_ids)).delete()
