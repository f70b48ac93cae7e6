"""Who may use which address of this door, by role: the table of tests/support/rights.py, tried."""

from __future__ import annotations

import json

import pytest
from django.db import transaction
from django.test import Client

from registry.services import keys, runs
from tests import factories
from tests.support.rights import ROLES, WANDB, Needs
from tests.wandb.conftest import basic

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(people):
    project = factories.project(people)
    made = factories.log(people.bob, project, "data", {"a": b"x"}, type="dataset")
    runs.create(factories.actor(people.bob), project=project, name="train")
    secrets = {
        role: None if user is None else keys.create(factories.actor(user), user=user, name=role)[1]
        for role, user in people.roles.items()
    }
    return project, made, secrets


def status(address: str, method: str, body: bytes, secret: str | None) -> int:
    headers = {} if secret is None else basic(secret)
    with transaction.atomic():
        answer = getattr(Client(raise_request_exception=False), method)(
            address,
            **({} if method == "get" else {"data": body, "content_type": "application/json"}),
            headers=headers,
        )
        transaction.set_rollback(True)
    return answer.status_code


def addresses(project, made) -> dict[str, tuple[str, bytes]]:
    entity, name = project.entity.name, project.name
    md5 = "9dd4e461268c8034f5c8564e155c67a6"
    return {
        "graphql": ("/graphql", json.dumps({"query": "query { viewer { id } }"}).encode()),
        "file-stream": (f"/files/{entity}/{name}/train/file_stream", b"{}"),
        "by-digest": (f"/artifactsV2/default/{entity}/{name}/data/{made.version.public_id}//{md5}/a", b""),
        "file": ("/files/upload/none", b"x"),
        "manifest": ("/files/manifest/none", b"{}"),
        "run-file": ("/files/run/none", b"x"),
        "read": ("/files/read/none", b""),
    }


@pytest.mark.parametrize("name", sorted(WANDB))
def test_each_role_gets_what_the_table_says(name, world):
    project, made, secrets = world
    address, body = addresses(project, made)[name]
    for method, needs in WANDB[name].items():
        got = {role: status(address, method, body, secrets[role]) for role in ROLES}
        assert not [code for code in got.values() if code >= 500], got
        if needs is Needs.PUBLIC:
            # For those alone who have a signed address, whatever key they send: a made-up one is none.
            assert set(got.values()) <= {403, 404}
            continue
        seen = {role: code if code in (401, 403, 404) else "ok" for role, code in got.items()}
        assert seen == dict(zip(ROLES, needs.value, strict=True)), (method, got)


@pytest.mark.parametrize("name", sorted(WANDB))
def test_other_methods_are_refused(name, world):
    project, made, secrets = world
    address, body = addresses(project, made)[name]
    for method in ("get", "post", "put", "patch", "delete"):
        if method not in WANDB[name]:
            assert status(address, method, body, secrets["admin"]) == 405, method
