"""Doors agree on webhooks: what a service refuses, REST and the page refuse, in the same words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils.html import escape

from registry.errors import RegistryError
from registry.models import Event, Webhook
from registry.services import keys, projects, webhooks
from tests import factories

GOOD = {"name": "deploy", "url": "https://cd.example.org/hooks", "events": ["alias_moved"]}
CASES: dict[str, tuple[dict[str, Any], str | None]] = {
    "a good one": ({}, None),
    "a name that is taken": ({"name": "ci"}, "name_taken"),
    "no web address": ({"url": "ftp://example.org/x"}, "reference_refused"),
    "a port that is not allowed": ({"url": "https://example.org:22/"}, "reference_refused"),
    "a password in the address": ({"url": "https://a:b@example.org/"}, "reference_refused"),
    "no events": ({"events": []}, "invalid_input"),
}
ROLES = {"admin": None, "member": "forbidden", "viewer": "forbidden", "stranger": "not_found"}


@pytest.fixture
def world(db):
    people = factories.people()
    project = factories.project(people)
    alice = factories.actor(people.alice)
    webhooks.create(alice, project=project, name="ci", url="https://ci.example.org/", kinds=["alias_moved"])
    return people, project


def settled(code: str | None, said: str) -> tuple[str | None, str, list[Any], int]:
    rows = list(Webhook.objects.order_by("name").values_list("name", "url", "kinds"))
    told = Event.objects.filter(act__startswith="webhook.").count()
    transaction.set_rollback(True)
    return code, said, rows, told


def by_service(user, project, given):
    def act():
        actor = factories.actor(user)
        place = projects.find(actor, project.entity.name, project.name)
        webhooks.create(actor, project=place, name=given["name"], url=given["url"], kinds=given["events"])

    with transaction.atomic():
        try:
            with transaction.atomic():
                act()
        except RegistryError as error:
            return settled(error.code, str(error))
        return settled(None, "")


def by_rest(user, project, given):
    _, secret = keys.create(factories.actor(user), user=user, name="parity")
    with transaction.atomic():
        answer = Client().post(
            f"/api/v1/projects/{project}/webhooks",
            json.dumps(given),
            "application/json",
            headers={"Authorization": f"Bearer {secret}"},
        )
        error = answer.json()["error"] if answer.status_code >= 400 else {"code": None, "message": ""}
        return settled(error["code"], error["message"])


def by_page(user, project, given, expected):
    client = Client()
    client.force_login(user)
    with transaction.atomic():
        answer = client.post(f"/{project}/settings/webhooks", given)
        if answer.status_code < 400:
            return settled(None, "")
        assert escape(expected[1]) in answer.content.decode(), expected
        return settled(*expected[:2])


@pytest.mark.parametrize("case", CASES)
def test_doors_agree(world, case):
    (people, project), (changes, code) = world, CASES[case]
    given = {**GOOD, **changes}
    for role, refused in ROLES.items():
        user = people.roles[role]
        one = by_service(user, project, given)
        assert one[0] == (refused or code)
        assert by_rest(user, project, given) == one
        assert by_page(user, project, given, one) == one
