"""Versions: found by number, alias, id or path; edited all or nothing; deleted into the trash."""

from __future__ import annotations

import base64
from datetime import timedelta
from unittest import mock

import pytest

from registry.errors import (
    Forbidden,
    Gone,
    HasAliases,
    InvalidAlias,
    InvalidInput,
    InvalidMetadata,
    InvalidQuery,
    InvalidReference,
    InvalidTag,
    InvalidTtl,
    NotFound,
)
from registry.models import Alias, Collection, Event, Membership, Team, Version
from registry.services import aliases, collections, locks, tags, trash, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def v0(people, project):
    return make.log(people.bob, project, files={"a": b"0"}, aliases=["gold"])


@pytest.fixture
def v1(people, project, v0):
    return make.log(people.bob, project, files={"a": b"1"}, tags=["good"], description="The second one.")


def names(membership) -> list[str]:
    return sorted(alias.name for alias in membership.aliases.all())


def test_a_version_is_found_by_number_by_alias_and_by_path(people, project, bob, v0, v1):
    sequence = collections.find(bob, project, "resnet")
    for ref, wanted in (("v0", v0), ("gold", v0), ("v1", v1), ("latest", v1)):
        assert versions.find(bob, sequence, ref) == wanted
    team = people.team.entity.name
    assert versions.lookup(bob, f"{team}/{project.name}/resnet:gold") == v0
    assert versions.lookup(bob, "resnet", entity=team, project=project.name) == v1
    with pytest.raises(InvalidReference):
        versions.lookup(bob, "resnet")


@pytest.mark.parametrize("ref", ["v2", "v00", "v", "V0", "nope", "", "v0\n", "v9" * 20, "v" + "9" * 18])
def test_a_version_that_is_not_there_is_not_found(bob, project, v0, ref):
    with pytest.raises(NotFound):
        versions.find(bob, collections.find(bob, project, "resnet"), ref)


def test_a_version_in_the_trash_or_purged_is_gone_and_its_alias_is_not_found(bob, project, v0, v1):
    sequence = collections.find(bob, project, "resnet")
    versions.delete(bob, membership=v0, delete_aliases=True)
    with pytest.raises(Gone, match="can be restored until") as gone:
        versions.find(bob, sequence, "v0")
    assert gone.value.details["restorable"] is True
    with pytest.raises(NotFound):
        versions.find(bob, sequence, "gold")
    assert versions.find_trashed(bob, sequence, "v0") == v0
    trash.purge_due(at=Version.objects.get(pk=v0.version_id).purge_at)
    for find in (
        lambda: versions.find(bob, sequence, "v0"),
        lambda: versions.find_by_id(bob, v0.version.public_id),
    ):
        with pytest.raises(Gone, match="purged on"):
            find()


def test_in_the_trash_only_numbers_name_versions(bob, project, v0):
    with pytest.raises(InvalidReference):
        versions.find_trashed(bob, collections.find(bob, project, "resnet"), "gold")


def test_an_id_finds_the_version_for_those_who_may_see_it(people, bob, charlie, v0):
    assert versions.find_by_id(bob, v0.version.public_id) == v0
    told = []
    for who, public_id in (
        (charlie, v0.version.public_id),
        (charlie, base64.b64encode(b"Artifact:99999999").decode()),
    ):
        with pytest.raises(NotFound) as refused:
            versions.find_by_id(who, public_id)
        told.append(str(refused.value))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "public_id", ["", "x", "é", "QXJ0aWZhY3Q6", base64.b64encode(b"Artifact:1x").decode(), "Artifact:1"]
)
def test_an_id_that_is_none_is_not_found(bob, public_id):
    with pytest.raises(NotFound):
        versions.find_by_id(bob, public_id)


def test_versions_are_listed_by_state_tag_alias_number_and_words(bob, project, v0, v1):
    sequence = collections.find(bob, project, "resnet")

    def numbers(**wanted):
        return sorted(row.number for row in versions.listing(bob, collection=sequence, **wanted))

    assert numbers() == [0, 1]
    assert numbers(tag="good") == [1]
    assert numbers(alias="gold") == [0]
    assert [numbers(q=q) for q in ("v0", "OLD", "second", "goo", "%", "_", "\\")] == [
        [0],
        [0],
        [1],
        [1],
        [],
        [],
        [],
    ]
    versions.delete(bob, membership=v0, delete_aliases=True)
    assert (numbers(), numbers(state="DELETED")) == ([1], [0])
    with pytest.raises(InvalidQuery):
        numbers(state="PENDING")


def test_a_list_costs_the_same_for_one_and_for_twenty(people, project, bob, django_assert_num_queries):
    for number in range(20):
        make.log(people.bob, project, files={"a": b"%d" % number}, aliases=[f"a{number}"], tags=["t"])
        if number in (0, 19):
            sequence = collections.find(bob, project, "resnet")
            with django_assert_num_queries(4):
                for row in versions.listing(bob, collection=sequence):
                    str(row), row.qualified_name, [a.name for a in row.aliases.all()]
                    row.version.sequence.project.entity.name, [t.name for t in row.version.tags.all()]


def test_everything_on_the_card_changes_in_one_edit(bob, v0, v1):
    edited = versions.edit(
        bob,
        membership=v0,
        description="# Card",
        metadata={"accuracy": 0.9, "bad": float("nan")},
        ttl=3600,
        aliases=["silver", "latest", "silver"],
        tags=["x", "x", "y"],
    )
    assert (edited.version.description, edited.version.metadata) == ("# Card", {"accuracy": 0.9, "bad": None})
    assert edited.version.expires_at == edited.version.created_at + timedelta(hours=1)
    assert names(edited) == ["latest", "silver"]
    assert sorted(tag.name for tag in edited.version.tags.all()) == ["x", "y"]
    assert not Alias.objects.filter(membership=v1).exists()
    events = Event.objects.filter(version_id=v0.version_id).values_list("act", flat=True)
    # gold goes, silver comes, latest moves, and the card.
    assert sorted(events)[:3] == ["alias.move"] * 3
    assert sorted(events)[3:] == ["alias.remove", "tag.edit", "version.edit", "version.log"]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"description": "\x00"}, InvalidInput),
        ({"metadata": {str(n): n for n in range(101)}}, InvalidMetadata),
        ({"metadata": {"a": float("inf")}}, InvalidMetadata),
        ({"metadata": ["a"]}, InvalidMetadata),
        ({"ttl": 0}, InvalidTtl),
        ({"ttl": "soon"}, InvalidTtl),
        ({"aliases": ["v3"]}, InvalidAlias),
        ({"aliases": "gold"}, InvalidAlias),
        ({"aliases": ["a:b"]}, InvalidAlias),
        ({"tags": ["a/b"]}, InvalidTag),
        ({"tags": ["a\n"]}, InvalidTag),
        ({"tags": "abc"}, InvalidTag),
    ],
)
def test_an_edit_with_one_wrong_part_changes_nothing(bob, v0, wrong, error):
    before = (Version.objects.values().get(pk=v0.version_id), Event.objects.count(), names(v0))
    good = {"description": "new", "metadata": {"a": 1}, "ttl": 60, "aliases": ["new"], "tags": ["new"]}
    with pytest.raises(error):
        versions.edit(bob, membership=v0, **{**good, **wrong})
    after = (Version.objects.values().get(pk=v0.version_id), Event.objects.count(), names(v0))
    assert after == before


def test_an_edit_that_fails_half_way_changes_nothing(bob, v0, monkeypatch):
    before = Version.objects.values().get(pk=v0.version_id)

    def fail(*args, **kwargs):
        raise RuntimeError("the last step")

    monkeypatch.setattr("registry.services.tags.replace", fail)
    with pytest.raises(RuntimeError):
        versions.edit(bob, membership=v0, description="new", aliases=["new"], tags=["new"])
    assert Version.objects.values().get(pk=v0.version_id) == before
    assert not Alias.objects.filter(name="new").exists()
    assert not Event.objects.filter(act__in=["version.edit", "alias.remove"]).exists()


def test_an_edit_that_changes_nothing_is_no_event(bob, v0):
    before = Event.objects.count()
    versions.edit(
        bob, membership=v0, description="", metadata={}, ttl="inherit", aliases=["gold", "latest"], tags=[]
    )
    assert Event.objects.count() == before


def test_the_content_of_a_version_does_not_change_by_an_edit(bob, v0):
    content = ("manifest_id", "digest", "size", "file_count", "commit_hash", "created_at", "sequence_id")
    before = Version.objects.values(*content).get(pk=v0.version_id)
    versions.edit(bob, membership=v0, description="new", metadata={"digest": "x"})
    assert Version.objects.values(*content).get(pk=v0.version_id) == before


def test_a_team_may_leave_time_to_live_to_its_admins(people, alice, bob, v0):
    Team.objects.update(ttl_editors="admins")
    with pytest.raises(Forbidden, match="admin"):
        versions.edit(bob, membership=v0, ttl=60, description="not this either")
    with pytest.raises(Forbidden):
        make.log(people.bob, v0.collection.project, ttl=60)
    assert versions.edit(alice, membership=v0, ttl=60).version.description == ""


def test_a_version_with_aliases_is_deleted_only_when_told_so(bob, v0, v1):
    with pytest.raises(HasAliases) as refused:
        versions.delete(bob, membership=v0)
    assert refused.value.details == {"aliases": ["gold"]}
    assert refused.value.message.endswith("or confirm that it goes too.")
    aliases.remove(bob, collection=v0.collection, name="gold")
    versions.delete(bob, membership=v0)
    versions.delete(bob, membership=v1, delete_aliases=True)
    assert not Alias.objects.exists()
    assert not Membership.objects.committed().exists()


def test_what_is_deleted_is_not_edited_nor_deleted_again(bob, v0):
    versions.delete(bob, membership=v0, delete_aliases=True)
    for act in (
        lambda: versions.edit(bob, membership=v0, description="late"),
        lambda: versions.delete(bob, membership=v0),
        lambda: aliases.move(bob, membership=v0, name="late"),
    ):
        with pytest.raises((Gone, NotFound)):
            act()
    assert Event.objects.filter(act="version.delete").count() == 1


def test_viewers_neither_edit_nor_delete(people, v0):
    vera = make.actor(people.vera)
    with pytest.raises(Forbidden):
        versions.edit(vera, membership=v0, description="x")
    with pytest.raises(Forbidden):
        versions.delete(vera, membership=v0, delete_aliases=True)


def test_what_is_looked_for_is_looked_for_in_this_collection_only(
    people, project, bob, django_assert_num_queries
):
    here = make.log(people.bob, project, "here", files={"a": b"1"}, aliases=["gold"], tags=["tag"])
    make.log(people.bob, project, "there", files={"a": b"1"}, aliases=["gold"], tags=["tag"])
    for q in ("gold", "tag"):
        found = versions.listing(bob, collection=here.collection, q=q)
        assert list(found) == [here]
        assert str(here.collection_id) in str(found.query).split("SELECT", 2)[2]


def test_a_version_is_locked_by_its_sequence_first_and_then_by_where_it_is_linked(
    people, project, bob, alice
):
    logged = make.log(people.bob, project, files={"a": b"1"})
    collections.create(bob, project=project, name="portfolio", type="model")
    Collection.objects.filter(name="portfolio").update(kind="portfolio", next_number=1, version_count=1)
    portfolio = Collection.objects.get(name="portfolio")
    link = Membership.objects.create(collection=portfolio, version=logged.version, number=0)
    link = Membership.objects.for_listing().get(pk=link.pk)
    for act in (
        lambda: versions.edit(bob, membership=link, aliases=["best"]),
        lambda: aliases.move(bob, membership=link, name="gold"),
        lambda: tags.add(bob, membership=link, name="t"),
        lambda: versions.delete(bob, membership=logged, delete_aliases=True),
    ):
        assert locked_by(act)[:1] == [logged.collection_id]
    assert Collection.objects.get(pk=portfolio.pk).version_count == 0


def locked_by(act) -> list[int]:
    """Return the collections in the order in which an act locked them."""
    locked: list[int] = []
    lock = locks.lock_rows

    def watched(ids):
        rows = lock(ids)
        locked.extend(row.pk for row in rows)
        return rows

    with mock.patch.object(locks, "lock_rows", watched):
        act()
    return locked
