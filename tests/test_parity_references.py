"""Doors agree on references that the server resolves: one state, or one refusal, by service, REST and page."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from registry.actor import Actor
from registry.errors import RegistryError
from registry.models import Event, ReferenceOrder, User, Version
from registry.services import drafts, keys, references
from tests import factories

Act = Callable[[Actor, Version, ReferenceOrder], Any]


@dataclass(frozen=True)
class Case:
    """One act: by a service, as (method, address, body) of REST, and as the form of the page."""

    name: str
    service: Act
    rest: tuple[str, str, Any]
    page: dict[str, str]

    def __str__(self) -> str:
        return self.name


def adding(uri: str, name: str = "n") -> Case:
    return Case(
        f"add {uri}",
        lambda actor, draft, order: references.add(actor, draft=draft, uri=uri, name=name),
        ("post", "/references", {"uri": uri, "name": name}),
        {"act": "add", "uri": uri, "name": name, "checksum": "look"},
    )


CASES = [
    adding("ftp://example.org/fine"),
    adding("file:///etc/passwd"),
    adding("s3://bucket/key"),
    adding("no uri"),
    adding("ftp://example.org/x", "../up"),
    Case(
        "retry",
        lambda actor, draft, order: references.retry(actor, draft=draft, order=order),
        ("post", "/references/{order}/retry", None),
        {"act": "retry", "reference": "{order}"},
    ),
    Case(
        "retry all",
        lambda actor, draft, order: references.retry(actor, draft=draft),
        ("post", "/resolution/retry", None),
        {"act": "retry-all"},
    ),
    Case(
        "drop",
        lambda actor, draft, order: references.drop(actor, draft=draft, order=order),
        ("delete", "/references/{order}", None),
        {"act": "drop", "reference": "{order}"},
    ),
    Case(
        "commit",
        lambda actor, draft, order: references.commit_when_resolved(actor, draft=draft),
        ("post", "/resolution", {}),
        {"act": "commit"},
    ),
]


@dataclass
class World:
    people: factories.People
    draft: Version
    order: ReferenceOrder
    secrets: dict[str, str]


@pytest.fixture
def world(db) -> World:
    people = factories.people()
    bob = factories.actor(people.bob)
    draft, _ = drafts.begin(bob, project=factories.project(people), collection="far", type="dataset")
    order, _ = references.add(bob, draft=draft, uri="ftp://example.org/failed", name="failed")
    ReferenceOrder.objects.update(state="failed", code="x", why="y", finished_at=timezone.now())
    secrets = {
        role: keys.create(factories.actor(user), user=user, name="k")[1]
        for role, user in people.roles.items()
        if user is not None
    }
    return World(people, draft, order, secrets)


def settled(code: str | None, said: str) -> tuple[Any, ...]:
    """Look at everything that the act could have touched, then take it back."""
    orders = list(ReferenceOrder.objects.order_by("pk").values_list("uri", "name", "state", "max_objects"))
    asked = list(Version.objects.values_list("resolution__asked_by__username", "resolution__aliases"))
    waits = list(Version.objects.values_list("resolution__asked_at", flat=True))
    told = list(Event.objects.exclude(act="key.create").order_by("pk").values_list("act", "subject", "after"))
    transaction.set_rollback(True)
    return code, said, orders, asked, [at is not None for at in waits], told


def by_service(case: Case, world: World, user: User) -> tuple[Any, ...]:
    with transaction.atomic():
        code, said = None, ""
        try:
            with transaction.atomic():
                actor = factories.actor(user)
                references.find(actor, world.draft.public_id)
                case.service(actor, world.draft, world.order)
        except RegistryError as error:
            code, said = error.code, str(error)
        return settled(code, said)


def by_rest(case: Case, world: World, role: str) -> tuple[Any, ...]:
    method, address, body = case.rest
    path = f"/api/v1/drafts/{world.draft.public_id}{address.format(order=world.order.pk)}"
    sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    with transaction.atomic():
        answer = getattr(Client(), method)(
            path, headers={"Authorization": f"Bearer {world.secrets[role]}"}, **sent
        )
        error = answer.json()["error"] if answer.status_code >= 400 else {"code": None, "message": ""}
        return settled(error["code"], error["message"])


def by_page(case: Case, world: World, user: User, expected: tuple[Any, ...]) -> tuple[Any, ...]:
    place, client = world.draft.sequence.project, Client()
    client.force_login(user)
    form = {name: value.format(order=world.order.pk) for name, value in case.page.items()}
    with transaction.atomic():
        answer = client.post(f"{place.get_absolute_url()}/pending/{world.draft.public_id}", form)
        if answer.status_code < 400:
            return settled(None, "")
        assert escape(expected[1]) in answer.content.decode()
        return settled(expected[0], expected[1])


@pytest.mark.parametrize("role", ["member", "admin", "viewer", "stranger"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_doors_agree(case, role, world):
    user = world.people.roles[role]
    assert user is not None
    expected = by_service(case, world, user)
    rest = by_rest(case, world, role)
    page = by_page(case, world, user, expected)
    # REST finds a draft for its maker alone where the act is the maker's: the same code, in its own words.
    if expected[0] == "not_found":
        assert (rest[0], rest[2:]) == (expected[0], expected[2:])
    else:
        assert rest == expected
    assert page == expected
    assert (expected[0] is None) == (
        role in ("member", "admin")
        and not (role == "admin" and case.name.startswith(("add", "commit")))
        and case.name
        not in {"add file:///etc/passwd", "add s3://bucket/key", "add no uri", "add ftp://example.org/x"}
    )
