"""Tags of versions."""

from __future__ import annotations

import pytest

from registry.errors import Forbidden, Gone, InvalidTag, NotFound
from registry.models import Event, VersionTag
from registry.services import collections, tags, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, tags=["ok"])


def held() -> list[str]:
    return list(VersionTag.objects.values_list("name", flat=True))


def told() -> list[tuple]:
    return list(Event.objects.filter(act="tag.edit").order_by("id").values_list("before", "after"))


def test_tags_are_added_once_and_removed(bob, v0):
    tags.add(bob, membership=v0, name="two words")
    tags.add(bob, membership=v0, name="two words")
    assert held() == ["ok", "two words"]
    tags.remove(bob, membership=v0, name="ok")
    assert held() == ["two words"]
    assert told() == [([], ["ok"]), (["ok"], ["ok", "two words"]), (["ok", "two words"], ["two words"])]


def test_a_tag_that_is_not_there_is_not_removed(bob, v0):
    with pytest.raises(NotFound):
        tags.remove(bob, membership=v0, name="nope")


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\n", "a ", "a:b", "x" * 129, None])
def test_a_tag_outside_the_rules_is_refused(bob, v0, name):
    with pytest.raises(InvalidTag):
        tags.add(bob, membership=v0, name=name)
    assert held() == ["ok"]


def test_tags_are_for_members_and_for_versions_that_are_there(people, bob, v0):
    with pytest.raises(Forbidden):
        tags.add(make.actor(people.vera), membership=v0, name="x")
    versions.delete(bob, membership=v0, delete_aliases=True)
    for act in (tags.add, tags.remove):
        with pytest.raises((NotFound, Gone)):
            act(bob, membership=v0, name="ok")
    assert held() == ["ok"]


def test_tags_are_one_whatever_way_their_letters_are_written(people, project, bob, v0):
    composed, apart = "caf\u00e9", "cafe\u0301"
    tags.add(bob, membership=v0, name=apart)
    assert held() == [composed, "ok"]
    for spelling in (composed, apart):
        assert list(versions.listing(bob, collection=v0.collection, tag=spelling)) == [v0]
        assert list(versions.listing(bob, collection=v0.collection, q=spelling)) == [v0]
    tags.remove(bob, membership=v0, name=apart)
    assert held() == ["ok"]
    collections.edit(bob, collection=v0.collection, tags=[apart])
    assert list(collections.listing(bob, project=project, tag=apart)) == [v0.collection]
