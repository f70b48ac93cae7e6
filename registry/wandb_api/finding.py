"""How this door finds things: what is not there, or not for who asks to see, is null to the client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from strongroom.core.errors import Gone, InvalidInput, NotFound

from registry.models import Collection, Project
from registry.services import collections, drafts, projects, versions
from registry.wandb_api import ids
from registry.wandb_api.context import Context

T = TypeVar("T")
# Where runs and artifacts go that name no project.
UNNAMED = "uncategorized"


def maybe(find: Callable[[], T]) -> T | None:
    """Return what is found, or None where nothing is; a name that nothing can have is nothing, too."""
    try:
        return find()
    except (NotFound, Gone, InvalidInput):
        return None


def project_of(context: Context, entity: str | None, name: str | None) -> Any:
    """Return the node of a project, or None."""
    return context.node("Project", maybe(lambda: find_project(context, entity, name)))


def find_project(context: Context, entity: str | None, name: str | None) -> Project:
    """Find a project; of no entity, in one's default one. Runs that were offline name neither."""
    return projects.find(context.actor, entity or context.default_entity.name, name or UNNAMED)


def ensure_project(context: Context, entity: str | None, name: str | None) -> Project:
    """The same, and make it where it is missing."""
    owner = entity or context.default_entity.name
    return projects.ensure(context.actor, entity_name=owner, name=name or UNNAMED)


def collection_by_id(context: Context, public_id: str) -> Collection:
    """Find a collection by its id."""
    number = ids.decode(public_id, "ArtifactCollection")[1]
    return collections.find_by_pk(context.actor, number)


def artifact_by_id(context: Context, public_id: str) -> Any:
    """Return the node of a version, or of a draft of one's own."""
    found = maybe(lambda: versions.find_by_id(context.actor, public_id))
    if found is not None:
        return context.node("Artifact", found)
    return context.node("Draft", maybe(lambda: drafts.find(context.actor, public_id)))
