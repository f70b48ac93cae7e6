"""What each entity holds: equal contents once, versions and the trash by what they name."""

from __future__ import annotations

import pytest

from registry.errors import Forbidden, NotFound
from registry.services import holdings, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_contents_count_once_for_each_entity_and_versions_by_what_they_name(people, project):
    root = make.actor(people.root)
    first = make.log(people.alice, project, "a", {"x": b"12345", "y": b"12345"})
    make.log(people.alice, project, "b", {"x": b"12345", "z": b"7"})
    row = {entity.name: entity for entity in holdings.listing(root)}[project.entity.name]
    assert (row.stored, row.versions, row.named, row.trash) == (6, 2, 16, 0)
    versions.delete(make.actor(people.alice), membership=first, delete_aliases=True)
    row = holdings.listing(root, q=project.entity.name).get()
    assert (row.stored, row.versions, row.named, row.trash) == (6, 1, 6, 10)
    whole = holdings.totals(root)
    assert (whole.stored, whole.blobs, whole.versions) == (6, 2, 1)
    assert whole.free > 0
    with pytest.raises(Forbidden):
        holdings.totals(make.actor(people.alice))


def test_a_project_counts_what_its_own_versions_name(people, project):
    alice, entity = make.actor(people.alice), project.entity
    other = make.project(people, "other")
    first = make.log(people.alice, project, "a", {"x": b"12345"})
    make.log(people.alice, other, "b", {"x": b"12345", "y": b"1"})
    versions.delete(alice, membership=first, delete_aliases=True)
    rows = {
        row.name: (row.versions, row.named, row.trash) for row in holdings.of_projects(alice, entity=entity)
    }
    assert rows == {project.name: (0, 0, 5), "other": (1, 6, 0)}
    assert holdings.stored(make.actor(people.vera), entity) == 6
    assert [row.name for row in holdings.of_projects(alice, entity=entity, q="OTH")] == ["other"]
    with pytest.raises(NotFound):
        holdings.stored(make.actor(people.charlie), entity)
