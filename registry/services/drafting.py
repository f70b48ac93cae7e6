"""What the steps of logging share: the columns of a draft, and which drafts are open and whose."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from strongroom.core.names import (
    check_collection_name,
    check_description,
    check_loggable_type,
    check_metadata,
    check_type_name,
)
from strongroom.core.ttl import parse_ttl

from registry.actor import Actor
from registry.errors import DraftClosed, ManifestMissing, ReferencesPending
from registry.models import Manifest, Project, ReferenceOrder, Version
from registry.policy import Act, check
from registry.services import ttls
from registry.services._common import now

_TOUCH_EVERY = timedelta(minutes=1)


def fields(
    actor: Actor,
    project: Project,
    collection: str,
    type: str,
    description: str,
    metadata: dict[str, Any] | None,
    ttl: str | int | None,
) -> dict[str, Any]:
    """Check what a draft begins with, and who begins it; returns the columns of the version."""
    check(actor, Act.LOG, project)
    check_collection_name(collection)
    if actor.door == "wandb":
        # The wandb client keeps some types for what it logs itself, by this very door, and refuses them to its users.
        check_type_name(type)
    else:
        check_loggable_type(type, collection)
    wanted_ttl = parse_ttl(ttl)
    if wanted_ttl != "inherit":
        check(actor, Act.SET_TTL, project)
    created_at = now()
    return {
        "type_name": type,
        "created_at": created_at,
        "updated_at": created_at,
        "description": check_description(description),
        "metadata": check_metadata(metadata or {}),
        **ttls.columns(created_at, wanted_ttl),
    }


def touch(draft: Version) -> None:
    """Keep a draft from being abandoned while bytes arrive; a write once a minute at the most."""
    at = now()
    Version.objects.filter(pk=draft.pk, state=Version.State.PENDING, updated_at__lt=at - _TOUCH_EVERY).update(
        updated_at=at
    )


def check_open(actor: Actor, draft: Version) -> None:
    """Raise unless bytes may still be sent to the draft."""
    check(actor, Act.LOG, draft.sequence.project)
    if draft.state != Version.State.PENDING:
        raise closed(draft)


def closed(draft: Version) -> DraftClosed:
    return DraftClosed("This draft was committed or given up already. Begin a new one.", state=draft.state)


def manifest_of(draft: Version) -> Manifest:
    if draft.manifest is None:
        raise ManifestMissing("This draft has no manifest yet. Stage one, then go on.")
    return draft.manifest


def refuse_pending(draft: Version) -> None:
    """Raise when the server resolves references of a draft: its ordinary commit would lose them."""
    if ReferenceOrder.objects.filter(draft=draft).exists():
        raise ReferencesPending(
            "The server resolves references of this draft. Ask for it to be committed when they are resolved, "
            "or drop them."
        )


def of_client(actor: Actor, client_id: str) -> Version | None:
    rows = Version.objects.filter(created_by=actor.user, client_id=client_id)
    return rows.select_related("sequence__project__entity", "sequence__type", "manifest").first()


def same_target(draft: Version, project: Project, collection: str) -> Version:
    if draft.sequence.project_id != project.pk or draft.sequence.name != collection:
        raise DraftClosed("This client_id belongs to a draft of another collection. Choose a new one.")
    return draft
