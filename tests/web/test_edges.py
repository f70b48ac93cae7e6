"""Long lists around a version and a run are paged, and say how much more there is."""

from __future__ import annotations

import pytest

from registry.services import aliases, runs
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def who(people):
    return factories.actor(people.alice)


@pytest.fixture
def place(people):
    return factories.project(people)


def used(who, place, held, count):
    for n in range(count):
        run, _ = runs.create(who, project=place, name=f"run{n:03}")
        runs.use(who, run=run, membership=held)


def test_the_overview_says_how_many_more_runs_used_a_version(as_user, people, place, who):
    held = factories.log(people.alice, place)
    used(who, place, held, 23)
    client, path = as_user(people.alice), held.get_absolute_url()
    text = client.get(path).content.decode()
    assert ">3 more</a>" in text
    assert f'href="{path}/used-by"' in text


def test_every_run_that_used_a_version_stands_on_a_page(as_user, people, place, who):
    held = factories.log(people.alice, place)
    used(who, place, held, 55)
    client, path, seen = as_user(people.alice), f"{held.get_absolute_url()}/used-by", []
    query = ""
    while True:
        pager = client.get(path + query).context["pager"]
        seen += [run.name for run in pager.rows]
        if not (query := pager.older):
            break
    assert seen == [f"run{n:03}" for n in reversed(range(55))]


def test_what_a_run_used_and_logged_is_paged_each_by_itself(as_user, people, place, who, monkeypatch):
    monkeypatch.setattr("registry.web.views.runs._EDGES", 2)
    run, _ = runs.create(who, project=place)
    inputs = [factories.log(people.alice, place, f"in{n}") for n in range(5)]
    for held in reversed(inputs):
        runs.use(who, run=run, membership=held)
    for n in range(3):
        factories.log(people.alice, place, f"out{n}", run=run)
    client, path = as_user(people.alice), run.get_absolute_url()
    first = client.get(path).context
    second = client.get(path + first["inputs"].older).context
    both = client.get(path + second["outputs"].older).context
    names = [[row.collection.name for row in context["inputs"].rows] for context in (first, second, both)]
    assert names == [["in4", "in3"], ["in2", "in1"], ["in2", "in1"]]
    assert [row.collection.name for row in both["outputs"].rows] == ["out2"]
    back = client.get(path + both["inputs"].newer).context
    assert [row.collection.name for row in back["inputs"].rows] == ["in4", "in3"]


def test_the_hint_knows_an_alias_beyond_those_that_are_offered(as_user, people, place, who, monkeypatch):
    monkeypatch.setattr("registry.web.views.cards._OFFERED", 2)
    older = factories.log(people.alice, place, aliases=["a", "b", "c", "d"])
    newer = factories.log(people.alice, place)
    client, path = as_user(people.alice), newer.get_absolute_url()
    assert len(client.get(f"{path}/edit/names").context["others"]) == 2
    hint = client.get(f"{path}/edit/alias-holder?name=d", headers={"HX-Request": "true"}).content.decode()
    assert f"is held by v{older.number}" in hint
    aliases.move(who, membership=newer, name="d")
    hint = client.get(f"{path}/edit/alias-holder?name=d", headers={"HX-Request": "true"}).content.decode()
    assert "is held" not in hint
