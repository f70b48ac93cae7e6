"""Every list asks the database the same number of questions, for one row as for fifty."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.services import aliases, collections, keys, projects, runs, teams, versions
from tests import factories

pytestmark = pytest.mark.django_db
MANY = 50


@pytest.fixture
def place(people):
    return factories.project(people, description="x")


def count(client, path: str) -> int:
    # A first request fills what is kept for good: content types, the markdown of a card.
    assert client.get(path).status_code == 200
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def grows_not(as_user, person, path, one, more, most: int = 40):
    """Ask with one thing there, then with many."""
    client = as_user(person)
    one()
    few = count(client, path())
    more()
    cache.clear()
    assert count(client, path()) == few
    assert few <= most


def log(people, place, n, name="resnet"):
    made = factories.log(
        people.alice, place, name, {"a.txt": f"{name}{n}".encode()}, tags=[f"t{n}"], metadata={"f1": n / 7}
    )
    aliases.move(factories.actor(people.alice), membership=made, name=f"a{n}")
    return made


def test_versions_of_a_collection(as_user, people, place):
    made = []
    grows_not(
        as_user,
        people.alice,
        lambda: made[0].collection.get_absolute_url(),
        lambda: made.append(log(people, place, 0)),
        lambda: made.extend(log(people, place, n) for n in range(1, MANY)),
    )


def test_collections_of_a_project(as_user, people, place):
    grows_not(
        as_user,
        people.alice,
        place.get_absolute_url,
        lambda: log(people, place, 0, "c0"),
        lambda: [log(people, place, 0, f"c{n}") for n in range(1, MANY)],
    )


def test_projects_of_a_team_and_home(as_user, people):
    alice = factories.actor(people.alice)
    team = people.team.entity

    def make(numbers):
        return [projects.create(alice, entity=team, name=f"p{n}") for n in numbers]

    client = as_user(people.alice)
    make([0])
    paths = f"/{team.name}", "/", "/search?q=p", "/search/complete?q=p", f"/teams/{team.name}/storage"
    few = [count(client, path) for path in paths]
    make(range(1, MANY))
    assert [count(client, path) for path in paths] == few


def test_versions_that_are_found(as_user, people):
    places = iter([factories.project(people) for _ in range(MANY)])
    grows_not(
        as_user,
        people.alice,
        lambda: "/search?q=t0",
        lambda: log(people, next(places), 0),
        lambda: [log(people, place, 0) for place in places],
    )


def test_versions_whose_cards_are_found(as_user, people, place):
    def log_more(numbers):
        for n in numbers:
            factories.log(people.alice, place, f"c{n}", {"a": b"%d" % n}, description="common")

    for kind in ("", "&in=contents"):
        grows_not(
            as_user,
            people.alice,
            lambda kind=kind: f"/search?q=common{kind}",
            lambda kind=kind: log_more([len(kind) * 100 + 99]),
            lambda kind=kind: log_more(range(len(kind) * 100, len(kind) * 100 + MANY)),
        )


def test_runs_of_a_project(as_user, people, place):
    alice = factories.actor(people.alice)
    grows_not(
        as_user,
        people.alice,
        lambda: f"{place.get_absolute_url()}/runs",
        lambda: runs.create(alice, project=place, name="r0"),
        lambda: [runs.create(alice, project=place, name=f"r{n}") for n in range(1, MANY)],
    )


def test_a_run_and_a_version_with_many_edges(as_user, people, place):
    alice = factories.actor(people.alice)
    shared = log(people, place, 0)
    run, _ = runs.create(alice, project=place, name="run")
    runs.use(alice, run=run, membership=shared)
    client = as_user(people.alice)
    few = count(client, run.get_absolute_url()), count(client, shared.get_absolute_url())
    for n in range(1, MANY):
        runs.use(alice, run=run, membership=log(people, place, 0, f"other{n}"))
        other, _ = runs.create(alice, project=place, name=f"run{n}")
        runs.use(alice, run=other, membership=shared)
    # How many runs there are beyond those that the version shows is one question, asked when there are any.
    few = few[0], few[1] + 1
    assert (count(client, run.get_absolute_url()), count(client, shared.get_absolute_url())) == few


def test_events_and_trash(as_user, people, place):
    alice = factories.actor(people.alice)
    client = as_user(people.alice)
    pages = [f"{place.get_absolute_url()}/activity", f"{place.get_absolute_url()}/trash"]

    def bury(numbers):
        for n in numbers:
            versions.delete(alice, membership=log(people, place, n), delete_aliases=True)

    bury([0])
    kept = log(people, place, 99)
    pages.append(f"{kept.get_absolute_url()}/history")
    few = [count(client, page) for page in pages]
    bury(range(1, MANY))
    assert [count(client, page) for page in pages] == few


def test_members_and_keys(as_user, people):
    alice = factories.actor(people.alice)
    client = as_user(people.alice)
    pages = [f"/teams/{people.team.entity.name}/members", "/api-keys"]
    keys.create(alice, user=people.alice, name="k")
    few = [count(client, page) for page in pages]
    for n in range(1, MANY):
        teams.add_member(alice, place=people.team, user=factories.colleague(people), role="viewer")
        keys.create(alice, user=people.alice, name=f"k{n}")
    assert [count(client, page) for page in pages] == few


def test_a_fragment_costs_less_than_its_page(as_user, people, place):
    made = log(people, place, 0)
    client = as_user(people.alice)
    path = made.collection.get_absolute_url()
    whole = count(client, path)
    with CaptureQueriesContext(connection) as seen:
        assert b"<html" not in client.get(path, headers={"HX-Request": "true"}).content
    assert len(seen) < whole


def test_pages_go_on_and_back_without_losing_a_row(as_user, people, place):
    alice = factories.actor(people.alice)
    for n in range(120):
        collections.create(alice, project=place, name=f"c{n:03}", type="dataset")
    client = as_user(people.alice)
    path, seen = f"{place.get_absolute_url()}?order=name", []
    pagers = []
    while path:
        pager = client.get(path).context["pager"]
        pagers.append([row.name for row in pager.rows])
        seen += pagers[-1]
        back, path = pager.newer, pager.older and place.get_absolute_url() + pager.older
    assert seen == [f"c{n:03}" for n in range(120)]
    assert [row.name for row in client.get(place.get_absolute_url() + back).context["pager"].rows] == pagers[
        -2
    ]


@pytest.mark.parametrize("path", ["people", "organizations", "storage"])
def test_the_pages_of_the_installation(as_user, people, path):
    def make(names):
        for name in names:
            person = factories.user(name)
            place = teams.create_organization(factories.actor(people.root), name=f"o-{name}")
            teams.create_team(factories.actor(people.root), name=f"t-{name}", organization=place)
            keys.create(factories.actor(person), user=person, name="k")

    grows_not(
        as_user,
        people.root,
        lambda: f"/installation/{path}",
        lambda: make(["n0"]),
        lambda: make([f"n{n}" for n in range(1, MANY)]),
    )
