"""Doors agree: what is done by a service, by REST and on a page ends in the same state, or the same refusal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils.html import escape

from registry.errors import RegistryError
from registry.models import Alias, Collection, Event, Membership, TeamMember, TtlPolicy, User
from registry.services import (
    aliases,
    collections,
    drafts,
    keys,
    runs,
    versions,
)
from tests import factories
from tests.support.drifting import drifted
from tests.support.parity import CASES, PEOPLE, Case, World


@pytest.fixture
def world(db) -> World:
    people = factories.people()
    project = factories.project(people)
    first = factories.log(people.alice, project, tags=["old"])
    second = factories.log(people.alice, project, aliases=["prod"])
    aliases.remove(factories.actor(people.alice), collection=second.collection, name="latest")
    third = factories.log(people.alice, project, aliases=["gone"])
    versions.delete(factories.actor(people.alice), membership=third, delete_aliases=True)
    factories.log(people.alice, project, "other")
    drifted(people.alice, project)
    bin = factories.log(people.alice, project, "bin", aliases=["gone"]).collection
    collections.delete(factories.actor(people.alice), collection=bin, delete_aliases=True)
    held = factories.log(people.alice, project, "held")
    run, _ = runs.create(factories.actor(people.alice), project=project, name="train")
    runs.use(factories.actor(people.alice), run=run, membership=held)
    drafts.begin(factories.actor(people.alice), project=project, collection="out", type="model", run=run)
    made = World(people, people.team.entity.name, project.name, first, second)
    for role in PEOPLE:
        person = people.roles[role]
        made.secrets[role] = keys.create(factories.actor(person), user=person, name="parity")[1]
    return made


def who(world: World, role: str) -> User:
    person = world.people.roles[role]
    assert person is not None
    return person


@dataclass(frozen=True)
class Outcome:
    """How an act ended, what it said, and what was there afterwards."""

    code: str | None
    said: str
    state: Any


def by_service(case: Case, world: World, role: str) -> Outcome:
    with transaction.atomic():
        code, said = None, ""
        try:
            with transaction.atomic():
                case.service(factories.actor(who(world, role)), world)
        except RegistryError as error:
            code, said = error.code, str(error)
        return settled(code, said, world)


def by_rest(case: Case, world: World, role: str) -> Outcome:
    method, address, body = case.rest
    path, _, query = address.partition("?")
    sent = {"data": json.dumps(body), "content_type": "application/json"} if body is not None else {}
    headers = {"Authorization": f"Bearer {world.secrets[role]}"}
    with transaction.atomic():
        target = world.rest(case.of) + path + (f"?{query}" if query else "")
        answer = getattr(Client(), method)(target, headers=headers, **sent)
        error = answer.json()["error"] if answer.status_code >= 400 else {"code": None, "message": ""}
        return settled(error["code"], error["message"], world)


def by_page(case: Case, world: World, role: str, expected: Outcome) -> Outcome:
    """A page has no code: it must have the status of a refusal, and the very sentence."""
    address, form = case.page
    client = Client()
    client.force_login(who(world, role))
    with transaction.atomic():
        answer = client.post(world.page(case.of) + address, form)
        if token := re.search(r'name="confirms" value="([^"]*)"', answer.content.decode()):
            # A page asks once more.
            answer = client.post(world.page(case.of) + address, {**form, "confirms": token[1]})
        if answer.status_code < 400:
            return settled(None, "", world)
        text = answer.content.decode()
        assert escape(expected.said) in text, f"{expected.said!r} is not on the page ({answer.status_code})"
        return settled(expected.code, expected.said, world)


def settled(code: str | None, said: str, world: World) -> Outcome:
    """Look at everything that the act could have touched, then take it back."""
    rows = Membership.objects.filter(collection__project__name=world.project).order_by("pk")
    state = {
        "versions": [seen(row) for row in rows.select_related("version", "collection")],
        "collections": sorted(Collection.objects.values_list("name", "type__name", "version_count")),
        "policies": list(TtlPolicy.objects.values_list("collection__name", "seconds")),
        "members": sorted(TeamMember.objects.values_list("user__username", "role")),
        "events": [told(event) for event in Event.objects.exclude(act="key.create").order_by("pk")],
    }
    transaction.set_rollback(True)
    return Outcome(code, said, state)


def seen(row: Membership) -> list[Any]:
    version = row.version
    held = sorted(Alias.objects.filter(membership=row).values_list("name", flat=True))
    labels = sorted(version.tags.values_list("name", flat=True))
    content = [version.state, version.description, version.metadata, version.ttl_kind, version.ttl_seconds]
    return [row.collection.name, row.number, held, labels, *content]


def told(event: Event) -> list[Any]:
    """An event without its door and moment, and without the preview that only a page shows."""
    before, after = event.before, event.after
    if event.act == "ttl_policy.set":
        before, after = (side["ttl"] if isinstance(side, dict) else side for side in (before, after))
    if isinstance(after, dict):
        after = {name: value for name, value in after.items() if name != "purge_at"}
    return [event.act, event.actor_name, event.subject, before, after]


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_door_ends_the_same(case: Case, role: str, world: World):
    before = settled_now(world)
    service = by_service(case, world, role)
    assert service.code == {"admin": case.code, "viewer": service.code, "stranger": "not_found"}[role]
    if role == "viewer":
        assert service.code in ("forbidden", "gone", "not_found")
    if service.code is not None:
        assert service.state == before
    else:
        assert service.state != before
    assert by_rest(case, world, role) == service
    assert by_page(case, world, role, service) == service


def settled_now(world: World) -> Any:
    with transaction.atomic():
        return settled(None, "", world).state
