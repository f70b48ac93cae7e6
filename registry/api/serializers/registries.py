"""Registries and their members, and the bodies that link versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry.actor import Actor
from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
    MAYBE_TEXT,
    TEXT,
    TEXTS,
    TIME,
    maybe,
    moment,
    record,
    words,
)
from registry.api.serializers.versions import VERSION
from registry.api.shapes import CARD, NAME, NAMES, Body, Changes, component, one_of, text
from registry.models import Project, Registry, RegistryMember, RegistryRole
from registry.services import registries
from registry.services.registries import Loss

ROLE = words(*RegistryRole.values)
REGISTRY = component(
    "Registry",
    record(
        {
            "organization": TEXT,
            "name": TEXT,
            "project": {**TEXT, "description": "What it is called where a project is named"},
            "description": TEXT,
            "icon": words(*Registry.Icon.values),
            "visibility": words(*Project.Visibility.values),
            "accepted_types": {**TEXTS, "description": "Empty: any type"},
            "role": maybe(ROLE),
            "created_at": TIME,
            "updated_at": TIME,
            "url": TEXT,
        }
    ),
)
REGISTRY_PAGE = page_of(REGISTRY, "RegistryPage")
_SETTINGS = {
    "description": CARD,
    "icon": one_of(*Registry.Icon.values),
    "visibility": one_of(*Project.Visibility.values),
    "accepted_types": NAMES,
}
NEW_REGISTRY = Body("RegistryToMake", required={"name": NAME}, optional=_SETTINGS)
REGISTRY_CHANGES = Changes("RegistryChanges", optional={"name": NAME, **_SETTINGS})
LOSS = component(
    "RegistryDeletion",
    record({"portfolios": COUNT, "links": COUNT, "members": COUNT, "aliases": TEXTS, "protected": TEXTS}),
)
MEMBER = component(
    "RegistryMember", record({"username": MAYBE_TEXT, "team": MAYBE_TEXT, "role": ROLE, "created_at": TIME})
)
MEMBER_PAGE = page_of(MEMBER, "RegistryMemberPage")
MEMBER_ROLE = Body("RegistryMemberRole", required={"role": one_of(*RegistryRole.values)})
VERSION_TO_LINK = Body(
    "VersionToLink", required={"target_path": text(640, least=1)}, optional={"aliases": NAMES}
)
LINKED = component("Linked", record({"version": VERSION, "created": {"type": "boolean"}}))


def registries_of(rows: Sequence[Project], base_url: str, actor: Actor) -> list[dict[str, Any]]:
    """Represent registries, each with one's role there."""
    roles = registries.roles_of(actor, rows)
    return [_registry(row, roles.get(row.pk), base_url) for row in rows]


def registry(row: Project, base_url: str, actor: Actor) -> dict[str, Any]:
    """Represent one registry."""
    return registries_of([row], base_url, actor)[0]


def _registry(row: Project, role: RegistryRole | None, base_url: str) -> dict[str, Any]:
    settings = registries.settings_of(row)
    return {
        "organization": row.entity.name,
        "name": registries.title(row),
        "project": row.name,
        "description": row.description,
        "icon": settings.icon,
        "visibility": row.visibility,
        "accepted_types": settings.accepted_types,
        "role": None if role is None else role.value,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "url": base_url + row.get_absolute_url(),
    }


def loss(found: Loss) -> dict[str, Any]:
    """Represent what goes with a registry."""
    return {
        "portfolios": found.portfolios,
        "links": found.links,
        "members": found.members,
        "aliases": found.aliases,
        "protected": found.protected,
    }


def member(row: RegistryMember) -> dict[str, Any]:
    """Represent a person or a team in a registry."""
    return {
        "username": None if row.user is None else row.user.username,
        "team": None if row.team is None else row.team.entity.name,
        "role": row.role,
        "created_at": moment(row.created_at),
    }
