"""Toasts take acts back, and what somebody else changed meanwhile is never lost."""

from __future__ import annotations

import re

import pytest

from registry.models import Event
from registry.services import aliases, collections, tags, versions
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def made(people):
    place = factories.project(people, "optics")
    first = factories.log(
        people.alice, place, "lenses", {"a": b"1"}, description="as it was", metadata={"a": 1}
    )
    factories.log(people.alice, place, "lenses", {"a": b"2"})
    return first


@pytest.fixture
def client(as_user, people):
    return as_user(people.alice)


def seen(client, path):
    return client.get(path).context["form"]["seen"].value()


def undo_of(client, path):
    """The address of the way back, in the toast of the page."""
    found = re.search(r'action="([^"]*/undo/[0-9]+)"', client.get(path).content.decode())
    assert found is not None
    return found[1]


def fresh(made):
    made.version.refresh_from_db()
    return made.version


@pytest.mark.parametrize(
    ("act", "form"),
    [
        ("names", {"act": "add-alias", "name": "gold"}),
        ("names", {"act": "add-tag", "name": "fresh"}),
        ("card", {"description": "anew"}),
        ("ttl", {"kind": "days", "days": "9"}),
        ("metadata", {"key": ["b"], "kind": ["number"], "value": ["2"]}),
    ],
)
def test_each_edit_in_place_can_be_taken_back(client, made, act, form):
    def state():
        version = fresh(made)
        held = (
            sorted(alias.name for alias in made.aliases.all()),
            sorted(tag.name for tag in version.tags.all()),
        )
        return version.description, version.metadata, version.ttl_kind, version.ttl_seconds, *held

    before, path = state(), made.get_absolute_url()
    if act != "names":
        form = form | {"seen": seen(client, f"{path}/edit/{act}")}
    assert client.post(f"{path}/edit/{act}", form).status_code == 302
    assert state() != before
    back = undo_of(client, path)
    assert client.post(back).status_code == 302
    assert state() == before
    assert "That is taken back." in client.get(path).content.decode()


def test_an_alias_goes_back_to_who_held_it(client, made, people):
    actor, here = factories.actor(people.alice), made.collection
    second = versions.find(actor, here, "v1")
    aliases.move(actor, membership=second, name="gold")
    client.post(f"{made.get_absolute_url()}/edit/names", {"act": "add-alias", "name": "gold"})
    assert versions.find(actor, here, "gold").number == 0
    client.post(undo_of(client, made.get_absolute_url()))
    assert versions.find(actor, here, "gold").number == 1
    client.post(f"{second.get_absolute_url()}/edit/names", {"act": "remove-alias", "name": "gold"})
    client.post(undo_of(client, second.get_absolute_url()))
    assert versions.find(actor, here, "gold").number == 1


def test_what_changed_again_since_is_not_taken_back(client, made, people):
    path = made.get_absolute_url()
    client.post(f"{path}/edit/card", {"description": "mine", "seen": seen(client, f"{path}/edit/card")})
    back = undo_of(client, path)
    versions.edit(factories.actor(people.bob), membership=made, description="theirs")
    client.post(back)
    assert "It was changed again since then" in client.get(path).content.decode()
    assert fresh(made).description == "theirs"


def test_tags_of_others_stay_when_ones_own_are_taken_back(client, made, people):
    path = made.get_absolute_url()
    client.post(f"{path}/edit/names", {"act": "add-tag", "name": "mine"})
    back = undo_of(client, path)
    tags.add(factories.actor(people.bob), membership=made, name="theirs")
    client.post(back)
    assert [tag.name for tag in fresh(made).tags.all()] == ["theirs"]


def test_only_acts_of_the_project_are_taken_back_by_who_may_edit(client, as_user, made, people):
    client.post(f"{made.get_absolute_url()}/edit/names", {"act": "add-tag", "name": "fresh"})
    told = undo_of(client, made.get_absolute_url())
    event = Event.objects.filter(act="tag.edit").latest("pk").pk
    other = factories.project(people, "elsewhere")
    assert client.post(f"{other.get_absolute_url()}/undo/{event}").status_code == 404
    assert as_user(people.vera).post(told).status_code == 403
    assert as_user(people.charlie).post(told).status_code == 404
    logged = Event.objects.filter(act="version.log").latest("pk").pk
    assert client.post(f"{made.collection.project.get_absolute_url()}/undo/{logged}").status_code == 404
    assert [tag.name for tag in fresh(made).tags.all()] == ["fresh"]


def test_a_collections_card_is_taken_back_and_a_deleted_one_says_so(client, made, people):
    here = made.collection
    path = f"{here.get_absolute_url()}/card"
    client.post(path, {"description": "anew", "seen": seen(client, f"{path}?edit")})
    back = undo_of(client, path)
    client.post(back)
    here.refresh_from_db()
    assert here.description == ""
    client.post(path, {"description": "anew", "seen": seen(client, f"{path}?edit")})
    back = undo_of(client, path)
    collections.delete(factories.actor(people.alice), collection=here, delete_aliases=True)
    assert client.post(back).status_code == 404


@pytest.mark.parametrize(
    ("tab", "form", "theirs"),
    [
        ("edit/card", {"description": "mine"}, {"description": "theirs"}),
        ("edit/ttl", {"kind": "never"}, {"ttl": 86400 * 400}),
        ("edit/metadata", {"metadata": '{"mine": 1}'}, {"metadata": {"theirs": 1}}),
    ],
)
def test_what_somebody_else_changed_meanwhile_is_told_with_409_and_kept(
    client, made, people, tab, form, theirs
):
    path = f"{made.get_absolute_url()}/{tab}"
    mine = form | {"seen": seen(client, path)}
    versions.edit(factories.actor(people.bob), membership=made, **theirs)
    answer = client.post(path, mine)
    assert answer.status_code == 409
    assert "Somebody else changed the" in answer.content.decode()
    again = form | {"seen": answer.context["form"]["seen"].value()}
    assert client.post(path, again).status_code == 302


def test_an_alias_that_moved_meanwhile_is_not_taken_unseen(client, made, people):
    actor, path = factories.actor(people.alice), f"{made.get_absolute_url()}/edit/names"
    aliases.move(actor, membership=versions.find(actor, made.collection, "v1"), name="gold")
    # The page said that it was free.
    answer = client.post(path, {"act": "add-alias", "name": "gold", "seen": "gold/"})
    assert answer.status_code == 409
    assert "gold was free when you looked, and v1 holds it by now" in answer.content.decode()
    assert client.post(path, {"act": "add-alias", "name": "gold", "seen": "gold/v1"}).status_code == 302
    assert versions.find(actor, made.collection, "gold").number == 0
