"""Entries of other artifacts: for whom they are there, and one answer for all others."""

from __future__ import annotations

import pytest

from registry.actor import system
from registry.errors import ReferenceMissing
from registry.outbound import outside_of
from registry.services import versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def logged():
    people = make.people()
    project = make.project(people)
    membership = make.log(people.alice, project, "photos", {"a/b.png": b"bytes"})
    return people, project, membership


def test_who_may_see_an_artifact_gets_its_entries(logged):
    people, project, membership = logged
    for actor in (make.actor(people.alice), make.actor(people.bob), system()):
        with outside_of(project.entity, actor) as reach:
            found = reach.artifact(membership.version.public_id, "a/b.png")
        assert (found.path, found.size) == ("a/b.png", 5)


def test_everybody_else_gets_one_answer_whatever_the_reason(logged):
    people, project, membership = logged
    alice, here = make.actor(people.alice), membership.version.public_id
    told = set()
    asked = [
        (make.actor(people.charlie), here, "a/b.png"),
        (make.actor(None), here, "a/b.png"),
        (None, here, "a/b.png"),
        (alice, here, "a"),
        (alice, here, "../a/b.png"),
        (alice, here, ""),
        (alice, "QXJ0aWZhY3Q6OTk5OTk5", "a/b.png"),
        (alice, "", "a/b.png"),
        (alice, "nonsense", "a/b.png"),
        (alice, "QXJ0aWZhY3Q6LTE=", "a/b.png"),
    ]
    for actor, public_id, path in asked:
        with outside_of(project.entity, actor) as reach, pytest.raises(ReferenceMissing) as missing:
            reach.artifact(public_id, path)
        told.add(str(missing.value))
    assert len(told) == 1


def test_what_is_in_the_trash_is_not_there(logged):
    people, project, membership = logged
    alice = make.actor(people.alice)
    versions.delete(alice, membership=membership, delete_aliases=True)
    with outside_of(project.entity, alice) as reach, pytest.raises(ReferenceMissing):
        reach.artifact(membership.version.public_id, "a/b.png")
