"""What a registry asks of cards: the text that one begins with, and the sections that must be filled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from strongroom.core.cards import Completeness, check_sections, completeness
from strongroom.core.names import check_description

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.models import CardTemplate, Project
from registry.policy import Act, check
from registry.services import events, locks
from registry.services._common import KEEP, Keep, changes, now
from registry.services.seen import Seen, refuse_changed


def of(actor: Actor, project: Project) -> CardTemplate:
    """Return what a registry asks of cards; an empty one, not kept, where nothing was set."""
    check(actor, Act.VIEW, project)
    return _read(project) or CardTemplate(project=project)


def _read(project: Project) -> CardTemplate | None:
    if project.kind != Project.Kind.REGISTRY:
        return None
    return CardTemplate.objects.filter(project=project).first()


def required_of(project: Project) -> list[str]:
    """Return the sections that cards in a project must have; none outside of registries."""
    found = _read(project)
    return list(found.required) if found else []


def set_template(
    actor: Actor,
    *,
    project: Project,
    text: str | Keep = KEEP,
    required: Sequence[str] | Keep = KEEP,
    seen: Seen | None = None,
) -> CardTemplate:
    """Say what cards in a registry begin with, and which sections each must have; what is not given stays."""
    check(actor, Act.EDIT_PROJECT, project)
    if project.kind != Project.Kind.REGISTRY:
        raise InvalidInput(
            f"{project} is no registry: only registries have a template of cards.", field="text"
        )
    wanted: dict[str, Any] = {} if text is KEEP else {"text": check_description(text)}
    if required is not KEEP:
        wanted |= {"required": check_sections(required)}
    with transaction.atomic():
        locks.lock_registry(project)
        row = _read(project) or CardTemplate(project=project)
        refuse_changed(seen or {}, {"text": row.text, "required": row.required}, wanted)
        before, after = changes(row, wanted)
        if after:
            row.text, row.required = after.get("text", row.text), after.get("required", row.required)
            row.updated_at = now()
            row.save()
            events.record(
                actor, "card_template.set", project=project, subject=project.name, before=before, after=after
            )
    return row


def standing(project: Project, card: str) -> Completeness:
    """Say how far a card is by what the place that it is read in asks for; nothing outside of registries."""
    return completeness(card, required_of(project))


def beginning(project: Project, card: str) -> str:
    """Return what an editor of a card opens with: the card, or the registry's template while there is none."""
    if card.strip():
        return card
    found = _read(project)
    return found.text if found else card
