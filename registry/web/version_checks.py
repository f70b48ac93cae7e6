"""What the panel of checks shows on the page of a version in a registry."""

from __future__ import annotations

from typing import Any

from registry.actor import Actor
from registry.models import Membership, Project
from registry.policy import Act, can
from registry.services import promotion_checks, version_checks


def shown(actor: Actor, membership: Membership) -> dict[str, Any]:
    """Return its context; in a project, where versions have no checks, there is no panel."""
    here = membership.collection.project
    if here.kind != Project.Kind.REGISTRY:
        return {"checks": None, "moving": False, "summary": "", "may_check": False}
    rows = version_checks.listing(actor, membership=membership)
    return {
        "checks": rows,
        "moving": promotion_checks.is_moving(rows),
        "summary": promotion_checks.summary(rows),
        "may_check": can(actor, Act.POST_CHECK, here),
    }
