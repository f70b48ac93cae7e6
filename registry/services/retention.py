"""Time-to-live: the policies of places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from strongroom.core.ttl import Ttl, parse_ttl

from registry.actor import Actor
from registry.models import Collection, Entity, Project, TtlPolicy
from registry.policy import Act, check
from registry.services import confirming, events, locks, previews, ttl_rules
from registry.services._common import now
from registry.services.expected import Place
from registry.services.expiring import expire_due
from registry.services.seen import Seen, refuse_changed
from registry.services.ttls import EffectiveTtl, as_value, columns, effective, effective_for

__all__ = [
    "EffectiveTtl",
    "as_value",
    "columns",
    "effective",
    "effective_for",
    "expire_due",
    "set_policy",
]


def set_policy(
    actor: Actor,
    *,
    target: Place,
    ttl: str | int | None,
    seen: Seen | None = None,
    preview: str | None = None,
) -> None:
    """Set what `inherit` means below a place: a duration, "never", or "inherit" to have no policy here.

    It is refused when there is another policy than was `seen`, or when it would delete something else than the
    `preview` said, whose token this is; the event keeps what was confirmed.
    """
    project = target.project if isinstance(target, Collection) else target
    check(actor, Act.SET_POLICY, project)
    wanted = parse_ttl(ttl)
    confirmed = confirm_preview(actor, target=target, ttl=wanted, preview=preview)
    put_policy(actor, target=target, wanted=wanted, seen=seen, confirmed=confirmed)


def confirm_preview(
    actor: Actor,
    *,
    target: Place,
    ttl: Ttl,
    preview: str | None,
    rules: Mapping[str, Any] | None = None,
) -> dict[str, Any] | None:
    """Return what a preview said that was confirmed; None where there was none. Before any lock: it takes a while."""
    if preview is None:
        return None
    return confirming.confirm(previews.plan(actor, place=target, ttl=ttl, rules=rules), preview)


def put_policy(
    actor: Actor,
    *,
    target: Place,
    wanted: Ttl,
    seen: Seen | None = None,
    confirmed: dict[str, Any] | None = None,
) -> bool:
    """Set a policy, the rights checked; False where it is set already."""
    place: dict[str, Any] = {type(target).__name__.lower(): target}
    with transaction.atomic():
        _lock(target)
        held = TtlPolicy.objects.filter(**place).first()
        before = _policy_value(held)
        refuse_changed(seen or {}, {"ttl": before}, {"ttl": wanted})
        if before == wanted:
            return False
        ttl_rules.check_bounds(wanted)
        if wanted == "inherit":
            TtlPolicy.objects.filter(**place).delete()
        else:
            seconds = None if wanted == "never" else int(wanted)
            TtlPolicy.objects.update_or_create(
                **place,
                defaults={"seconds": seconds, "created_by": actor.user, "updated_at": now()},
            )
        events.record(
            actor,
            "ttl_policy.set",
            entity=target if isinstance(target, Entity) else None,
            project=target if isinstance(target, Project) else None,
            collection=target if isinstance(target, Collection) else None,
            subject=str(target),
            before=before if confirmed is None else {"ttl": before},
            after=wanted if confirmed is None else {"ttl": wanted, "preview": confirmed},
        )
    return True


def _lock(target: Place) -> None:
    """Lock a place: of two policies set at once each has its event, and a deleted collection gets none."""
    if isinstance(target, Collection):
        locks.lock(target)
    else:
        type(target).objects.select_for_update(of=("self",)).get(pk=target.pk)


def _policy_value(policy: TtlPolicy | None) -> str | int:
    if policy is None:
        return "inherit"
    return "never" if policy.seconds is None else policy.seconds
