"""What is shown of one version, two, or ticked ones costs as many queries with fifty rows as with one."""

from __future__ import annotations

import pytest

from registry.services import drafts, invitations, retention, runs, teams
from tests import factories
from tests.web.test_queries import MANY, count, grows_not

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(people):
    return factories.project(people)


def log(people, place, n, files=1, **details):
    contents = {f"folder/{at}.txt": f"{n} {at}".encode() for at in range(files)}
    return factories.log(people.alice, place, files=contents, **details)


def both(as_user, people, paths):
    """Count the queries of the pages of the first, then of the second."""
    client = as_user(people.alice)
    return [[count(client, path) for path in each] for each in paths]


@pytest.mark.parametrize("page", ["/files", "/files/folder", "/tree/folder", "/files/folder/0.txt"])
def test_the_files_of_a_version(as_user, people, place, page):
    one, many = (log(people, place, n, files).get_absolute_url() for n, files in ((0, 1), (1, MANY)))
    # The first of two has no version before it, the second none after it.
    log(people, place, 2)
    few, more = both(as_user, people, [[one + page], [many + page]])
    assert more == few


@pytest.mark.parametrize("keys", [{}, {"same": "1"}])
def test_two_versions_side_by_side(as_user, people, place, keys):
    for n, files in ((0, 1), (1, 1), (2, MANY), (3, MANY)):
        log(people, place, n, files, metadata={f"k{at}": n for at in range(files)}, description=f"card {n}")
    query = "&same=1" if keys else ""
    at = f"{place.get_absolute_url()}/compare?"
    few, more = both(
        as_user, people, [[f"{at}a=resnet:v0&b=resnet:v1{query}"], [f"{at}a=resnet:v2&b=resnet:v3{query}"]]
    )
    assert more == few


@pytest.mark.parametrize("page", ["lineage?view=table", "lineage/graph?way=down", "used-by"])
def test_who_used_a_version(as_user, people, place, page):
    held = log(people, place, 0)

    def use(numbers):
        for n in numbers:
            run, _ = runs.create(factories.actor(people.alice), project=place, name=f"r{n}")
            runs.use(factories.actor(people.alice), run=run, membership=held)
            factories.log(people.alice, place, f"made{n}", run=run, aliases=["best"])

    grows_not(
        as_user,
        people.alice,
        lambda: f"{held.get_absolute_url()}/{page}",
        lambda: use([0]),
        lambda: use(range(1, MANY)),
    )


@pytest.mark.parametrize(
    "query",
    [
        "?q=metadata.f1>=0&column=f1&column=deep.lr",
        "?column=f1&order=-metadata.f1",
        "?q=tag:good alias:a0",
        "/complete?q=tag:",
        "/complete?q=by:",
        "/complete?q=run:",
        "/complete?q=metadata.",
        "/versions.csv?column=f1",
        "/activity",
    ],
)
def test_versions_as_they_are_searched_sorted_and_told(as_user, people, place, query):
    def more(numbers):
        for n in numbers:
            log(people, place, n, metadata={"f1": n / 7, "deep": {"lr": n}}, tags=["good"], aliases=[f"a{n}"])

    grows_not(
        as_user,
        people.alice,
        lambda: f"{place.get_absolute_url()}/artifacts/resnet{query}",
        lambda: more([0]),
        lambda: more(range(1, MANY)),
    )


def test_versions_that_are_being_logged(as_user, people, place):
    alice, here = factories.actor(people.alice), log(people, place, 0).collection

    def begin(numbers):
        for _ in numbers:
            drafts.begin(alice, project=place, collection=here.name, type="model")

    grows_not(as_user, people.alice, here.get_absolute_url, lambda: begin([0]), lambda: begin(range(1, MANY)))


@pytest.mark.parametrize("act", ["tag", "ttl", "delete"])
def test_acts_on_ticked_versions(as_user, people, place, act):
    for n in range(MANY + 1):  # one stays in either case
        log(people, place, n, tags=[f"t{n}"], aliases=[f"a{n}"])
    at = f"{place.get_absolute_url()}/artifacts/resnet/selected?act={act}"
    ticked = "".join(f"&v={n}" for n in range(MANY))
    few, more = both(as_user, people, [[f"{at}&v=0"], [at + ticked]])
    assert more == few


def test_what_is_told_of_a_team_and_who_is_invited(as_user, people):
    alice, team = factories.actor(people.alice), people.team
    pages = [
        f"/settings/{team.entity.name}/audit",
        f"/teams/{team.entity.name}/members",
        f"/settings/{people.alice}/audit",
    ]

    def act(numbers):
        for n in numbers:
            invitations.invite(alice, team=team, role="viewer", link=str)
            retention.set_policy(alice, target=team.entity, ttl=(n + 1) * 86400)
            retention.set_policy(alice, target=people.alice.entity, ttl=(n + 1) * 86400)
            teams.add_member(alice, place=team, user=factories.colleague(people), role="viewer")

    client = as_user(people.alice)
    act([0])
    few = [count(client, page) for page in pages]
    act(range(1, MANY))
    assert [count(client, page) for page in pages] == few
