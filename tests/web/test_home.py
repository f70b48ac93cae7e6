"""Home: what others did in one's teams and in what one starred, told in few lines and by pages."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.urls import reverse

from registry.models import Event
from registry.services import aliases, audit, projects, runs, stars, teams
from tests import factories


def lines(client, query=""):
    """What the feed says, a line an act or a group of them."""
    page = client.get(f"/{query}").content.decode()
    feed = page[page.index('id="ac"') : page.index("<aside")]
    tops = re.sub(r'<ul class="feed-acts">.*?</ul>', "", feed, flags=re.DOTALL)
    tops = re.sub(r'<span class="avatar.*?</span>', "", tops, flags=re.DOTALL)
    tops = re.sub(r"<summary.*?</summary>", "", tops, flags=re.DOTALL)
    found = re.findall(r"<li>(.*?)</li>", tops, re.DOTALL)
    return [unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", each))).strip() for each in found]


def says(client, text, query=""):
    return any(text in line for line in lines(client, query))


@pytest.fixture
def place(people):
    return factories.project(people, "optics")


def test_home_tells_what_others_did_in_the_teams_of_a_person(as_user, people, place):
    factories.log(people.bob, place, "lenses")
    open_to_all = factories.project(people, "open", visibility="organization")
    factories.log(people.bob, open_to_all, "prisms")
    assert says(as_user(people.alice), "lenses")
    # Who sees it by being of the organization, or an admin of the installation, is not of the team.
    for who in (people.olga, people.root):
        assert not says(as_user(who), "lenses")
        assert not says(as_user(who), "prisms")
    assert "Nothing happened in your teams" in as_user(people.root).get("/").content.decode()


@pytest.mark.parametrize("query", ["", "?whose=starred"])
def test_what_a_person_starred_is_told_as_well(as_user, people, query):
    seen = factories.project(people, "open", visibility="organization")
    lenses = factories.log(people.bob, seen, "lenses").collection
    factories.log(people.bob, seen, "prisms")
    olga = factories.actor(people.olga)
    stars.put(olga, target=lenses, on=True)
    client = as_user(people.olga)
    assert says(client, "lenses", query)
    assert says(client, "prisms", query) == (not query)
    stars.put(olga, target=seen, on=True)
    assert says(client, "prisms", query)
    assert len([line for line in lines(client, "?whose=starred") if "logged lenses:v0" in line]) == 1
    projects.edit(factories.actor(people.alice), project=seen, visibility="private")
    assert lines(client, query) == []


def test_a_persons_own_acts_are_told_where_they_ask_for_them(as_user, people, place):
    factories.log(people.alice, place, "mine")
    factories.log(people.bob, place, "lenses")
    client = as_user(people.alice)
    assert (says(client, "mine"), says(client, "lenses")) == (False, True)
    assert (says(client, "mine", "?whose=mine"), says(client, "lenses", "?whose=mine")) == (True, False)
    page = client.get("/?whose=mine").content.decode()
    assert '<a class="btn btn-plain btn-small" href="?whose=mine" aria-current="true">Mine</a>' in page
    assert client.get("/?whose=odd").status_code == 200
    # What one sees no longer is not told, not even one's own acts there.
    teams.remove_member(factories.actor(people.alice), place=people.team, user=people.bob)
    assert lines(as_user(people.bob), "?whose=mine") == []


def test_acts_of_one_kind_in_a_row_are_one_line_that_opens(as_user, people, place):
    bob = factories.actor(people.bob)
    made = [factories.log(people.bob, place, "lenses", {"a": b"%d" % at}) for at in range(12)]
    for name in ("gold", "silver"):
        aliases.move(bob, membership=made[0], name=name)
    client = as_user(people.alice)
    told = lines(client)
    assert [re.sub(r" in .*", "", line.split(people.bob.display_name)[-1]).strip() for line in told] == [
        "set 2 aliases of lenses",
        "logged 12 versions of lenses",
        "created lenses",
    ]
    page = client.get("/").content.decode()
    assert page.count(f'href="{made[5].get_absolute_url()}"') == 1
    aliases.move(factories.actor(people.alice), membership=made[1], name="mine")
    factories.log(people.bob, place, "lenses", {"a": b"14"})
    assert says(client, "logged 13 versions of lenses"), "what is not told does not part them"


def test_acts_on_one_thing_are_counted_as_times(as_user, people, place):
    for name in ("a", "b", "c"):
        projects.edit(factories.actor(people.alice), project=place, description=name)
    assert says(as_user(people.bob), "changed the settings of optics 3 times")


def test_others_acts_between_part_a_group(as_user, people, place):
    factories.log(people.bob, place, "lenses", {"a": b"1"})
    factories.log(people.bob, place, "lenses", {"a": b"2"})
    carl = factories.colleague(people)
    teams.add_member(factories.actor(people.alice), place=people.team, user=carl, role="member")
    factories.log(carl, place, "lenses", {"a": b"3"})
    factories.log(people.bob, place, "lenses", {"a": b"4"})
    told = lines(as_user(people.alice))
    assert [("versions" in line) for line in told[:3]] == [False, False, True]


def test_runs_are_told_by_the_name_that_is_shown(as_user, people, place):
    run, _ = runs.create(factories.actor(people.bob), project=place, name="x7k2", display_name="night sweep")
    client = as_user(people.alice)
    assert says(client, "started the run night sweep")
    assert f'href="{run.get_absolute_url()}">night sweep</a>' in client.get("/").content.decode()
    project = reverse("projects:activity", args=[place.entity.name, place.name])
    assert ">night sweep</a>" in client.get(project).content.decode()


@pytest.mark.parametrize("query", ["", "?whose=mine", "?whose=starred"])
def test_home_goes_on_where_its_page_ended(as_user, people, place, query):
    who = people.bob if query == "?whose=mine" else people.alice
    stars.put(factories.actor(who), target=place, on=True)
    for at in range(70):
        factories.log(people.bob, place, f"c{at}", {"a": b"%d" % at})
    client = as_user(who)
    first = client.get(f"/{query}").content.decode()
    older = unescape(re.search(r'href="([^"]*)" rel="next"', first)[1])
    assert (query.lstrip("?") in older, "after=" in older) == (True, True)
    second = client.get(f"/{older}").content.decode()
    assert 'rel="prev"' in second
    told = Event.objects.filter(actor_id=people.bob.pk, act="version.log").count()
    shown = re.findall(r"logged</span>|logged <a", first + second)
    assert told == 70
    assert shown
    assert client.get("/?after=nonsense").status_code == 400


def test_home_of_a_person_of_many_projects_tells_the_same(as_user, people, place):
    factories.log(people.bob, place, "lenses")
    with pytest.MonkeyPatch.context() as few:
        few.setattr(audit, "_FEW", 0)
        assert says(as_user(people.alice), "lenses")
        stars.put(factories.actor(people.alice), target=place, on=True)
        assert says(as_user(people.alice), "lenses", "?whose=starred")
