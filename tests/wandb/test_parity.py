"""This door refuses what the services refuse, with the same code, and does what they do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

from registry.actor import Actor
from registry.errors import RegistryError
from registry.models import Collection, Event, Membership
from registry.services import aliases, collections, tags, versions
from registry.wandb_api.ids import encode
from tests import factories
from tests.wandb import operations
from tests.wandb.conftest import Caller

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Case:
    """One act: by a service, and by one of the client's documents; `{…}` in it are ids and names."""

    name: str
    service: Callable[[Actor, Membership], Any]
    document: str
    variables: dict[str, Any]
    code: str | None = None

    def __str__(self) -> str:
        return self.name


def edit(**change: Any) -> Callable[[Actor, Membership], Any]:
    return lambda actor, made: versions.edit(actor, membership=made, **change)


def shelf(act: Callable[..., Any], **change: Any) -> Callable[[Actor, Membership], Any]:
    return lambda actor, made: act(actor, collection=made.collection, **change)


def card(**change: Any) -> dict[str, Any]:
    return {"input": {"artifactID": "{id}", **change}}


def alias(name: str) -> dict[str, Any]:
    place = {"entityName": "{entity}", "projectName": "{project}", "artifactCollectionName": "resnet"}
    return {"artifactID": "{id}", "aliases": [{**place, "alias": name}]}


def sequence(**change: Any) -> dict[str, Any]:
    return {"input": {"artifactSequenceID": "{collection}", **change}}


CASES = [
    Case("describe", edit(description="new"), "UPDATE_ARTIFACT", card(description="new")),
    Case("metadata", edit(metadata={"a": 1}), "UPDATE_ARTIFACT", card(metadata='{"a": 1}')),
    Case(
        "infinite",
        edit(metadata={"a": float("inf")}),
        "UPDATE_ARTIFACT",
        card(metadata='{"a": 1e999}'),
        "any",
    ),
    Case("ttl", edit(ttl=3600), "UPDATE_ARTIFACT", card(ttlDurationSeconds=3600)),
    Case("never", edit(ttl="never"), "UPDATE_ARTIFACT", card(ttlDurationSeconds=-2)),
    Case("no ttl", edit(ttl=-5), "UPDATE_ARTIFACT", card(ttlDurationSeconds=-5), "invalid_ttl"),
    Case(
        "tag",
        lambda actor, made: tags.add(actor, membership=made, name="fresh"),
        "UPDATE_ARTIFACT",
        card(tagsToAdd=[{"tagName": "fresh"}]),
    ),
    Case(
        "bad tag", edit(tags=["a/b"]), "UPDATE_ARTIFACT", card(tagsToAdd=[{"tagName": "a/b"}]), "invalid_tag"
    ),
    Case(
        "alias",
        lambda actor, made: aliases.move(actor, membership=made, name="best"),
        "ADD_ALIASES",
        {"input": alias("best")},
    ),
    Case(
        "numbered alias",
        lambda actor, made: aliases.move(actor, membership=made, name="v7"),
        "ADD_ALIASES",
        {"input": alias("v7")},
        "invalid_alias",
    ),
    Case(
        "no such alias",
        lambda actor, made: aliases.remove(actor, collection=made.collection, name="none", holder=made),
        "DELETE_ALIASES",
        {"input": alias("none")},
        "not_found",
    ),
    Case(
        "delete with aliases",
        lambda actor, made: versions.delete(actor, membership=made),
        "DELETE_ARTIFACT",
        card(deleteAliases=False),
        "has_aliases",
    ),
    Case(
        "delete",
        lambda actor, made: versions.delete(actor, membership=made, delete_aliases=True),
        "DELETE_ARTIFACT",
        card(deleteAliases=True),
    ),
    Case("rename", shelf(collections.edit, name="new"), "UPDATE_ARTIFACT_SEQUENCE", sequence(name="new")),
    Case(
        "rename to a taken name",
        shelf(collections.edit, name="other"),
        "UPDATE_ARTIFACT_SEQUENCE",
        sequence(name="other"),
        "name_taken",
    ),
    Case(
        "another type",
        shelf(collections.edit, type="dataset"),
        "UPDATE_ARTIFACT_SEQUENCE_TYPE",
        sequence(destinationArtifactTypeName="dataset"),
    ),
    Case(
        "delete the collection",
        shelf(collections.delete, delete_aliases=True),
        "DELETE_ARTIFACT_SEQUENCE",
        {"id": "{collection}"},
    ),
]


def filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def state(made: Membership) -> tuple[Any, ...]:
    """What an act may change, and the events that it left."""
    row = Membership.objects.select_related("version", "collection__type").get(pk=made.pk)
    shelf = Collection.objects.get(pk=made.collection_id)
    acts = list(Event.objects.order_by("pk").values_list("act", flat=True))
    version = row.version
    return (
        *(version.state, version.description, version.metadata, version.ttl_kind, version.ttl_seconds),
        *(version.held_tags(), row.held_aliases(), shelf.name, row.collection.type.name),
        *(shelf.deleted_at is None, acts),
    )


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("role", ["admin", "viewer", "stranger"])
def test_the_door_and_the_service_agree(people, case, role):
    project = factories.project(people)
    factories.log(people.bob, project, "other")
    made = factories.log(people.bob, project, "resnet", {"a": b"a"}, aliases=["prod"], tags=["good"])
    user = people.roles[role]
    names = {
        "{id}": made.version.public_id,
        "{entity}": project.entity.name,
        "{project}": project.name,
        "{collection}": encode("ArtifactCollection", made.collection_id),
    }
    caller = Caller(user)
    with transaction.atomic():
        try:
            case.service(factories.actor(user, "wandb"), made)
            wanted = None
        except RegistryError as error:
            wanted = error.code
        expected = state(made)
        transaction.set_rollback(True)
    answer = caller.raw(operations.of_python()[case.document], **filled(case.variables, names))
    got = answer["errors"][0]["extensions"]["code"] if "errors" in answer else None
    # A stranger is told that nothing is there before anything of what they sent is judged.
    assert (got is None) == (wanted is None)
    if case.code != "any":
        assert got == wanted or {got, wanted} == {"not_found", "forbidden"} and role == "stranger"
    if role == "admin" and case.code != "any":
        assert got == case.code
    assert state(made) == expected
