"""`latest` stays with the newest version that is there, when others go to the trash and come back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from registry.actor import Actor
from registry.models import Alias, Collection, Event, Membership, Version
from registry.services import alias_moves, events, words
from registry.services._common import now
from registry.services.alias_moves import How, Moved
from registry.services.aliases import LATEST, moved


class Holder(NamedTuple):
    """Who holds, or held, `latest` in a collection."""

    number: int
    version_id: int


def of(collection: Collection) -> Membership | None:
    """Return who holds `latest`; nobody, where there is no version or a person took it away."""
    held = Alias.objects.filter(collection=collection, name=LATEST).select_related("membership").first()
    if held is None:
        return None
    held.membership.collection = collection
    return held.membership


def holders(collection_ids: Iterable[int]) -> dict[int, Holder]:
    """Return who holds `latest` in some collections."""
    rows = Alias.objects.filter(collection__in=set(collection_ids), name=LATEST)
    found = rows.values_list("collection_id", "membership__number", "membership__version_id")
    return {pk: Holder(number, version_id) for pk, number, version_id in found}


def heir(membership: Membership) -> int | None:
    """Return the number of the version that gets `latest` when this one, which holds it, is deleted."""
    others = (
        Membership.objects.committed().filter(collection=membership.collection_id).exclude(pk=membership.pk)
    )
    return others.order_by("-number").values_list("number", flat=True).first()


def numbers(collection_ids: Iterable[int]) -> dict[int, int]:
    """Return the number of the newest version of each collection that has one."""
    return dict(
        Membership.objects.newest_of(collection_ids).order_by().values_list("collection_id", "number")
    )


def fall_back(actor: Actor, left: Mapping[int, Holder]) -> list[Event]:
    """Give `latest` to the newest version that remains, where its holder was deleted.

    `left` are those holders by collection; all are locked. Returns the events to append.
    """
    if not left:
        return []
    heirs = list(
        Membership.objects.newest_of(left)
        .select_related("version", "collection__project__entity")
        .defer("version__description", "version__metadata")
        .order_by("pk")
    )
    Alias.objects.bulk_create(_alias(actor, heir) for heir in heirs)
    _note(actor, heirs, How.FALL)
    words.of_marks(Membership.objects.filter(pk__in=[heir.pk for heir in heirs]))
    return [moved(actor, heir, LATEST, left[heir.collection_id]) for heir in heirs]


def rising(
    places: Iterable[Membership], newest: Mapping[int, int], held: Mapping[int, Holder]
) -> list[Membership]:
    """Choose which of the versions that come back take `latest`: those newer than all that is there.

    `newest` are the numbers of what is there and `held` the holders, by collection: an alias that a
    person put elsewhere than on the newest stays where it is.
    """
    tops = {place.collection_id: place for place in sorted(places, key=lambda place: place.number)}
    return [
        top
        for pk, top in tops.items()
        if pk in held and held[pk].number == newest.get(pk) and top.number > newest[pk]
    ]


def take(actor: Actor, risen: Iterable[Membership], held: Mapping[int, Holder]) -> list[Event]:
    """Point `latest` at those who `rising` chose; returns the events to append."""
    told, moved_between, risen = [], set(), list(risen)
    _note(actor, risen, How.RESTORE)
    for place in risen:
        rows = Alias.objects.filter(collection=place.collection_id, name=LATEST)
        rows.update(membership=place, created_by=actor.user, created_at=now())
        told.append(moved(actor, place, LATEST, held[place.collection_id]))
        moved_between |= {place.version_id, held[place.collection_id].version_id}
    if moved_between:
        words.of_marks(Membership.objects.filter(version__in=moved_between))
    return told


def of_the_only(actor: Actor, version: Version) -> bool:
    """Give `latest` to a version that is the only one where it is and did not hold it; say whether it did so."""
    alone = version.memberships.filter(collection__version_count=1).exclude(collection__aliases__name=LATEST)
    places = list(alone.select_related("version", "collection__project__entity"))
    Alias.objects.bulk_create(_alias(actor, place) for place in places)
    _note(actor, places, How.RESTORE)
    if places:
        words.of_marks(Membership.objects.filter(version=version))
    events.append(moved(actor, place, LATEST, None) for place in places)
    return bool(places)


def _alias(actor: Actor, holder: Membership) -> Alias:
    return Alias(collection_id=holder.collection_id, membership=holder, name=LATEST, created_by=actor.user)


def _note(actor: Actor, holders: Iterable[Membership], how: str) -> None:
    came = [Moved(holder.collection_id, LATEST, holder.number) for holder in holders]
    if came:
        alias_moves.write(actor, came, how)
