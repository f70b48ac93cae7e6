"""Entities, projects and the types of artifacts in them."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
    MOVED_ON,
    TEXT,
    TIME,
    maybe,
    moment,
    moved_on,
    record,
    words,
)
from registry.api.serializers.accounts import ENTITY_KIND, ROLE
from registry.api.shapes import CARD, NAME, Body, Changes, component, one_of
from registry.models import ArtifactType, Entity, Project, Role
from registry.services.project_trash import RestoredProject

ENTITY = component(
    "Entity", record({"name": TEXT, "kind": ENTITY_KIND, "role": maybe(ROLE), "created_at": TIME})
)
ENTITY_PAGE = page_of(ENTITY, "EntityPage")
PROJECT = component(
    "Project",
    record(
        {
            "entity": TEXT,
            "name": TEXT,
            "description": TEXT,
            "kind": words(*Project.Kind.values),
            "visibility": words(*Project.Visibility.values),
            "created_at": TIME,
            "updated_at": TIME,
            "url": TEXT,
        }
    ),
)
PROJECT_PAGE = page_of(PROJECT, "ProjectPage")
DELETED_PROJECT = component(
    "DeletedProject",
    record({"project": PROJECT, "collections": COUNT, "deleted_at": TIME, "purge_at": TIME}),
)
DELETED_PROJECT_PAGE = page_of(DELETED_PROJECT, "DeletedProjectPage")
RESTORED_PROJECT = component(
    "RestoredProject",
    record(
        {
            "project": PROJECT,
            "collections": COUNT,
            "versions": COUNT,
            "aliases_moved_on": MOVED_ON,
            "kept": {**COUNT, "description": "How many had expired, and are now kept: their TTL is `never`"},
        }
    ),
)
TYPE = component(
    "Type", record({"name": TEXT, "description": TEXT, "collection_count": COUNT, "created_at": TIME})
)
TYPE_PAGE = page_of(TYPE, "TypePage")

_SETTINGS = {"description": CARD, "visibility": one_of(*Project.Visibility.values)}
NEW_PROJECT = Body("ProjectToMake", required={"name": NAME}, optional=_SETTINGS)
PROJECT_CHANGES = Changes("ProjectChanges", optional={"name": NAME, **_SETTINGS})


def entity(row: Entity, role: Role | None) -> dict[str, Any]:
    """Represent an entity as one person sees it."""
    return {
        "name": row.name,
        "kind": row.kind,
        "role": None if role is None else role.value,
        "created_at": moment(row.created_at),
    }


def project(row: Project, base_url: str) -> dict[str, Any]:
    """Represent a project."""
    return {
        "entity": row.entity.name,
        "name": row.name,
        "description": row.description,
        "kind": row.kind,
        "visibility": row.visibility,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "url": base_url + row.get_absolute_url(),
    }


def deleted_project(row: Project, collections: int, base_url: str) -> dict[str, Any]:
    """Represent a project in the trash."""
    assert row.deleted_at is not None
    assert row.purge_at is not None
    return {
        "project": project(row, base_url),
        "collections": collections,
        "deleted_at": moment(row.deleted_at),
        "purge_at": moment(row.purge_at),
    }


def restored_project(done: RestoredProject, base_url: str) -> dict[str, Any]:
    """Represent a project that came back, and what came with it."""
    return {
        "project": project(done.project, base_url),
        "collections": done.collections,
        "versions": done.versions,
        "aliases_moved_on": moved_on(done.aliases_moved_on),
        "kept": done.kept,
    }


def artifact_type(row: ArtifactType) -> dict[str, Any]:
    """Represent an artifact type with the number of its collections."""
    return {
        "name": row.name,
        "description": row.description,
        "collection_count": getattr(row, "collection_count", 0),
        "created_at": moment(row.created_at),
    }
