"""Cards' revisions and templates by REST."""

from __future__ import annotations

import pytest

from registry.actor import system
from registry.services import registries, versions
from tests import factories as make
from tests.api.support import Api, refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def registry(people):
    return registries.create(system("command"), organization=people.organization, name=make.unique("models"))


def test_what_a_card_said_is_listed_with_who_wrote_it(bob, vera, people):
    row = make.log(people.bob, make.project(people), description="one")
    path = f"/projects/{row.collection.project}/collections/{row.collection.name}"
    assert vera.get(f"{path}/versions/v0/card-revisions").json()["results"] == []
    versions.edit(make.actor(people.bob), membership=row, description="two")
    found = vera.get(f"{path}/versions/v0/card-revisions").json()["results"]
    assert [(each["text"], each["written_by"]) for each in found] == [
        ("two", people.bob.username),
        ("one", people.bob.username),
    ]
    assert bob.patch(path, {"description": "all of it"}).status_code == 200
    found = vera.get(f"{path}/card-revisions", {"limit": "1"}).json()
    assert (found["results"][0]["text"], found["next"] is None) == ("all of it", False)


def test_a_registry_s_template_is_read_by_all_and_set_by_its_admins(people, registry):
    root, olga = Api(people.root), Api(people.olga)
    path = f"/organizations/{registry.entity.name}/registries/{registries.title(registry)}/card-template"
    assert olga.get(path).json() == {"text": "", "required": []}
    given = {"text": "# Use\n", "required": ["Use"]}
    refused(olga.patch(path, given), 403, "forbidden")
    assert root.patch(path, given).json() == given
    assert root.patch(path, {"required": []}).json() == {"text": "# Use\n", "required": []}
    refused(root.patch(path, {"required": "Use"}), 400, "invalid_input")
    refused(root.patch(path, {"required": [f"s{n}" for n in range(60)]}), 400, "invalid_input")
    assert olga.get(path).json() == {"text": "# Use\n", "required": []}
