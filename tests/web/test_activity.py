"""Lists of events, narrowed by their address."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from registry.services import aliases, tags
from registry.web import told
from registry.web.forms import events
from tests import factories

_ACT = re.compile(r'<td class="strong(?: whole)?">(?:<span class="row-flex tight">)?([^<]*?) ?<')
pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def made(people):
    place = factories.project(people, "optics")
    one = factories.log(people.alice, place, "lenses", {"a": b"1"})
    two = factories.log(people.bob, place, "lenses", {"a": b"2"})
    for holder in (one, two):
        aliases.move(factories.actor(people.alice), membership=holder, name="gold")
    aliases.move(factories.actor(people.bob), membership=one, name="silver")
    tags.add(factories.actor(people.bob), membership=two, name="fresh")
    return two


def acts(client, path, query=""):
    answer = client.get(f"{path}{query}")
    assert answer.status_code == 200
    return re.findall(
        r'<td class="strong(?: whole)?">(?:<span class="row-flex tight">)?([^<]*?) ?<',
        answer.content.decode(),
    )


def test_every_act_is_of_one_kind():
    listed = [act for _, acts in events.KINDS.values() for act in acts]
    assert sorted(listed) == sorted(told._WORDS)


def test_the_aliases_of_a_collection_are_a_kind_of_its_acts(as_user, people, made):
    path, client = f"{made.collection.get_absolute_url()}/activity", as_user(people.alice)
    assert acts(client, path, "?kind=aliases") == ["alias set", "alias moved", "alias set"]
    assert "Nothing found" in client.get(f"{path}?kind=used").content.decode()


def test_events_are_narrowed_by_kind_person_and_day(as_user, people, made):
    client, project = as_user(people.alice), made.collection.project.get_absolute_url()
    assert acts(client, f"{project}/activity", f"?kind=logged&by={people.bob.username}") == ["version logged"]
    assert acts(client, f"{project}/activity", "?kind=edited") == ["tags changed", "collection created"]
    assert acts(client, f"{project}/activity", "?until=2020-01-01") == []
    assert len(acts(client, f"{project}/activity", "?since=2020-01-01&until=2999-01-01")) == 8
    assert acts(client, f"{made.get_absolute_url()}/history", "?kind=edited") == ["tags changed"]
    team = reverse("teams:audit", args=[people.team.entity.name])
    assert set(acts(client, team, "?kind=people")) == {"role changed"}


@pytest.mark.parametrize("query", ["?since=yesterday", "?until=0001-01-01", "?since=9999-12-31", "?kind=odd"])
def test_what_no_filter_understands_is_said_and_lists_nothing(as_user, people, made, query):
    answer = as_user(people.alice).get(f"{made.collection.get_absolute_url()}/activity{query}")
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert "alias moved" not in answer.content.decode()


def test_downloads_are_listed_when_they_are_asked_for(as_user, people, made):
    client, project = as_user(people.alice), made.collection.project.get_absolute_url()
    assert client.get(f"{made.get_absolute_url()}/download/a").status_code == 200
    assert "downloaded" not in acts(client, f"{project}/activity")
    assert "downloaded" in acts(client, f"{project}/activity", "?kind=used")
    assert "downloaded" in acts(client, f"{project}/activity", "?downloads=1")
