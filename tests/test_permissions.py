"""Who may do what, at every address: each route × method × role is classified here and tried for real.

The resolver is walked, so a route that is added and not classified fails the test.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from enum import Enum

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from registry.models import Event
from registry.services import drafts, keys, runs, teams, trash, uploads
from tests import factories

ROLES = ("anonymous", "stranger", "organization", "viewer", "member", "admin", "instance")
METHODS = ("get", "post", "put", "patch", "delete")


class Needs(Enum):
    """What a route × method needs, as the status each role gets: `ok` is anything but 401, 403 and 404."""

    PUBLIC = ("ok",) * 7
    NOWHERE = (401, 404, 404, 404, 404, 404, 404)
    SELF = (401, "ok", "ok", "ok", "ok", "ok", "ok")
    # Keys, drafts and uploads are those of the member who made them, whoever else asks.
    MAKER = (401, 404, 404, 404, "ok", 404, 404)
    ENTITY = (401, 404, "ok", "ok", "ok", "ok", "ok")
    MANAGE = (401, 404, 403, 403, 403, "ok", "ok")
    CREATE_PROJECT = (401, 404, 403, 403, "ok", "ok", "ok")
    VIEW = (401, 404, 404, "ok", "ok", "ok", "ok")
    CHANGE = (401, 404, 404, 403, "ok", "ok", "ok")
    SETTINGS = (401, 404, 404, 403, 403, "ok", "ok")


V, C, M = Needs.VIEW, Needs.CHANGE, Needs.MAKER
API: dict[str, dict[str, Needs]] = {
    "schema": {"get": Needs.PUBLIC},
    "docs": {"get": Needs.PUBLIC},
    "download": {"get": Needs.PUBLIC},
    "me": {"get": Needs.SELF},
    "keys": {"get": Needs.SELF, "post": Needs.SELF},
    "key": {"delete": M},
    "entity": {"get": Needs.ENTITY},
    "projects": {"get": Needs.ENTITY, "post": Needs.CREATE_PROJECT},
    "entity-events": {"get": Needs.MANAGE},
    "entity-ttl": {"get": Needs.ENTITY, "put": Needs.MANAGE},
    "members": {"get": Needs.ENTITY},
    "member": {"put": Needs.MANAGE, "delete": Needs.MANAGE},
    "team-settings": {"get": Needs.ENTITY, "patch": Needs.MANAGE},
    "project": {"get": V, "patch": Needs.SETTINGS},
    "project-ttl": {"get": V, "put": Needs.SETTINGS},
    "types": {"get": V},
    "trash": {"get": V},
    "events": {"get": V},
    "drafts": {"post": C},
    "small-versions": {"post": C},
    "collections": {"get": V, "post": C},
    "collection": {"get": V, "patch": C, "delete": C},
    "collection-ttl": {"get": V, "put": Needs.SETTINGS},
    "aliases": {"get": V},
    "alias": {"put": C, "delete": C},
    "versions": {"get": V},
    "version": {"get": V, "patch": C, "delete": C},
    "restore": {"post": C},
    "version-runs": {"get": V},
    "used-by": {"get": V},
    "tag": {"put": C, "delete": C},
    "manifest": {"get": V},
    "folder": {"get": V},
    "entry": {"get": V},
    "content": {"get": V},
    "bundle": {"post": V},
    "diff": {"get": V},
    "links": {"post": V},
    "runs": {"get": V, "post": C},
    "run": {"get": V, "patch": C},
    "run-inputs": {"get": V, "post": C},
    "run-outputs": {"get": V},
    "version-by-id": {"get": V},
    "draft": {"get": M, "delete": M},
    "draft-manifest": {"put": M},
    "draft-missing": {"get": M},
    "draft-sizes": {"post": M},
    "draft-bundles": {"post": M},
    "draft-uploads": {"post": M},
    "draft-commit": {"post": M},
    "upload": {"get": M},
    "upload-part": {"put": M},
    "upload-complete": {"post": M},
    "nothing": dict.fromkeys(METHODS, Needs.NOWHERE),
}
BODIES: dict[tuple[str, str], object] = {
    ("keys", "post"): {"name": "k"},
    ("projects", "post"): {"name": "fresh"},
    ("entity-ttl", "put"): {"ttl": 86400},
    ("member", "put"): {"role": "viewer"},
    ("team-settings", "patch"): {"ttl_editors": "admins"},
    ("project", "patch"): {"description": "x"},
    ("project-ttl", "put"): {"ttl": "never"},
    ("collection-ttl", "put"): {"ttl": 86400},
    ("drafts", "post"): {"collection": "new", "type": "model"},
    ("small-versions", "post"): {"collection": "new", "type": "model", "entries": []},
    ("collections", "post"): {"name": "new", "type": "model"},
    ("collection", "patch"): {"description": "x"},
    ("alias", "put"): {"version": "v0"},
    ("version", "patch"): {"description": "x"},
    ("bundle", "post"): {"paths": ["a"]},
    ("links", "post"): {"path": "a"},
    ("runs", "post"): {},
    ("run", "patch"): {"state": "finished"},
    ("run-inputs", "post"): {"artifact": "resnet:v0"},
    ("draft-sizes", "post"): {"sizes": [1]},
    ("draft-uploads", "post"): {"size": 5},
    ("draft-manifest", "put"): b"",
    ("draft-bundles", "post"): b"",
    ("upload-part", "put"): b"x",
    ("upload-complete", "post"): {"sha256": "0" * 64},
}
QUERIES = {
    "content": "path=a",
    "entry": "path=a",
    "diff": "base=v0",
    "collection": "delete_aliases=true",
    "version": "delete_aliases=true",
}


@dataclass(frozen=True)
class Route:
    """One address of the resolver."""

    namespace: str
    name: str
    pattern: str
    methods: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.namespace}:{self.name}"


def walk(patterns, namespace="", before=""):
    for found in patterns:
        here = before + str(found.pattern)
        if isinstance(found, URLResolver):
            yield from walk(found.url_patterns, found.app_name or namespace, here)
        elif isinstance(found, URLPattern):
            view = getattr(found.callback, "cls", None)
            methods = tuple(m for m in METHODS if view is None or hasattr(view, m))
            yield Route(namespace, found.name or "", here, methods)


ROUTES = list(walk(get_resolver().url_patterns))


@dataclass
class World:
    """A team's private project with one of each thing, and a key for each role."""

    values: dict[str, object]
    restorable: str
    secrets: dict[str, str | None]
    users: dict[str, object]


@pytest.fixture
def world(db):
    people = factories.people()
    project = factories.project(people)
    maker = factories.actor(people.bob, "api")
    run, _ = runs.create(maker, project=project, name="train")
    held = factories.log(people.bob, project, "resnet", {"a": b"x"}, aliases=["prod"], tags=["good"], run=run)
    gone = factories.log(people.bob, project, "bin", {"a": b"y"})
    trash.move(maker, gone, cause="person")
    draft, _ = drafts.begin(maker, project=project, collection="resnet", type="model")
    drafts.stage(maker, draft=draft, lines=factories.manifest_lines({"a": b"x"}))
    upload, _ = uploads.begin(maker, draft=draft, size=1, parts=1)
    added = factories.user()
    teams.add_member(factories.actor(people.alice), place=people.team, user=added, role="member")
    users = people.roles
    secrets = {
        role: None if user is None else keys.create(factories.actor(user), user=user, name=role)[1]
        for role, user in users.items()
    }
    values = {
        "entity": project.entity.name,
        "team": people.team.entity.name,
        "user": added.username,
        "project": project.name,
        "collection": "resnet",
        "type": "model",
        "ref": "v0",
        "number": 1,
        "alias": "prod",
        "tag": "good",
        "run": "train",
        "path": "a",
        "token": "none",
        "rest": "nothing/here",
        "draft_id": draft.public_id,
        "upload_id": upload.pk,
        "version_id": held.version.public_id,
        "key_id": people.bob.api_keys.get(name="member").pk,
        "key": people.bob.api_keys.get(name="member").pk,
    }
    return World(values, "bin", secrets, users)


def address(route: Route, world: World) -> str:
    values = dict(world.values)
    if route.name == "restore":
        values["collection"] = world.restorable
    if route.namespace != "api":
        values["number"] = 0
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), route.pattern)


def ask(route: Route, method: str, role: str, world: World):
    body = BODIES.get((route.name, method), b"")
    headers = {"Upload-Offset": "0"}
    if world.secrets[role] is not None:
        headers["Authorization"] = f"Bearer {world.secrets[role]}"
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    path = address(route, world) + "?" + QUERIES.get(route.name, "")
    with transaction.atomic():
        response = getattr(Client(raise_request_exception=False), method)(
            path, **({} if method == "get" else {"data": raw, "content_type": kind}), headers=headers
        )
        transaction.set_rollback(True)
    return response


def test_every_route_of_the_api_is_classified_by_method():
    assert {route.name: set(route.methods) for route in ROUTES if route.namespace == "api"} == {
        name: set(methods) for name, methods in API.items()
    }


@pytest.mark.parametrize("route", [route for route in ROUTES if route.namespace == "api"], ids=str)
def test_each_role_gets_what_the_table_says(route, world):
    for method, needs in API[route.name].items():
        got = {role: ask(route, method, role, world).status_code for role in ROLES}
        assert not [status for status in got.values() if status >= 500], (method, got)
        if route.name == "download":
            # Public, but for those alone who have a signed link: a made-up one is not found.
            assert set(got.values()) == {404}
            continue
        seen = {role: status if status in (401, 403, 404) else "ok" for role, status in got.items()}
        assert seen == dict(zip(ROLES, needs.value, strict=True)), (method, got)


# --- Pages: the same rules, by session ----------------------------------------------------------------
OPEN_PAGES = {":healthz", ":setup", ":sign-in"}
OWN_PAGES = {
    ":home",
    ":search",
    ":sign-out",
    ":markdown-preview",
    "keys:list",
    "keys:revoke",
    "projects:create",
}
ADMIN_PAGES = {"jobs:list"}
# What only changes something, or is a form for it: a viewer is told which role may.
CHANGING_PAGES = {
    "versions:edit-names",
    "versions:edit-card",
    "versions:edit-metadata",
    "versions:edit-ttl",
    "versions:delete",
    "versions:restore",
    "collections:delete",
    "projects:new-collection",
}
PAGES = [route for route in ROUTES if route.namespace != "api"]


def scoped(route: Route) -> bool:
    return "entity>" in route.pattern


def test_every_page_is_classified():
    for route in PAGES:
        listed = str(route) in OPEN_PAGES | OWN_PAGES | ADMIN_PAGES
        assert listed != scoped(route), f"{route} must be listed, or lie below an entity"


def visit(route: Route, method: str, role: str, world: World):
    client = Client(raise_request_exception=False)
    if world.users[role] is not None:
        client.force_login(world.users[role])
    with transaction.atomic():
        before = Event.objects.count()
        response = getattr(client, method)(address(route, world))
        if role in ("anonymous", "stranger", "viewer") and method == "post":
            assert Event.objects.count() == before, "somebody did what they may not"
        transaction.set_rollback(True)
    return response


def is_closed(response) -> bool:
    to_sign_in = response.status_code == 302 and "/sign-in" in response["Location"]
    return to_sign_in or response.status_code in (401, 403, 404, 405)


@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_are_closed_to_nobody_but_the_listed_few(method, world):
    closed = [route for route in PAGES if str(route) not in OPEN_PAGES]
    answers = {str(route): visit(route, method, "anonymous", world) for route in closed}
    assert {name: answer.status_code for name, answer in answers.items() if not is_closed(answer)} == {}


@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_below_an_entity_do_not_exist_for_strangers(method, world):
    below = [route for route in PAGES if scoped(route)]
    answers = {str(route): visit(route, method, "stranger", world).status_code for route in below}
    assert {name: status for name, status in answers.items() if status not in (404, 405)} == {}


def test_a_viewer_changes_nothing_on_a_page(world):
    changing = [route for route in PAGES if str(route) in CHANGING_PAGES]
    assert len(changing) == len(CHANGING_PAGES)
    # 422: the empty form was refused before anybody was asked who may.
    answers = {str(route): visit(route, "post", "viewer", world).status_code for route in changing}
    assert {name: status for name, status in answers.items() if status not in (403, 422)} == {}
    answers = {str(route): visit(route, "post", "member", world).status_code for route in changing}
    assert {name: status for name, status in answers.items() if status in (401, 403, 404)} == {}


@pytest.mark.parametrize("role", ["viewer", "member", "admin"])
def test_the_background_page_is_for_those_who_run_the_installation(role, world):
    route = next(route for route in PAGES if str(route) == "jobs:list")
    assert visit(route, "get", role, world).status_code in (403, 404)
