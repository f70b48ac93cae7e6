"""What each entity holds: equal contents once, versions and the trash by what they name."""

from __future__ import annotations

import pytest

from registry.errors import Forbidden, NotFound
from registry.models import StorageCount, StorageShare
from registry.services import holdings, projects, survey, versions
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
    assert whole.place == "the data folder"
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


def test_what_was_counted_is_read_and_not_added_up_again(people, project):
    root, alice, entity = make.actor(people.root), make.actor(people.alice), project.entity
    make.log(people.alice, project, "a", {"x": b"12345"})
    versions.delete(alice, membership=make.log(people.alice, project, "b", {"y": b"1"}), delete_aliases=True)
    survey.count(entity)
    [row] = holdings.of_projects(alice, entity=entity)
    assert (row.stored, row.versions, row.named, row.trash) == (5, 1, 5, 1)
    # Another number than is there: who adds up anew would not show it.
    for counted in (StorageCount, StorageShare):
        counted.objects.update(versions=77, named=88, trash=99)
    row = holdings.listing(root, q=entity.name).get()
    assert (row.stored, row.versions, row.named, row.trash) == (6, 77, 88, 99)
    [row] = holdings.of_projects(alice, entity=entity)
    assert (row.stored, row.versions, row.named, row.trash) == (5, 77, 88, 99)


def test_a_project_with_nothing_but_its_trash_is_counted(people, project):
    alice = make.actor(people.alice)
    versions.delete(
        alice, membership=make.log(people.alice, project, "b", {"y": b"123"}), delete_aliases=True
    )
    survey.count(project.entity)
    assert StorageShare.objects.get().trash == 3
    [row] = holdings.of_projects(alice, entity=project.entity)
    assert (row.stored, row.versions, row.named, row.trash) == (0, 0, 0, 3)


def test_the_installation_adds_up_to_what_is_listed_though_only_some_were_counted(people, project):
    root = make.actor(people.root)
    make.log(people.alice, project, "a", {"x": b"12345"})
    survey.count(project.entity)
    make.log(
        people.alice,
        projects.create(make.actor(people.alice), entity=people.alice.entity, name="own"),
        "b",
        {"x": b"12"},
    )
    rows = list(holdings.listing(root))
    whole = holdings.totals(root)
    assert whole.stored == sum(row.stored for row in rows) == 7
    assert whole.versions == sum(row.versions for row in rows) == 2
    assert whole.blobs == 2
