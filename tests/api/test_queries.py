"""Every list has as many queries for 20 rows as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.actor import system
from registry.models import Run
from registry.services import links, projects, registry_members, runs, survey, teams
from tests.api.support import Api
from tests.factories import actor, colleague, log, registry, unique

# What each list may cost, rows included; a change here is a decision.
BUDGET = {
    "me/keys": 3,
    "my entities": 5,
    "entities": 6,
    "every project": 4,
    "every collection": 5,
    "search": 7,
    "types": 6,
    "collections": 8,
    "versions": 15,
    "aliases": 8,
    "runs": 7,
    "inputs": 14,
    "outputs": 14,
    "used_by": 15,
    "used-by": 9,
    "members": 6,
    "entity events": 10,
    "trash": 13,
    "collection shares": 6,
    "version shares": 8,
    "deleted collections": 8,
    "events": 10,
    "collection events": 11,
    "version events": 13,
    "every registry": 8,
    "registries": 10,
    "registry members": 8,
    "links": 16,
    "linked": 17,
}


@pytest.fixture
def api(people):
    found = Api(people.alice)
    found.get("/me")  # stamps the key, which counts once a minute
    return found


def fill(people, project, run, count):
    who = actor(people.alice)
    for n in range(count):
        held = log(
            people.alice, project, "resnet", aliases=[unique("alias")], tags=["t", unique("tag")], run=run
        )
        log(people.alice, project, unique("set"), type=unique("type"), tags=["x"])
        runs.use(who, run=run, membership=held)
        other, _ = runs.create(who, project=project)
        runs.use(who, run=other, membership=held if n else held)
        projects.create(who, entity=people.team.entity, name=unique("e"))
        # The installation makes it: its maker would belong to it, and see what is in it.
        club = teams.create_team(system(), name=unique("club"), organization=people.organization)
        teams.add_member(system(), place=club, user=people.alice, role="viewer")
        teams.add_member(who, place=people.team, user=colleague(people), role="viewer")
        made = registry(people)
        shelf = "wandb-registry-shelf"
        registry_members.set_role(
            system(),
            registry=projects.find(who, people.organization.entity.name, shelf),
            username=colleague(people).username,
            role="viewer",
        )
        for path in (f"{shelf}/one", f"{made.name}/other"):
            links.link(system(), membership=held, target_path=path)
    return held


def urls(home, entity, run, ref, organization):
    resnet = f"{home}/collections/resnet"
    return {
        "me/keys": "/me/keys",
        "my entities": "/entities",
        "entities": f"/entities/{entity}/projects",
        "every project": "/projects",
        "every collection": "/collections",
        "search": "/search?q=e",
        "types": f"{home}/types",
        "collections": f"{home}/collections",
        "versions": f"{resnet}/versions",
        "aliases": f"{resnet}/aliases",
        "runs": f"{home}/runs",
        "inputs": f"{home}/runs/{run}/inputs",
        "outputs": f"{home}/runs/{run}/outputs",
        "used_by": f"{resnet}/versions/{ref}/runs",
        "used-by": f"{resnet}/versions/{ref}/used-by",
        "members": f"/teams/{entity}/members",
        "entity events": f"/entities/{entity}/events",
        "trash": f"{home}/trash",
        "collection shares": f"/entities/{entity}/storage/collections",
        "version shares": f"/entities/{entity}/storage/versions",
        "deleted collections": f"{home}/trash/collections",
        "events": f"{home}/events",
        "collection events": f"{resnet}/events",
        "version events": f"{resnet}/versions/{ref}/events",
        "every registry": "/registries",
        "registries": f"/organizations/{organization}/registries",
        "registry members": f"/organizations/{organization}/registries/shelf/members",
        "links": f"/projects/{organization}/wandb-registry-shelf/collections/one/versions",
        "linked": f"{resnet}/versions/{ref}/linked",
    }


def counts(api, addresses):
    found = {}
    for name, path in addresses.items():
        with CaptureQueriesContext(connection) as seen:
            response = api.get(path)
        assert response.status_code == 200, response.content
        found[name] = len(seen)
    return found


def trash_one(api, people, project, home):
    away = log(people.alice, project, unique("away"), tags=["x"]).collection.name
    assert api.delete(f"{home}/collections/{away}?delete_aliases=true").status_code == 204
    held = log(people.alice, project, "bin")
    path = f"{home}/collections/bin/versions/v{held.number}?delete_aliases=true"
    assert api.delete(path).status_code == 204


def test_each_list_has_a_fixed_number_of_queries(api, people, project, home):
    run, _ = runs.create(actor(people.alice), project=project)
    shelf = registry(people, "shelf")
    team = people.team.entity.name
    registry_members.set_role(system(), registry=shelf, team=team, role="member")
    held = fill(people, project, run, 1)
    trash_one(api, people, project, home)
    survey.count(project.entity)
    addresses = urls(home, project.entity.name, run.name, f"v{held.number}", people.organization.entity.name)
    one = counts(api, addresses)
    fill(people, project, run, 19)
    for other in Run.objects.exclude(pk=run.pk):
        runs.use(actor(people.alice), run=other, membership=held)
    for _ in range(3):
        trash_one(api, people, project, home)
    survey.count(project.entity)
    many = counts(api, addresses)
    assert many == one
    over = {name: count for name, count in many.items() if count > BUDGET[name]}
    assert not over
