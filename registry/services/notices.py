"""What expires within the next days: foreseen by the clock, shown by pages, and told once by mail to who logged it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, QuerySet

from registry.actor import Actor
from registry.models import Collection, ExpiryLetter, ExpiryNotice, Membership, Project, User, Version
from registry.models.prepared import Prepared
from registry.policy import Act, check
from registry.services import expiring, mail, trashing
from registry.services._common import now
from registry.services.ttls import EffectiveTtl, effective_for

# One letter a person a day; a run that comes a little early counts for its day.
_BETWEEN = timedelta(hours=23)
_IN_LETTER = 50
_BATCH = 500
# Most people have none: that is seen before the list is composed, which takes longer.
_HAS_ANY = Prepared[list[int]](lambda user: ExpiryNotice.objects.filter(user=user).values_list("pk")[:1])


@dataclass(frozen=True, slots=True)
class Soon:
    """A version that expires within the next days."""

    membership: Membership
    expires_at: datetime
    inherited: bool


@dataclass(frozen=True, slots=True)
class Told:
    """How many versions of a collection expire within the next days, and when the first does."""

    versions: int
    first: datetime


def horizon(at: datetime) -> datetime:
    """Until when pages and letters look ahead."""
    return at + timedelta(days=settings.NOTICE_DAYS)


def is_soon(ttl: EffectiveTtl, at: datetime | None = None) -> bool:
    """Say whether a version expires within the next days."""
    return ttl.due_at is not None and ttl.due_at <= horizon(at or now()) and settings.NOTICE_DAYS > 0


def foresee(at: datetime | None = None) -> int:
    """Note what expires within the next days, and forget what no longer does; returns how many do."""
    at = at or now()
    wanted: dict[int, tuple[int | None, datetime]] = {}
    if settings.NOTICE_DAYS:
        for ids in expiring.candidates(horizon(at)):
            wanted |= _dues(ids, horizon(at))
    held = dict(ExpiryNotice.objects.values_list("version_id", "expires_at"))
    gone = [pk for pk in held if pk not in wanted]
    for start in range(0, len(gone), _BATCH):
        ExpiryNotice.objects.filter(version__in=gone[start : start + _BATCH]).delete()
    changed = [
        ExpiryNotice(version_id=pk, user_id=user, expires_at=due)
        for pk, (user, due) in wanted.items()
        if held.get(pk) != due
    ]
    # When somebody was told stays, as long as it goes on to expire soon.
    ExpiryNotice.objects.bulk_create(
        changed,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["version"],
        update_fields=["expires_at"],
    )
    return len(wanted)


def of_collection(actor: Actor, *, collection: Collection) -> Told | None:
    """Say what of a collection expires within the next days, as it was foreseen last; None for nothing."""
    check(actor, Act.VIEW, collection.project)
    rows = _live(now()).filter(version__sequence=collection)
    found = rows.aggregate(versions=Count("pk"), first=Min("expires_at"))
    return Told(found["versions"], found["first"]) if found["versions"] else None


def of_person(actor: Actor, *, limit: int) -> list[Soon]:
    """List what expires soon of what the person logged, where they may still see it; the first to go first."""
    if actor.user is None or not _HAS_ANY.all(actor.user.pk):
        return []
    return _of(actor.user, _live(now()), limit)


def tell(at: datetime | None = None) -> int:
    """Write to those whose versions expire soon, each version once; returns how many letters went out.

    A letter is claimed before it is sent: of two workers beside each other one sends it. A worker that is killed
    between the two sends none; a mail server that refuses one is tried again with the next run.
    """
    at = at or now()
    if not mail.is_set_up() or not settings.NOTICE_DAYS:
        return 0
    waiting = _live(at).filter(told_at=None).values_list("user", flat=True)
    people = User.objects.filter(pk__in=waiting.distinct(), is_active=True).exclude(email="")
    return sum(_write(user, at) for user in people.order_by("pk"))


def _dues(ids: list[int], until: datetime) -> dict[int, tuple[int | None, datetime]]:
    """Return who logged versions that expire until then, and when those do, by their ids."""
    rows = list(Membership.objects.for_listing().without_cards().filter(pk__in=ids))
    ttls = effective_for(rows)
    found = [(row.version, ttls[row.pk].due_at) for row in rows]
    return {
        version.pk: (version.created_by_id, due) for version, due in found if due is not None and due <= until
    }


def _live(at: datetime) -> QuerySet[ExpiryNotice]:
    return ExpiryNotice.objects.filter(version__state=Version.State.COMMITTED, expires_at__lte=horizon(at))


def _of(user: User, rows: QuerySet[ExpiryNotice], limit: int) -> list[Soon]:
    """Judge again what was foreseen: somebody may have kept it since."""
    seen = Project.objects.visible_to(user).values("pk")
    rows = rows.filter(user=user, version__sequence__project__in=seen)
    ids = list(rows.order_by("expires_at", "pk").values_list("version_id", flat=True)[:limit])
    if not ids:
        return []
    places = list(Membership.objects.sources().for_listing().without_cards().filter(version__in=ids))
    ttls = effective_for(places)
    found = [
        Soon(row, due, ttls[row.pk].origin != "version")
        for row in places
        if is_soon(ttls[row.pk]) and (due := ttls[row.pk].due_at)
    ]
    return sorted(found, key=lambda each: (each.expires_at, each.membership.pk))


def _write(user: User, at: datetime) -> bool:
    with transaction.atomic():
        if not _claim(user, at):
            return False
        untold = _live(at).filter(told_at=None)
        found = _of(user, untold, _IN_LETTER)
        ids = [each.membership.version_id for each in found]
        untold.filter(version__in=ids).update(told_at=at)
        if not found:
            ExpiryLetter.objects.filter(user=user).delete()
            return False
    if mail.send(user.email, *_letter(found)):
        return True
    with transaction.atomic():
        ExpiryNotice.objects.filter(version__in=ids, told_at=at).update(told_at=None)
        ExpiryLetter.objects.filter(user=user, sent_at=at).delete()
    return False


def _claim(user: User, at: datetime) -> bool:
    """Take the letter of the day; False where it was sent already."""
    _, made = ExpiryLetter.objects.get_or_create(user=user, defaults={"sent_at": at})
    if made:
        return True
    rows = ExpiryLetter.objects.filter(user=user, sent_at__lte=at - _BETWEEN)
    return rows.update(sent_at=at) == 1


def _letter(found: Sequence[Soon]) -> tuple[str, str]:
    one = len(found) == 1
    what = f"{found[0].membership.name} expires" if one else f"{len(found)} versions expire"
    lines = [
        f"- {each.membership.qualified_name} on {each.expires_at:%d %b %Y, %H:%M} UTC\n"
        f"  {settings.PUBLIC_URL}{each.membership.get_absolute_url()}"
        for each in found
    ]
    listed = "\n".join(lines)
    days = min(trashing.trash_days(each.membership.collection.project.entity) for each in found)
    which, it = ("this version", "it") if one else ("these versions", "one of them")
    alias = ", or give it an alias besides latest" if any(each.inherited for each in found) else ""
    return (
        f"{what} soon",
        f"You logged {which} to Strongroom, and the time to live is over soon:\n\n{listed}\n\n"
        f"To keep {it}, set its time to live to never, link it into a registry{alias}.\n"
        f"What expires goes to the trash, and can be restored there for {days} days.\n",
    )
