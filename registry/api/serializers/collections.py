"""Collections and their aliases."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import COUNT, TEXT, TEXTS, TIME, moment, record, words
from registry.api.shapes import CARD, NAME, NAMES, Body, component
from registry.models import Alias, Collection

COLLECTION = component(
    "Collection",
    record(
        {
            "entity": TEXT,
            "project": TEXT,
            "name": TEXT,
            "type": TEXT,
            "kind": words(*Collection.Kind.values),
            "description": TEXT,
            "tags": TEXTS,
            "version_count": COUNT,
            "created_at": TIME,
            "updated_at": TIME,
            "url": TEXT,
        }
    ),
)
COLLECTION_PAGE = page_of(COLLECTION, "CollectionPage")
ALIAS = component("Alias", record({"alias": TEXT, "version": TEXT, "created_at": TIME}))
ALIAS_PAGE = page_of(ALIAS, "AliasPage")

NEW_COLLECTION = Body(
    "CollectionToMake", required={"name": NAME, "type": NAME}, optional={"description": CARD}
)
COLLECTION_CHANGES = Body(
    "CollectionChanges", optional={"name": NAME, "type": NAME, "description": CARD, "tags": NAMES}
)
ALIAS_PLACE = Body("AliasPlace", required={"version": NAME})


def collection(row: Collection, base_url: str) -> dict[str, Any]:
    """Represent a collection."""
    return {
        "entity": row.project.entity.name,
        "project": row.project.name,
        "name": row.name,
        "type": row.type.name,
        "kind": row.kind,
        "description": row.description,
        "tags": sorted(tag.name for tag in row.tags.all()),
        "version_count": row.version_count,
        "created_at": moment(row.created_at),
        "updated_at": moment(row.updated_at),
        "url": base_url + row.get_absolute_url(),
    }


def alias(row: Alias) -> dict[str, Any]:
    """Represent an alias with the version that holds it."""
    return {"alias": row.name, "version": f"v{row.membership.number}", "created_at": moment(row.created_at)}
