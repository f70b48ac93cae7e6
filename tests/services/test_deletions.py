"""Before something is deleted: what goes, what stays, what keeps it, and which bytes come back."""

from __future__ import annotations

import pytest

from registry.errors import Forbidden, InUse, NotFound
from registry.models import Alias, Collection, Event, Membership, Project, Version
from registry.services import collections, deletions, drafts, many, retention, runs, survey, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db
A, B, C = b"a" * 100, b"b" * 1000, b"c" * 10000


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, files={"a": A, "b": B}, aliases=["gold"])


@pytest.fixture
def v1(people, project, v0):
    return make.log(people.bob, project, files={"b": B, "c": C})


def test_the_bytes_that_come_back_are_those_that_nothing_else_uses(bob, v0, v1):
    found = deletions.of_versions(bob, [v0])
    assert (found.versions, found.files, found.size) == (1, 2, 1100)
    assert (found.bytes.freed, found.bytes.stays) == (100, 1000)
    assert found.aliases == [("gold", "resnet:v0")]
    both = deletions.of_versions(bob, [v0, v1])
    assert (both.bytes.freed, both.bytes.stays) == (11100, 0)
    whole = deletions.of_collection(bob, v0.collection)
    assert (whole.versions, whole.collections, whole.bytes.freed) == (2, 1, 11100)
    assert [name for name, _ in whole.aliases] == ["gold", "latest"]


def test_what_is_in_the_trash_for_longer_or_in_a_draft_still_holds_its_bytes(people, project, bob, v0, v1):
    versions.delete(bob, membership=v1, delete_aliases=True)
    assert deletions.of_versions(bob, [v0]).bytes.freed == 1100
    Version.objects.filter(pk=v1.version_id).update(
        purge_at=Version.objects.get(pk=v1.version_id).purge_at.replace(year=2999)
    )
    assert deletions.of_versions(bob, [v0]).bytes.freed == 100
    draft, _ = drafts.begin(bob, project=project, collection="other", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"a": A}))
    assert deletions.of_versions(bob, [v0]).bytes.freed == 0


def test_what_really_comes_back_is_what_was_said(people, project, bob, v0, v1):
    other = make.log(people.bob, project, "other", files={"a": A})
    said = deletions.of_collection(bob, v0.collection).bytes.freed
    collections.delete(bob, collection=v0.collection, delete_aliases=True)
    assert said == 11000
    left = deletions.of_versions(bob, [other]).bytes.freed
    assert left == 100


def test_an_entity_too_large_to_walk_is_told_by_the_last_count(bob, v0, v1, monkeypatch):
    monkeypatch.setattr(survey, "NODES", 1)
    found = deletions.of_versions(bob, [v0]).bytes
    assert (found.freed, found.at_least) == (0, True)


def link(version: Version, entity, kind: str = "registry") -> Membership:
    name = make.unique("wandb-registry-model" if kind == "registry" else "links")
    place = Project.objects.create(entity=entity, name=name, kind=kind, visibility="organization")
    type = place.types.create(name="model")
    portfolio = Collection.objects.create(
        project=place, type=type, name="p", kind="portfolio", next_number=1, version_count=1
    )
    return Membership.objects.create(collection=portfolio, version=version, number=0)


def doors(bob, v0):
    return (
        lambda: versions.delete(bob, membership=v0, delete_aliases=True),
        lambda: many.delete(bob, collection=v0.collection, numbers=[v0.number], delete_aliases=True),
        lambda: collections.delete(bob, collection=v0.collection, delete_aliases=True),
    )


def test_what_is_linked_into_a_registry_is_not_deleted_and_says_where(people, bob, v0):
    linked = link(v0.version, people.organization.entity)
    for act in doors(bob, v0):
        with pytest.raises(InUse, match="linked into a registry as") as refused:
            act()
        assert refused.value.code == "in_use"
        assert refused.value.details == {"reason": "linked", "names": [linked.qualified_name]}
    found = deletions.of_versions(bob, [v0])
    assert (found.may_go, [need.reason for need in found.needs]) == (False, ["linked"])
    assert (found.links, found.link_count) == ([linked.qualified_name], 1)
    assert not Event.objects.filter(act="version.delete")
    linked.delete()
    versions.delete(bob, membership=v0, delete_aliases=True)


def test_a_registry_that_one_may_not_see_is_not_named(people, bob, v0):
    link(v0.version, make.people().organization.entity)
    with pytest.raises(InUse, match="into a registry and can't") as refused:
        versions.delete(bob, membership=v0, delete_aliases=True)
    assert refused.value.details["names"] == []
    assert deletions.of_versions(bob, [v0]).links == []


def test_a_link_outside_of_registries_is_told_and_no_hindrance(people, bob, v0):
    linked = link(v0.version, people.team.entity, "project")
    found = deletions.of_versions(bob, [v0])
    assert (found.may_go, found.links) == (True, [linked.qualified_name])
    versions.delete(bob, membership=v0, delete_aliases=True)


def test_what_the_run_of_a_draft_uses_is_not_deleted_until_the_draft_is_done(people, project, bob, v0):
    run = runs.create(bob, project=project, name="train-1")
    run = run[0] if isinstance(run, tuple) else run
    runs.use(bob, run=run, membership=v0)
    versions.delete(bob, membership=v0, delete_aliases=True)
    trash.restore(bob, membership=v0)
    draft, _ = drafts.begin(bob, project=project, collection="out", type="model", run=run)
    for act in doors(bob, v0):
        with pytest.raises(InUse, match="the run train-1") as refused:
            act()
        assert refused.value.details == {"reason": "draft", "names": ["train-1"]}
    assert Alias.objects.filter(name="gold").exists()
    drafts.abandon(bob, draft=draft)
    versions.delete(bob, membership=v0, delete_aliases=True)


def test_what_a_draft_uses_expires_only_when_that_is_done_and_is_no_failure(people, project, bob):
    v0 = make.log(people.bob, project, ttl=60)
    run = runs.create(bob, project=project, name="train-1")
    run = run[0] if isinstance(run, tuple) else run
    runs.use(bob, run=run, membership=v0)
    draft, _ = drafts.begin(bob, project=project, collection="out", type="model", run=run)
    later = v0.version.created_at.replace(year=2999)
    assert retention.expire_due(at=later) == 0
    drafts.abandon(bob, draft=draft)
    assert retention.expire_due(at=later) == 1


def test_the_account_is_for_those_who_may_delete(people, project, v0):
    with pytest.raises(Forbidden):
        deletions.of_versions(make.actor(people.vera), [v0])
    with pytest.raises(Forbidden):
        deletions.of_project(make.actor(people.bob), project)
    with pytest.raises(NotFound):
        deletions.of_collection(make.actor(people.charlie), v0.collection)
    found = deletions.of_project(make.actor(people.alice), project)
    assert (found.projects, found.collections, found.versions) == (1, 1, 1)
