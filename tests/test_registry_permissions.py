"""Who may do what in a registry: each route that leads into one × method × role, over REST and on pages.

The version is logged to a private project of a team, and stands in a private registry as a link: those who have a role
there alone have no right to anything of its source. A route that is added and not classified fails here; what it
answers by its own project is tried in test_permissions.py.
"""

from __future__ import annotations

import json
import re
from enum import Enum

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from registry.actor import system
from registry.models import CardRevision, Event, Membership, WebhookDelivery
from registry.services import (
    aliases,
    collections,
    keys,
    links,
    promotion_comments,
    promotions,
    protection_rules,
    registries,
    registry_members,
    runs,
    webhook_log,
    webhooks,
)
from tests import factories
from tests.support.rights import BODIES, FILES, PATHS, QUERIES
from tests.support.rights_of_pages import FORMS, SEARCHES
from tests.test_permissions import PAGE_ROUTES, ROUTES, page_status

pytestmark = pytest.mark.django_db
ROLES = (
    "anonymous", "stranger", "organization", "restricted_viewer", "viewer", "member", "admin", "head", "instance",
)  # fmt: skip


class Needs(Enum):
    """The status that each role gets: `ok` is anything but 401, 403 and 404."""

    SEE = (401, 404, 404, "ok", "ok", "ok", "ok", "ok", "ok")
    READ = (401, 404, 404, 403, "ok", "ok", "ok", "ok", "ok")
    CHANGE = (401, 404, 404, 403, 403, "ok", "ok", "ok", "ok")
    MANAGE = (401, 404, 404, 403, 403, 403, "ok", "ok", "ok")
    # What a version has where it was logged: by the registry alone nobody changes it, whatever their role there.
    SOURCE = (401, 404, 404, 403, 403, 403, 403, 403, "ok")
    # What is deleted, and brought back, is the organization's: its people know that it is there.
    ORGANIZE = (401, 404, 403, 403, 403, 403, 403, "ok", "ok")
    # Nothing of the source is found by the registry: its runs, its drafts, its files of other names.
    NOTHING = (401, 404, 404, 404, 404, 404, 404, 404, 404)


S, R, C, M, SRC, N = Needs.SEE, Needs.READ, Needs.CHANGE, Needs.MANAGE, Needs.SOURCE, Needs.NOTHING

API: dict[str, dict[str, Needs]] = {
    "registry": {"get": S, "patch": M, "delete": M},
    "registry-deletion": {"get": M},
    "registry-members": {"get": S},
    "registry-person": {"put": M, "delete": M},
    "registry-team": {"put": M, "delete": M},
    "version-by-id": {"get": S},
    "project": {"get": S, "patch": M, "delete": M},
    "project-restore": {"post": Needs.ORGANIZE},
    "project-purge": {"post": Needs.ORGANIZE},
    "project-deletion": {"get": M},
    "project-ttl": {"get": S, "put": M},
    "project-ttl-preview": {"post": M},
    "types": {"get": S},
    "trash": {"get": S},
    "deleted-collections": {"get": S},
    "events": {"get": S},
    "drafts": {"post": C},
    "small-versions": {"post": C},
    "collections": {"get": S, "post": C},
    "collection": {"get": S, "patch": C, "delete": C},
    "collection-deletion": {"get": C},
    "collection-restore": {"post": C},
    "collection-ttl": {"get": S, "put": M},
    "collection-ttl-preview": {"post": M},
    "collection-events": {"get": S},
    "aliases": {"get": S},
    "alias": {"put": C, "delete": C},
    "versions": {"get": S},
    "version": {"get": S, "patch": SRC, "delete": C},
    "version-deletion": {"get": SRC},
    "restore": {"post": SRC},
    "purge": {"post": SRC},
    "version-events": {"get": S},
    "version-runs": {"get": S},
    "version-references": {"get": S},
    "version-referrers": {"get": S},
    "used-by": {"get": S},
    "version-drift": {"get": S},
    "version-drift-check": {"post": SRC},
    "version-drift-log": {"post": SRC},
    "tag": {"put": SRC, "delete": SRC},
    "manifest": {"get": R},
    "folder": {"get": S},
    "entry": {"get": S},
    "content": {"get": R},
    "address": {"get": R},
    "bundle": {"post": R},
    "diff": {"get": S},
    "links": {"post": R},
    "link": {"post": SRC, "delete": C},
    "linked": {"get": S},
    "runs": {"get": S, "post": C},
    "run": {"get": N, "patch": N},
    "run-heartbeat": {"post": N},
    "run-inputs": {"get": N, "post": N},
    "run-outputs": {"get": N, "post": N},
    "card-template": {"get": S, "patch": M},
    "promotions": {"get": S, "post": C},
    "promotion": {"get": S},
    "promotion-reviewers": {"put": C},
    "promotion-candidate": {"put": C},
    "promotion-reviews": {"post": C},
    "promotion-comments": {"get": S, "post": R},
    "promotion-comment": {"patch": R},
    "promotion-renew": {"post": C},
    "promotion-withdraw": {"post": M},
    "promotion-promote": {"post": M},
    "promotion-rollback": {"post": C},
    "protected-aliases": {"get": S},
    "protected-alias": {"get": S, "put": M, "delete": M},
    "webhooks": {"get": M, "post": M},
    "webhook": {"get": M, "patch": M, "delete": M},
    "webhook-secret": {"post": M},
    "webhook-ping": {"post": M},
    "deliveries": {"get": M},
    "delivery": {"get": M},
    "redelivery": {"post": M},
    "alias-history": {"get": S},
    "collection-card-revisions": {"get": S},
    "version-card-revisions": {"get": S},
    "version-checks": {"get": S, "post": C},
    "version-checks-rerun": {"post": C},
    "promotion-checks": {"get": S, "post": C},
    "check-names": {"get": S},
    "check-name": {"delete": M},
}
PAGES: dict[str, dict[str, Needs]] = {
    "registries:detail": {"get": S},
    "registries:settings": {"get": M, "post": M},
    "registries:members": {"get": S, "post": M},
    "registries:remove": {"get": M, "post": M},
    "registries:delete": {"get": M, "post": M},
    "projects:detail": {"get": S},
    "projects:artifacts": {"get": S},
    "projects:new-collection": {"get": C, "post": C},
    "projects:new-version": {"get": C, "post": C},
    "projects:pending": {"get": N, "post": N},
    "projects:star": {"post": S},
    "projects:compare": {"get": S},
    "projects:activity": {"get": S},
    "projects:trash": {"get": S},
    "projects:settings": {"get": M, "post": M},
    "projects:delete": {"get": M, "post": M},
    "projects:restore": {"post": Needs.ORGANIZE},
    "projects:purge": {"get": Needs.ORGANIZE, "post": Needs.ORGANIZE},
    "projects:ttl": {"post": M},
    "projects:undo": {"post": C},
    "collections:detail": {"get": S},
    "collections:by-type": {"get": S},
    "collections:card": {"get": S, "post": C},
    "collections:activity": {"get": S},
    "collections:aliases": {"get": S},
    "collections:settings": {"get": C, "post": C},
    "collections:ttl": {"post": M},
    "collections:delete": {"get": C, "post": C},
    "collections:restore": {"post": C},
    "collections:star": {"post": S},
    "collections:selected": {"get": C, "post": C},
    "collections:restore-versions": {"post": C},
    "collections:complete": {"get": S},
    "collections:complete-tags": {"get": S},
    "collections:csv": {"get": S},
    "versions:detail": {"get": S},
    "versions:files": {"get": S},
    "versions:file": {"get": S},
    "versions:find-file": {"get": S},
    "versions:complete-files": {"get": S},
    "versions:tree": {"get": S},
    "versions:tree-root": {"get": S},
    "versions:download": {"get": R},
    "versions:media": {"get": R},
    "versions:zip": {"get": R},
    "versions:zip-all": {"get": R},
    "versions:metadata": {"get": S},
    "versions:usage": {"get": S},
    "versions:lineage": {"get": S},
    "versions:lineage-graph": {"get": S},
    "versions:used-by": {"get": S},
    "versions:drift": {"get": S, "post": SRC},
    "versions:drift-log": {"get": SRC, "post": SRC},
    "versions:history": {"get": S},
    "versions:edit-names": {"get": C, "post": C},
    "versions:alias-holder": {"get": S},
    "versions:edit-card": {"get": SRC, "post": SRC},
    "versions:edit-metadata": {"get": SRC, "post": SRC},
    "versions:edit-ttl": {"get": SRC, "post": SRC},
    "versions:delete": {"get": C, "post": C},
    "versions:link": {"get": SRC, "post": SRC},
    "versions:link-complete": {"get": SRC},
    "versions:unlink": {"get": C, "post": C},
    "versions:restore": {"post": SRC},
    "versions:by-alias": {"get": S},
    "versions:by-ref": {"get": S},
    "versions:by-ref-tab": {"get": S},
    "runs:list": {"get": S},
    "runs:detail": {"get": N, "post": N},
    "promotions:list": {"get": S},
    "promotions:create": {"get": C, "post": C},
    "promotions:by-hand": {"get": M, "post": M},
    "promotions:detail": {"get": S, "post": R},
    "promotions:checks": {"get": S},
    "promotions:protected": {"get": S},
    "promotions:rule": {"get": M, "post": M},
    "promotions:unprotect": {"get": M, "post": M},
    "registries:card-template": {"get": M, "post": M},
    "projects:webhooks": {"get": M, "post": M},
    "projects:webhook": {"get": M, "post": M},
    "projects:webhook-secret": {"post": M},
    "projects:webhook-ping": {"post": M},
    "projects:webhook-delete": {"get": M, "post": M},
    "projects:delivery": {"get": M, "post": M},
    "versions:checks": {"get": S, "post": C},
    "versions:card-history": {"get": S, "post": SRC},
    "collections:card-history": {"get": S, "post": C},
}


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """One world for all: whatever is asked of it is taken back."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield made()
        transaction.set_rollback(True)


def made():
    people = factories.people()
    project = factories.project(people, "secret-source")
    maker = factories.actor(people.bob, "api")
    run, _ = runs.create(maker, project=project, name="train")
    held = factories.log(people.bob, project, "hidden-name", FILES, tags=["good"], run=run)
    registry = factories.registry(people, "models", visibility="private")
    users = factories.registry_people(people, registry)
    operator = system("command")
    linked = links.link(
        operator, membership=held, target_path=f"{people.organization}/{registry.name}/defects"
    )
    aliases.move(operator, membership=linked.membership, name="prod")
    box = collections.create(operator, project=registry, name="box", type="model")
    collections.delete(operator, collection=box)
    added = factories.colleague(people)
    for who in ({"username": added.username}, {"team": people.team.entity.name}):
        registry_members.set_role(operator, registry=registry, role="viewer", **who)
    protection_rules.set_rule(operator, project=registry, pattern="production")
    asked = promotions.open(operator, membership=linked.membership, alias="production")
    said = promotion_comments.comment(factories.actor(people.root), promotion=asked, body="Why?")
    hook, _ = webhooks.create(
        operator, project=registry, name="ci", url="https://ci.example.org/", kinds=["version_logged"]
    )
    sent = webhook_log.ping(operator, webhook=hook)
    WebhookDelivery.objects.update(state="failed", next_at=None, finished_at=timezone.now())
    place = registry.entity.name
    return {
        "users": users,
        "secrets": {
            role: None if user is None else keys.create(factories.actor(user), user=user, name=role)[1]
            for role, user in users.items()
        },
        "hidden": ("secret-source", "hidden-name", "train"),
        "entity": place,
        "organization": place,
        "registry": registries.title(registry),
        "project": registry.name,
        "collection": "defects",
        "gone": "",
        "lost": "",
        "type": "model",
        "ref": "v0",
        "number": 0,
        "alias": "prod",
        "tag": "good",
        "run": "nothing",
        "path": "a",
        "tail": "files/a",
        "draft_id": "QXJ0aWZhY3Q6MQ==",
        "version_id": held.version.public_id,
        "user": added.username,
        "team": people.team.entity.name,
        "pattern": "production",
        "comment": said.pk,
        "name": "ci",
        "webhook": hook.pk,
        "webhook_id": hook.pk,
        "delivery": sent.uid,
        "delivery_id": sent.uid,
        "revision": CardRevision.objects.create(version=held.version, text="it was this").pk,
        "collectionrevision": CardRevision.objects.create(
            collection=linked.membership.collection, text="it was this"
        ).pk,
        "event": Event.objects.get(act="alias.move", subject="prod").pk,
    }


def address(route, world) -> str:
    values = dict(world)
    if str(route) in ("api:collection-restore", "collections:restore"):
        values["collection"] = "box"
    if route.namespace == "promotions" or route.name.startswith("promotion-") or route.name == "promotion":
        values["number"] = 1
    values["path"] = PATHS.get(str(route), "a") if route.namespace != "api" else "a"
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), route.pattern)


def leads_into_a_registry(route) -> bool:
    named = ("<str:project>", "<project>", "<str:registry>", "<registry>")
    return any(name in route.pattern for name in named) or str(route) == "api:version-by-id"


API_ROUTES = [r for r in ROUTES if r.namespace == "api" and leads_into_a_registry(r)]
PAGES_INTO = [r for r in PAGE_ROUTES if leads_into_a_registry(r)]


def ask(route, method, role, world):
    body = BODIES.get((route.name, method), b"")
    headers = {} if world["secrets"][role] is None else {"Authorization": f"Bearer {world['secrets'][role]}"}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
    path = f"{address(route, world)}?{QUERIES.get(route.name, '')}"
    sent = {} if method == "get" else {"data": raw, "content_type": kind}
    with transaction.atomic():
        response = getattr(Client(raise_request_exception=False), method)(path, **sent, headers=headers)
        transaction.set_rollback(True)
    return response


def visit(route, method, role, world):
    client = Client(raise_request_exception=False)
    if world["users"][role] is not None:
        client.force_login(world["users"][role])
    given = (FORMS if method == "post" else SEARCHES).get(str(route), {})
    sent = {
        name: re.sub(r"{([a-z_]+)}", lambda found: str(world[found[1]]), value)
        for name, value in given.items()
    }
    with transaction.atomic():
        response = getattr(client, method)(address(route, world), sent)
        transaction.set_rollback(True)
    return response


def judged(got: dict[str, int]) -> dict[str, object]:
    return {role: status if status in (401, 403, 404) else "ok" for role, status in got.items()}


def test_every_route_into_a_registry_is_classified_by_method():
    assert {route.name: set(route.methods) for route in API_ROUTES} == {
        name: set(methods) for name, methods in API.items()
    }
    assert {str(route) for route in PAGES_INTO} == set(PAGES)


@pytest.mark.parametrize("route", API_ROUTES, ids=str)
def test_each_role_gets_over_rest_what_the_table_says(route, world):
    for method, needs in API[route.name].items():
        answers = {role: ask(route, method, role, world) for role in ROLES}
        got = {role: answer.status_code for role, answer in answers.items()}
        assert not [status for status in got.values() if status >= 500], (method, got)
        assert judged(got) == dict(zip(ROLES, needs.value, strict=True)), (method, got)
        tell_nothing(world, answers, method)


@pytest.mark.parametrize("route", PAGES_INTO, ids=str)
def test_each_role_gets_the_page_that_the_table_says(route, world):
    for method, needs in PAGES[str(route)].items():
        answers = {role: visit(route, method, role, world) for role in ROLES}
        got = {role: page_status(answer) for role, answer in answers.items()}
        assert not [status for status in got.values() if status >= 500], (method, got)
        assert judged(got) == dict(zip(ROLES, needs.value, strict=True)), (method, got)
        tell_nothing(world, answers, method)


def tell_nothing(world, answers, method):
    """Whoever has a role in the registry alone reads nothing of the source, in answers and refusals alike."""
    for role in ROLES[:-1]:
        answer = answers[role]
        text = (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode(
            errors="replace"
        )
        for hidden in world["hidden"]:
            assert hidden not in text, (role, method, hidden)


def test_losing_a_role_bites_in_the_next_request(world):
    with transaction.atomic():
        lose_a_role(world)
        transaction.set_rollback(True)


def lose_a_role(world):
    person = world["users"]["viewer"]
    client, secret = Client(), {"Authorization": f"Bearer {world['secrets']['viewer']}"}
    client.force_login(person)
    base = f"projects/{world['entity']}/{world['project']}/collections/defects/versions/v0"
    content = f"/api/v1/{base}/content?path=a"
    link = client.post(
        f"/api/v1/{base}/links", json.dumps({"path": "a"}), content_type="application/json", headers=secret
    ).json()["url"]
    signed = link[link.index("/api/") :]
    page = f"/{world['entity']}/{world['project']}/artifacts/defects/v0"
    before = (client.get(content, headers=secret), client.get(signed), client.get(page))
    assert [answer.status_code for answer in before] == [200, 200, 200]
    registry = Membership.objects.get(collection__name="defects").collection.project
    registry_members.set_role(
        system("command"), registry=registry, username=person.username, role="restricted_viewer"
    )
    less = (client.get(content, headers=secret), client.get(signed), client.get(page))
    assert [answer.status_code for answer in less] == [403, 403, 200]
    registry_members.remove(system("command"), registry=registry, username=person.username)
    gone = (client.get(content, headers=secret), client.get(signed), client.get(page))
    assert [answer.status_code for answer in gone] == [404, 404, 404]
