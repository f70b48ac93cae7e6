"""Lost updates at the services: what was seen is compared under the lock, whoever asks."""

from __future__ import annotations

import pytest

from registry.errors import ChangedMeanwhile, Conflict, Forbidden, NotFound
from registry.models import Event
from registry.services import aliases, collections, projects, retention, teams, undoing, versions
from registry.services.seen import mark, marks
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(db):
    return make.people()


@pytest.fixture
def alice(people):
    return make.actor(people.alice)


@pytest.fixture
def made(people):
    project = make.project(people)
    return make.log(people.alice, project, "resnet", {"a": b"x"}, tags=["t"], metadata={"a": 1})


@pytest.mark.parametrize(
    ("field", "was", "theirs", "mine"),
    [
        ("description", "", "theirs", "mine"),
        ("metadata", {"a": 1}, {"a": 2}, {"a": 3}),
        ("metadata", {"a": 1}, {"a": True}, {"a": 3}),
        ("ttl", "inherit", 86400, "never"),
        ("tags", ["t"], ["u"], ["v"]),
        ("aliases", ["latest"], ["latest", "x"], ["y"]),
    ],
)
def test_a_field_of_a_version_that_changed_since_is_refused_with_what_it_is(
    alice, made, field, was, theirs, mine
):
    versions.edit(alice, membership=made, **{field: theirs})
    with pytest.raises(ChangedMeanwhile) as refused:
        versions.edit(alice, membership=made, **{field: mine}, seen=marks({field: was}))
    assert refused.value.details["field"] == field
    now = refused.value.details["now"]
    assert (sorted(now) if isinstance(now, list) else now) == theirs
    # Who saw that, or wants that, or says nothing of it, is let through.
    versions.edit(alice, membership=made, **{field: theirs}, seen=marks({field: was}))
    versions.edit(alice, membership=made, **{field: mine}, seen=marks({field: theirs}))
    versions.edit(alice, membership=made, **{field: was})


def test_all_or_nothing_of_an_edit_is_refused(alice, made):
    versions.edit(alice, membership=made, metadata={"theirs": 1})
    before = Event.objects.count()
    with pytest.raises(ChangedMeanwhile):
        versions.edit(
            alice,
            membership=made,
            description="mine",
            metadata={"mine": 1},
            seen=marks({"metadata": {"a": 1}}),
        )
    made.version.refresh_from_db()
    assert made.version.description == ""
    assert Event.objects.count() == before


def test_settings_of_collections_projects_teams_and_policies_are_guarded(people, alice, made):
    here, project, team = made.collection, made.collection.project, people.team
    stale = {"seen": marks({"name": "x", "type": "x", "tags": ["x"], "description": "x", "ttl": 1})}
    for given in ({"name": "y"}, {"type": "y"}, {"tags": ["y"]}, {"description": "y"}):
        with pytest.raises(ChangedMeanwhile):
            collections.edit(alice, collection=here, **given, **stale)
    for given in ({"name": "y"}, {"description": "y"}):
        with pytest.raises(ChangedMeanwhile):
            projects.edit(alice, project=project, **given, **stale)
    for target in (here, project, team.entity):
        with pytest.raises(ChangedMeanwhile):
            retention.set_policy(alice, target=target, ttl=99, **stale)
    with pytest.raises(ChangedMeanwhile):
        teams.edit_settings(alice, team=team, ttl=99, **stale)
    with pytest.raises(ChangedMeanwhile):
        teams.edit_settings(alice, team=team, ttl_editors="admins", seen=marks({"ttl_editors": "x"}))


def test_an_alias_is_taken_only_from_where_it_was_seen(people, alice, made):
    other = make.log(people.alice, made.collection.project, "resnet", {"a": b"y"})
    with pytest.raises(ChangedMeanwhile, match="nobody holds it by now"):
        aliases.move(alice, membership=made, name="prod", seen="v1")
    aliases.move(alice, membership=made, name="prod", seen=None)
    with pytest.raises(ChangedMeanwhile, match="was free when you looked, and v0 holds it by now"):
        aliases.move(alice, membership=other, name="prod", seen=None)
    # It is here already: nobody loses anything.
    aliases.move(alice, membership=made, name="prod", seen="v1")
    aliases.move(alice, membership=other, name="prod", seen="v0")


def test_a_mark_is_that_of_the_value_alone():
    assert mark({"a": 1, "b": 2}) == mark({"b": 2, "a": 1})
    assert mark(["b", "a"]) == mark(["a", "b"])
    assert len({mark(each) for each in (1, True, 1.5, "1", None, [], {}, "", ["1"], {"1": 1})}) == 10
    assert mark([{"a": 1}, 2, "x"]) == mark(["x", {"a": 1}, 2])


def test_only_who_may_edit_takes_an_act_back(people, alice, made):
    aliases.move(alice, membership=made, name="prod")
    told, project = Event.objects.latest("id"), made.collection.project
    viewer, charlie = make.actor(people.roles["viewer"]), make.actor(people.charlie)
    with pytest.raises(Forbidden):
        undoing.find(viewer, project=project, event=told.pk)
    with pytest.raises(Forbidden):
        undoing.undo(viewer, project=project, event=told)
    with pytest.raises(NotFound):
        undoing.find(charlie, project=project, event=told.pk)
    undoing.undo(alice, project=project, event=told)
    # Once is enough: what is taken back is not there to be taken back again.
    with pytest.raises((Conflict, NotFound)):
        undoing.undo(alice, project=project, event=told)


def test_what_is_gone_is_not_edited_back(people, alice, made):
    versions.edit(alice, membership=made, description="mine")
    told, project = Event.objects.latest("id"), made.collection.project
    versions.delete(alice, membership=made, delete_aliases=True)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        undoing.undo(alice, project=project, event=told)
    collections.delete(alice, collection=made.collection, delete_aliases=True)
    with pytest.raises(NotFound, match="deleted meanwhile"):
        undoing.undo(alice, project=project, event=told)


def test_only_what_was_made_since_is_offered(people, alice, made):
    project = made.collection.project
    since = undoing.newest()
    assert undoing.made(alice, project=project, since=since) is None
    aliases.move(make.actor(people.bob), membership=made, name="bobs")
    assert undoing.made(alice, project=project, since=since) is None
    aliases.move(alice, membership=made, name="hers")
    assert undoing.made(alice, project=project, since=since).subject == "hers"
    aliases.move(alice, membership=made, name="two")
    assert undoing.made(alice, project=project, since=since) is None


def test_a_card_stands_in_quotes_within_the_sentence(alice, made):
    versions.edit(alice, membership=made, description="What they wrote.")
    with pytest.raises(ChangedMeanwhile, match="meanwhile: it is “What they wrote.” now"):
        versions.edit(alice, membership=made, description="mine", seen=marks({"description": ""}))
