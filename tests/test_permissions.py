"""Who may do what, at every address: each route × method × role is classified here and tried for real.

The resolver is walked, so a route that is added and not classified fails the test.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from enum import Enum

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from registry.actor import system
from registry.models import Event, Identity
from registry.services import (
    collections,
    confirming,
    drafts,
    invitations,
    keys,
    previews,
    project_trash,
    runs,
    team_trash,
    teams,
    trash,
    uploads,
)
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
    # Of the organization itself, where nobody here but the installation's admin is admin.
    ORGANIZE = (401, 404, 403, 403, 403, 403, "ok")
    # A team that was deleted is there only for who may bring it back.
    ORGANIZE_LOST = (401, 404, 404, 404, 404, 404, "ok")
    INSTANCE = (401, 403, 403, 403, 403, 403, "ok")
    CREATE_PROJECT = (401, 404, 403, 403, "ok", "ok", "ok")
    VIEW = (401, 404, 404, "ok", "ok", "ok", "ok")
    CHANGE = (401, 404, 404, 403, "ok", "ok", "ok")
    SETTINGS = (401, 404, 404, 403, 403, "ok", "ok")


V, C, M = Needs.VIEW, Needs.CHANGE, Needs.MAKER
API: dict[str, dict[str, Needs]] = {
    "schema": {"get": Needs.PUBLIC},
    "docs": {"get": Needs.PUBLIC},
    "docs-without-slash": {"get": Needs.PUBLIC},
    "download": {"get": Needs.PUBLIC},
    "me": {"get": Needs.SELF},
    "keys": {"get": Needs.SELF, "post": Needs.SELF},
    "key": {"delete": M},
    "search": {"get": Needs.SELF},
    "every-project": {"get": Needs.SELF},
    "every-collection": {"get": Needs.SELF},
    "entities": {"get": Needs.SELF},
    "entity": {"get": Needs.ENTITY},
    "projects": {"get": Needs.ENTITY, "post": Needs.CREATE_PROJECT},
    "entity-events": {"get": Needs.MANAGE},
    "entity-events-export": {"get": Needs.MANAGE},
    "every-event": {"get": Needs.INSTANCE},
    "every-event-export": {"get": Needs.INSTANCE},
    "entity-ttl": {"get": Needs.ENTITY, "put": Needs.MANAGE},
    "team": {"delete": Needs.ORGANIZE},
    "team-deletion": {"get": Needs.ORGANIZE},
    "team-restore": {"post": Needs.ORGANIZE_LOST},
    "entity-ttl-preview": {"post": Needs.MANAGE},
    "entity-expiring": {"get": Needs.MANAGE},
    "entity-expiring-file": {"get": Needs.MANAGE},
    "team-retention": {"get": Needs.ENTITY, "put": Needs.MANAGE},
    "members": {"get": Needs.ENTITY},
    "member": {"put": Needs.MANAGE, "delete": Needs.MANAGE},
    "organization-members": {"get": Needs.ENTITY},
    "organization-member": {"put": Needs.ORGANIZE, "delete": Needs.ORGANIZE},
    "team-settings": {"get": Needs.ENTITY, "patch": Needs.MANAGE},
    "project": {"get": V, "patch": Needs.SETTINGS, "delete": Needs.SETTINGS},
    "project-restore": {"post": Needs.MANAGE},
    "deleted-projects": {"get": Needs.MANAGE},
    "project-ttl": {"get": V, "put": Needs.SETTINGS},
    "project-deletion": {"get": Needs.SETTINGS},
    "collection-deletion": {"get": C},
    "version-deletion": {"get": C},
    "purge": {"post": Needs.SETTINGS},
    "entity-storage": {"get": Needs.ENTITY},
    "entity-trash": {"get": Needs.ENTITY},
    "entity-purge": {"post": Needs.MANAGE},
    "project-ttl-preview": {"post": Needs.SETTINGS},
    "collection-ttl-preview": {"post": Needs.SETTINGS},
    "types": {"get": V},
    "trash": {"get": V},
    "deleted-collections": {"get": V},
    "events": {"get": V},
    "drafts": {"post": C},
    "small-versions": {"post": C},
    "collections": {"get": V, "post": C},
    "collection": {"get": V, "patch": C, "delete": C},
    "collection-restore": {"post": C},
    "collection-ttl": {"get": V, "put": Needs.SETTINGS},
    "collection-events": {"get": V},
    "aliases": {"get": V},
    "alias": {"put": C, "delete": C},
    "versions": {"get": V},
    "version": {"get": V, "patch": C, "delete": C},
    "restore": {"post": C},
    "version-runs": {"get": V},
    "version-events": {"get": V},
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
    "run-heartbeat": {"post": C},
    "run-inputs": {"get": V, "post": C},
    "run-outputs": {"get": V, "post": C},
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
    ("entity-purge", "post"): {"all": True},
    ("entity-ttl-preview", "post"): {"ttl": 86400},
    ("project-ttl-preview", "post"): {"ttl": 86400},
    ("collection-ttl-preview", "post"): {"ttl": 86400},
    ("team-retention", "put"): {"ttl": 86400, "kept_newest": 2},
    ("member", "put"): {"role": "viewer"},
    ("organization-member", "put"): {"role": "member"},
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
    ("run-outputs", "post"): {"artifact": "resnet:v0"},
    ("draft-sizes", "post"): {"sizes": [1]},
    ("draft-uploads", "post"): {"size": 5},
    ("draft-manifest", "put"): b"",
    ("draft-bundles", "post"): b"",
    ("upload-part", "put"): b"x",
    ("upload-complete", "post"): {"sha256": "0" * 64},
}
FILES = {"a": b"x", "folder/picture": b"\x89PNG\r\n\x1a\n"}
# Where a page shows only some kinds of paths.
PATHS = {"versions:media": "folder/picture", "versions:tree": "folder", "versions:zip": "folder"}
QUERIES = {
    "content": "path=a",
    "entry": "path=a",
    "diff": "base=v0",
    "search": "q=resnet",
    "collection": "delete_aliases=true",
    "version": "delete_aliases=true",
    "project": "delete_aliases=true",
    "team": "delete_aliases=true",
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
    restorable: dict[str, str]
    secrets: dict[str, str | None]
    users: dict[str, object]


def preview_of(people) -> str:
    """The token of what a form of `FORMS` is about to set."""
    rules = {"spares_aliased": False, "kept_newest": 0, "grace_until": None}
    plan = previews.plan(factories.actor(people.alice), place=people.team.entity, ttl=9 * 86400, rules=rules)
    return confirming.show(plan).token


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
        "run": "train",
        "path": "a",
        "token": "none",
        "rest": "nothing/here",
        "draft_id": draft.public_id,
        "upload_id": upload.pk,
        "version_id": held.version.public_id,
        "key_id": people.bob.api_keys.get(name="member").pk,
        "uid": "MQ",
        "gone": gone.version_id,
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
    }
    restorable = dict.fromkeys(("api:restore", "versions:restore", "api:purge"), "bin")
    restorable["collections:restore-versions"] = "bin"
    restorable |= dict.fromkeys(("api:collection-restore", "collections:restore"), "box")
    return World(values, restorable, secrets, users)


def address(route: Route, world: World) -> str:
    values = dict(world.values)
    values["collection"] = world.restorable.get(str(route), values["collection"])
    if str(route) in ("api:project-restore", "projects:restore", "projects:purge"):
        values["project"] = values["lost"]
    if str(route) in ("api:team-restore", "teams:restore"):
        values["team"] = values["entity"] = values["lost_team"]
    if route.namespace != "api":
        values |= {"number": 0, "path": PATHS.get(str(route), "a")}
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
# Strangers are led to the sign-in page: to them every page that is not public answers 401 in this table.
E, S, MG = Needs.ENTITY, Needs.SETTINGS, Needs.MANAGE
PAGES: dict[str, dict[str, Needs]] = {
    ":healthz": {"get": Needs.PUBLIC},
    ":setup": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":sign-in": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":forgotten": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":new-password": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":join": {"get": Needs.PUBLIC, "post": Needs.PUBLIC},
    ":sign-out": {"post": Needs.PUBLIC},
    ":openid_connect_login": {"post": Needs.PUBLIC},
    ":openid_connect_callback": {"get": Needs.PUBLIC},
    ":disconnect-identity": {"post": M},
    ":profile": {"get": Needs.SELF, "post": Needs.SELF},
    ":home": {"get": Needs.SELF},
    ":search": {"get": Needs.SELF},
    ":search-complete": {"get": Needs.SELF},
    ":markdown-preview": {"post": Needs.SELF},
    "keys:list": {"get": Needs.SELF, "post": Needs.SELF},
    "keys:revoke": {"get": M, "post": M},
    "installation:jobs": {"get": Needs.INSTANCE},
    "installation:noted": {"post": Needs.INSTANCE},
    "installation:people": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:person": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:password-link": {"post": Needs.INSTANCE},
    "installation:organizations": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:storage": {"get": Needs.INSTANCE},
    "installation:collection": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "installation:audit": {"get": Needs.INSTANCE},
    "installation:audit-csv": {"get": Needs.INSTANCE},
    "installation:audit-jsonl": {"get": Needs.INSTANCE},
    "entities:detail": {"get": E},
    "teams:settings": {"get": MG},
    "teams:retention": {"get": MG, "post": MG},
    "teams:retention-preview": {"get": MG},
    "teams:retention-versions": {"get": MG},
    "teams:retention-csv": {"get": MG},
    "teams:audit": {"get": MG},
    "teams:audit-csv": {"get": MG},
    "teams:audit-jsonl": {"get": MG},
    "teams:storage": {"get": E, "post": MG},
    "teams:of-organization": {"get": E, "post": Needs.ORGANIZE},
    "teams:members": {"get": E, "post": MG},
    "installation:quota": {"get": Needs.INSTANCE, "post": Needs.INSTANCE},
    "teams:storage-collections": {"get": Needs.ENTITY},
    "teams:storage-freed": {"get": Needs.ENTITY},
    "teams:trash": {"get": Needs.ENTITY},
    "teams:trash-selected": {"get": Needs.CREATE_PROJECT, "post": Needs.CREATE_PROJECT},
    "teams:trash-empty": {"get": MG, "post": MG},
    "teams:trash-period": {"post": MG},
    "teams:delete": {"get": Needs.ORGANIZE, "post": Needs.ORGANIZE},
    "teams:restore": {"post": Needs.ORGANIZE_LOST},
    "teams:remove": {"get": MG, "post": MG},
    "teams:invite": {"post": MG},
    "teams:uninvite": {"post": MG},
    "projects:undo": {"post": C},
    "projects:create": {"get": Needs.SELF, "post": Needs.CREATE_PROJECT},
    "projects:detail": {"get": V},
    "projects:artifacts": {"get": V},
    "projects:new-collection": {"get": C, "post": C},
    "projects:star": {"post": V},
    "projects:new-version": {"get": C},
    "projects:compare": {"get": V},
    "projects:activity": {"get": V},
    "projects:trash": {"get": V},
    "projects:settings": {"get": S, "post": S},
    "projects:delete": {"get": S, "post": S},
    "projects:restore": {"post": MG},
    "projects:purge": {"get": MG, "post": MG},
    "projects:ttl": {"post": S},
    "collections:detail": {"get": V},
    "collections:by-type": {"get": V},
    "collections:card": {"get": V, "post": C},
    "collections:activity": {"get": V},
    "collections:aliases": {"get": V},
    "collections:settings": {"get": C, "post": C},
    "collections:ttl": {"post": S},
    "collections:delete": {"get": C, "post": C},
    "collections:restore": {"post": C},
    "collections:star": {"post": V},
    "collections:selected": {"get": C, "post": C},
    "collections:restore-versions": {"post": C},
    "collections:complete": {"get": V},
    "collections:complete-tags": {"get": V},
    "collections:csv": {"get": V},
    "versions:detail": {"get": V},
    "versions:files": {"get": V},
    "versions:file": {"get": V},
    "versions:find-file": {"get": V},
    "versions:complete-files": {"get": V},
    "versions:tree": {"get": V},
    "versions:tree-root": {"get": V},
    "versions:download": {"get": V},
    "versions:media": {"get": V},
    "versions:zip": {"get": V},
    "versions:zip-all": {"get": V},
    "versions:metadata": {"get": V},
    "versions:usage": {"get": V},
    "versions:lineage": {"get": V},
    "versions:lineage-graph": {"get": V},
    "versions:used-by": {"get": V},
    "versions:history": {"get": V},
    "versions:edit-names": {"get": C, "post": C},
    "versions:alias-holder": {"get": V},
    "versions:edit-card": {"get": C, "post": C},
    "versions:edit-metadata": {"get": C, "post": C},
    "versions:edit-ttl": {"get": C, "post": C},
    "versions:delete": {"get": C, "post": C},
    "versions:restore": {"post": C},
    "versions:by-alias": {"get": V},
    "versions:by-ref": {"get": V},
    "versions:by-ref-tab": {"get": V},
    "runs:list": {"get": V},
    "runs:detail": {"get": V, "post": C},
}
# What each form sends when it is filled in well: who may, changes something with it.
FORMS: dict[str, dict[str, str]] = {
    "keys:list": {"name": "k", "lasting": "30"},
    "installation:people": {"username": "fresh"},
    "installation:person": {"act": "make-admin"},
    "installation:organizations": {"act": "organization", "name": "fresh"},
    "teams:retention": {
        "kind": "days",
        "days": "9",
        "ttl_editors": "admins",
        "act": "save",
        "preview": "{preview}",
    },
    "teams:members": {"username": "{user}", "role": "viewer"},
    "teams:of-organization": {"name": "fresh-team"},
    "teams:trash-selected": {"act": "restore", "v": "{gone}"},
    "installation:quota": {"soft": "1", "hard": "2"},
    "teams:trash-empty": {"typed": "{entity}"},
    "teams:trash-period": {"kind": "days", "days": "30"},
    "teams:remove": {"username": "{user}"},
    "teams:delete": {"typed": "{entity}"},
    "teams:invite": {"role": "viewer"},
    ":profile": {"act": "profile", "full_name": "Fresh Name"},
    "projects:create": {"entity": "{entity}", "name": "fresh", "visibility": "private"},
    "projects:new-collection": {"name": "fresh", "type": "model"},
    "projects:settings": {"name": "fresh", "description": "fresh", "visibility": "organization"},
    "projects:ttl": {"kind": "days", "days": "9"},
    "runs:detail": {"display_name": "fresh"},
    "projects:delete": {"typed": "{project}"},
    "projects:purge": {"typed": "{lost}"},
    "collections:card": {"description": "fresh", "seen": hashlib.sha256(b"").hexdigest()},
    "collections:settings": {"name": "fresh", "type": "model", "tags": "a, b"},
    "collections:ttl": {"kind": "never"},
    "collections:delete": {
        "typed": "{collection}",
        "delete_aliases": "on",
        "seen_aliases": "latest/prod/gold",
    },
    "collections:selected": {"v": "0", "act": "tag", "add": "fresh"},
    "collections:restore-versions": {"v": "0"},
    "versions:edit-names": {"act": "add-alias", "name": "fresh"},
    "versions:edit-card": {"description": "fresh", "seen": hashlib.sha256(b"").hexdigest()},
    "versions:edit-metadata": {"metadata": '{"fresh": 1}', "seen": hashlib.sha256(b"{}").hexdigest()},
    "versions:edit-ttl": {"kind": "days", "days": "9"},
    "versions:delete": {"delete_aliases": "on", "seen_aliases": "latest/prod/gold"},
}
SEARCHES = {
    "teams:trash-selected": {"act": "restore", "v": "{gone}"},
    "teams:remove": {"username": "{user}"},
    "versions:find-file": {"path": "a"},
    "collections:selected": {"v": "0", "act": "delete"},
    "projects:compare": {"a": "{collection}:v0", "b": "{collection}:prod"},
}
# These change something without a form of fields.
BARE = {
    "projects:undo",
    ":disconnect-identity",
    "installation:password-link",
    "installation:noted",
    "keys:revoke",
    "teams:uninvite",
    "versions:restore",
    "collections:restore",
    "projects:restore",
    "teams:restore",
}
# Posted, and no event: nothing of the registry changes.
QUIET = {
    *(":setup", ":sign-in", ":forgotten", ":new-password", ":join", ":sign-out", ":markdown-preview"),
    *("teams:storage", "projects:star", "collections:star", ":openid_connect_login"),
    "installation:collection",
}
# Of the tables of Django's admin, tests/web/test_tables.py tells.
PAGE_ROUTES = [route for route in ROUTES if route.namespace not in ("api", "admin")]


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
