"""Collections and their aliases."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import (
    COUNT,
    MAYBE_COUNT,
    MAYBE_TEXT,
    MAYBE_TIME,
    MOVED_ON,
    TEXT,
    TEXTS,
    TIME,
    maybe_moment,
    moment,
    moved_on,
    record,
    words,
)
from registry.api.shapes import CARD, NAME, NAMES, Body, Changes, component, nullable, text
from registry.models import Alias, AliasMove, Collection
from registry.services.restoring import RestoredCollection

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
DELETED_COLLECTION = component(
    "DeletedCollection",
    record({"collection": COLLECTION, "versions": COUNT, "deleted_at": TIME, "purge_at": TIME}),
)
DELETED_COLLECTION_PAGE = page_of(DELETED_COLLECTION, "DeletedCollectionPage")
RESTORED_COLLECTION = component(
    "RestoredCollection",
    record(
        {
            "collection": COLLECTION,
            "versions": COUNT,
            "aliases_back": TEXTS,
            "aliases_moved_on": MOVED_ON,
            "kept": {**COUNT, "description": "How many had expired, and are now kept: their TTL is `never`"},
        }
    ),
)
ALIAS = component("Alias", record({"alias": TEXT, "version": TEXT, "created_at": TIME}))
ALIAS_PAGE = page_of(ALIAS, "AliasPage")
ALIAS_MOVE = component(
    "AliasMove",
    record(
        {
            "alias": TEXT,
            "version": {**MAYBE_TEXT, "description": "Who held it from then on, such as v3; null for nobody"},
            "at": TIME,
            "until": {**MAYBE_TIME, "description": "When the alias moved on; null where it did not"},
            "how": words(*AliasMove.How.values),
            "actor": TEXT,
            "reason": TEXT,
            "promotion": {
                **MAYBE_COUNT,
                "description": "The number of the promotion that moved it, if one did",
            },
        }
    ),
)
ALIAS_MOVE_PAGE = page_of(ALIAS_MOVE, "AliasMovePage")

NEW_COLLECTION = Body(
    "CollectionToMake", required={"name": NAME, "type": NAME}, optional={"description": CARD}
)
COLLECTION_CHANGES = Changes(
    "CollectionChanges", optional={"name": NAME, "type": NAME, "description": CARD, "tags": NAMES}
)
# `seen` is the version that the sender saw it at: from any other it is not taken.
# `reason` says why an admin of a registry moves one that is protected.
ALIAS_PLACE = Body(
    "AliasPlace", required={"version": NAME}, optional={"seen": nullable(NAME), "reason": text(2000)}
)


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


def deleted_collection(row: Collection, versions: int, base_url: str) -> dict[str, Any]:
    """Represent a collection in the trash."""
    assert row.deleted_at is not None
    assert row.purge_at is not None
    return {
        "collection": collection(row, base_url),
        "versions": versions,
        "deleted_at": moment(row.deleted_at),
        "purge_at": moment(row.purge_at),
    }


def restored_collection(done: RestoredCollection, base_url: str) -> dict[str, Any]:
    """Represent a collection that came back, and what came with it."""
    return {
        "collection": collection(done.collection, base_url),
        "versions": done.versions,
        "aliases_back": done.aliases_back,
        "aliases_moved_on": moved_on(done.aliases_moved_on),
        "kept": done.kept,
    }


def alias(row: Alias) -> dict[str, Any]:
    """Represent an alias with the version that holds it."""
    return {"alias": row.name, "version": f"v{row.membership.number}", "created_at": moment(row.created_at)}


def alias_move(row: AliasMove) -> dict[str, Any]:
    """Represent what an alias did; `row` is of the history's list, which knows until when."""
    return {
        "alias": row.name,
        "version": None if row.number is None else f"v{row.number}",
        "at": moment(row.at),
        "until": maybe_moment(getattr(row, "moved_on_at", None)),
        "how": row.how,
        "actor": row.actor_name,
        "reason": row.reason,
        "promotion": getattr(row, "promotion_number", None),
    }
