"""Who may do what, at every address: each route × method × role is classified here and tried for real.

The resolver is walked, so a route that is added and not classified fails the test.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from registry.actor import system
from registry.models import CardRevision, Event, Identity, ReferenceOrder, WebhookDelivery
from registry.services import (
    collections,
    confirming,
    drafts,
    invitations,
    keys,
    links,
    previews,
    project_trash,
    projects,
    promotion_comments,
    promotions,
    protection_rules,
    references,
    registries,
    registry_members,
    runs,
    team_trash,
    teams,
    trash,
    uploads,
    webhook_log,
    webhooks,
)
from tests import factories
from tests.support.rights import API, BODIES, FILES, METHODS, PATHS, QUERIES, ROLES, WANDB, Needs
from tests.support.rights_of_pages import BARE, FORMS, PAGES, QUIET, SEARCHES


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
    restorable: dict[str, str]
    secrets: dict[str, str | None]
    users: dict[str, object]


def preview_of(people) -> str:
    """The token of what a form of `FORMS` is about to set."""
    rules = {"spares_aliased": False, "kept_newest": 0, "grace_until": None}
    plan = previews.plan(factories.actor(people.alice), place=people.team.entity, ttl=9 * 86400, rules=rules)
    return confirming.show(plan).token


def a_webhook(people, project) -> dict[str, object]:
    """A webhook, and something that it was sent, which did not arrive."""
    alice, url = factories.actor(people.alice), "https://ci.example.org/"
    made, _ = webhooks.create(alice, project=project, name="ci", url=url, kinds=["version_logged"])
    sent = webhook_log.ping(alice, webhook=made)
    WebhookDelivery.objects.update(state="failed", next_at=None, finished_at=timezone.now())
    return {"webhook": made.pk, "webhook_id": made.pk, "delivery": sent.uid, "delivery_id": sent.uid}


def a_promotion(people, registry) -> dict[str, object]:
    """A promotion of a linked version to a protected alias, asked for by nobody of these, with a comment."""
    operator = system("command")
    protection_rules.set_rule(operator, project=registry, pattern="production")
    path = f"{registry.entity.name}/{registry.name}/defects"
    # Of another team: what is linked keeps its project and its team from being deleted.
    sister = teams.create_team(operator, name=factories.unique("sister"), organization=people.organization)
    home = projects.create(operator, entity=sister.entity, name="models")
    logged = factories.log(people.root, home, "linked", {"a": b"v"})
    link = links.link(operator, membership=logged, target_path=path).membership
    made = promotions.open(operator, membership=link, alias="production")
    said = promotion_comments.comment(factories.actor(people.root), promotion=made, body="Why?")
    return {"pattern": "production", "comment": said.pk}


@pytest.fixture
def world(db):
    people = factories.people()
    project = factories.project(people)
    maker = factories.actor(people.bob, "api")
    run, _ = runs.create(maker, project=project, name="train")
    held = factories.log(people.bob, project, "resnet", FILES, aliases=["prod"], tags=["good"], run=run)
    gone = factories.log(people.bob, project, "bin", {"a": b"y"})
    trash.move(maker, gone, cause="person")
    box = factories.log(people.bob, project, "box", {"a": b"z"}).collection
    collections.delete(maker, collection=box, delete_aliases=True)
    gone_team = teams.create_team(
        system("command"), name=factories.unique("gone"), organization=people.organization
    )
    team_trash.delete(factories.actor(people.root), team=gone_team)
    lost = factories.project(people)
    factories.log(people.bob, lost, "bin", {"a": b"w"})
    project_trash.delete(factories.actor(people.alice), project=lost, delete_aliases=True)
    draft, _ = drafts.begin(maker, project=project, collection="resnet", type="model")
    drafts.stage(maker, draft=draft, lines=factories.manifest_lines({"a": b"x"}))
    order, _ = references.add(maker, draft=draft, uri="ftp://example.org/x", name="x")
    ReferenceOrder.objects.update(state="failed", code="x", why="x", finished_at=timezone.now())
    upload, _ = uploads.begin(maker, draft=draft, size=1, parts=1)
    added = factories.colleague(people)
    teams.add_member(factories.actor(people.alice), place=people.team, user=added, role="member")
    people.bob.set_password("something to come back by")
    people.bob.save()
    users = people.roles
    secrets = {
        role: None if user is None else keys.create(factories.actor(user), user=user, name=role)[1]
        for role, user in users.items()
    }
    values = {
        "entity": project.entity.name,
        "team": people.team.entity.name,
        "organization": people.organization.entity.name,
        "user": added.username,
        "project": project.name,
        "collection": "resnet",
        "type": "model",
        "ref": "v0",
        "number": 1,
        "alias": "prod",
        "tag": "good",
        "name": "ci",
        "run": "train",
        "path": "a",
        "token": "none",
        "rest": "nothing/here",
        "draft_id": draft.public_id,
        "order_id": order.pk,
        "upload_id": upload.pk,
        "version_id": held.version.public_id,
        "key_id": people.bob.api_keys.get(name="member").pk,
        "uid": "MQ",
        "gone": gone.version_id,
        "revision": CardRevision.objects.create(version=held.version, text="it was this").pk,
        "collectionrevision": CardRevision.objects.create(collection=held.collection, text="it was this").pk,
        "lost": lost.name,
        "lost_team": gone_team.entity.name,
        "event": Event.objects.get(act="alias.move", subject="prod").pk,
        "tail": "files/a",
        "provider_id": "oidc",
        "identity": Identity.objects.create(user=people.bob, issuer="https://example.org", subject="1").pk,
        "username": people.bob.username,
        "invitation": invitations.invite(
            factories.actor(people.alice), team=people.team, role="viewer", link=str
        )[0].pk,
        "key": people.bob.api_keys.get(name="member").pk,
        "preview": preview_of(people),
        **a_webhook(people, project),
    }
    links.link(maker, membership=held, target_path="shelf")
    registry = factories.registry(people)
    operator = system("command")
    for who in ({"username": added.username}, {"team": people.team.entity.name}):
        registry_members.set_role(operator, registry=registry, role="viewer", **who)
    values["registry"] = registries.title(registry)
    values |= a_promotion(people, registry)
    restorable = dict.fromkeys(("api:restore", "versions:restore", "api:purge"), "bin")
    restorable["collections:restore-versions"] = "bin"
    # Where the collection of the other routes would be no link.
    restorable |= dict.fromkeys(("api:link", "versions:unlink"), "shelf")
    restorable |= dict.fromkeys(("api:collection-restore", "collections:restore"), "box")
    return World(values, restorable, secrets, users)


def address(route: Route, world: World) -> str:
    values = dict(world.values)
    values["collection"] = world.restorable.get(str(route), values["collection"])
    if str(route) in ("api:project-restore", "api:project-purge", "projects:restore", "projects:purge"):
        values["project"] = values["lost"]
    if str(route) in ("api:team-restore", "teams:restore"):
        values["team"] = values["entity"] = values["lost_team"]
    if route.namespace != "api":
        values |= {"number": 0, "path": PATHS.get(str(route), "a")}
    if route.namespace == "promotions":
        values["number"] = 1
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


# Of the tables of Django's admin, tests/web/test_tables.py tells.
PAGE_ROUTES = [route for route in ROUTES if route.namespace not in ("api", "admin", "wandb")]


def test_every_address_of_the_wandb_client_is_classified():
    """What each takes, and from whom, is tried in tests/wandb/test_rights.py."""
    assert {route.name for route in ROUTES if route.namespace == "wandb"} == set(WANDB)


def test_every_page_is_classified_by_method():
    assert {str(route) for route in PAGE_ROUTES} == set(PAGES)
    posts = {name for name, methods in PAGES.items() if "post" in methods}
    assert posts == set(FORMS) | BARE | QUIET


def visit(route: Route, method: str, role: str, world: World, form: dict[str, str] | None = None):
    """Ask for a page by session; return the answer, and how many events it left."""
    client = Client(raise_request_exception=False)
    if world.users[role] is not None:
        client.force_login(world.users[role])
    asked = {name: filled(value, world) for name, value in (form or {}).items()}
    with transaction.atomic():
        before = Event.objects.count()
        response = getattr(client, method)(address(route, world), asked)
        left = Event.objects.count() - before
        transaction.set_rollback(True)
    return response, left


def filled(value: str, world: World) -> str:
    """Put a name of the world in the place of `{name}`; other braces are JSON."""
    return re.sub(r"{([a-z]+)}", lambda found: str(world.values[found[1]]), value)


def page_status(response) -> int:
    if response.status_code == 302 and "/sign-in" in response["Location"]:
        return 401
    return response.status_code


@pytest.mark.parametrize("route", PAGE_ROUTES, ids=str)
def test_each_role_gets_the_page_that_the_table_says(route, world):
    for method, needs in PAGES[str(route)].items():
        got, events = {}, {}
        for role in ROLES:
            sent = FORMS.get(str(route)) if method == "post" else SEARCHES.get(str(route))
            answer, events[role] = visit(route, method, role, world, sent)
            got[role] = page_status(answer)
        if needs is Needs.PUBLIC:
            assert not {403, 500} & set(got.values())
            continue
        assert not [status for status in got.values() if status >= 500], (method, got)
        seen = {role: status if status in (401, 403, 404) else "ok" for role, status in got.items()}
        assert seen == dict(zip(ROLES, needs.value, strict=True)), (method, got)
        if method == "post" and str(route) not in QUIET:
            changed = {role: events[role] > 0 for role in ROLES}
            assert changed == {role: status == "ok" for role, status in seen.items()}, (got, events)


@pytest.mark.parametrize("route", [r for r in PAGE_ROUTES if str(r) in FORMS], ids=str)
def test_the_role_is_judged_before_the_form(route, world):
    """An empty form of somebody who may not is 403 (or 404), never 422: a refusal tells of the right first."""
    needs = PAGES[str(route)]["post"]
    for role, expected in zip(ROLES, needs.value, strict=True):
        if str(route) == "projects:create":
            continue  # without an owner there is nothing to judge yet
        answer, left = visit(route, "post", role, world, {})
        if expected != "ok":
            assert (page_status(answer), left) == (expected, 0), role


def test_other_methods_are_refused_on_every_page(world):
    for route in PAGE_ROUTES:
        for method in ("get", "post", "put", "patch", "delete"):
            if method not in PAGES[str(route)]:
                answer, left = visit(route, method, "admin", world)
                assert (answer.status_code, left) == (405, 0), (str(route), method)
