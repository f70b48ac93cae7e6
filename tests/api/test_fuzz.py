"""The API, fuzzed from its own schema with a fixed seed: no 5xx, and no answer that the schema does not tell of."""

import random
from urllib.parse import quote

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from registry.actor import system
from registry.http import signing
from registry.services import (
    drafts,
    links,
    promotion_comments,
    promotions,
    protection_rules,
    references,
    registry_members,
    runs,
    uploads,
    webhook_log,
    webhooks,
)
from tests import factories
from tests.api.support import Api

EXAMPLES = 12
# What bodies name, as addresses do.
SAID = {"version": "v0", "artifact": "resnet:v0", "path": "a/b.txt", "collection": "resnet"}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@schemathesis.serializer("application/vnd.strongroom.bundle", "application/x-ndjson")
def as_bytes(context, value):
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode()


@pytest.fixture
def world(db):
    """One person who may do everything, and one of each thing that addresses name."""
    people = factories.people()
    project = factories.project(people)
    who = factories.actor(people.alice, "api")
    run, _ = runs.create(who, project=project, name="train")
    held = factories.log(
        people.alice,
        project,
        "resnet",
        {"a/b.txt": b"x", "c": b"yy"},
        aliases=["prod"],
        tags=["good"],
        run=run,
    )
    factories.log(people.alice, project, "resnet", {"c": b"zz"})
    draft, _ = drafts.begin(who, project=project, collection="resnet", type="model")
    drafts.stage(who, draft=draft, lines=factories.manifest_lines({"n": b"new"}))
    order, _ = references.add(who, draft=draft, uri="ftp://example.org/x", name="x")
    upload, _ = uploads.begin(who, draft=draft, size=100, parts=1)
    api = Api(people.alice)
    return api, in_registry(people, held) | told(who, project) | {
        "entity": project.entity.name,
        "project": project.name,
        "collection": "resnet",
        "ref": "v0",
        "alias": "prod",
        "tag": "good",
        "run": "train",
        "draft_id": draft.public_id,
        "version_id": held.version.public_id,
        "order_id": order.pk,
        "upload_id": str(upload.pk),
        "number": 1,
        "key_id": api.user.api_keys.get().pk,
        "team": people.team.entity.name,
        "organization": people.organization.entity.name,
        "user": people.bob.username,
        "token": signing.sign(
            purpose=signing.DOWNLOAD,
            user_id=people.alice.pk,
            method="GET",
            object=[held.pk, "a/b.txt"],
        ),
    }


def in_registry(people, held):
    """Link the version where the person is admin, and have it reviewed there; return what addresses name of that."""
    registry = factories.registry(people, "models")
    operator, team = system("command"), people.team.entity.name
    registry_members.set_role(operator, registry=registry, team=team, role="admin")
    registry_members.set_role(operator, registry=registry, username=people.bob.username, role="viewer")
    who = factories.actor(people.alice, "api")
    protection_rules.set_rule(who, project=registry, pattern="production")
    target = f"{registry.entity.name}/{registry.name}/resnet"
    linked = links.link(who, membership=held, target_path=target).membership
    promotion = promotions.open(factories.actor(people.bob), membership=linked, alias="production")
    said = promotion_comments.comment(who, promotion=promotion, body="Why?")
    return {
        "registry": "models",
        "pattern": "production",
        "comment": said.pk,
        "shelf": {"entity": registry.entity.name, "project": registry.name},
    }


def told(who, project):
    """Make a webhook that was sent a test."""
    made, _ = webhooks.create(
        who, project=project, name="ci", url="https://example.org/", kinds=["alias_moved"]
    )
    return {"webhook_id": made.pk, "delivery_id": str(webhook_log.ping(who, webhook=made).uid)}


@pytest.fixture(autouse=True)
def kept_connection():
    """The server closes its connection after each request; here it is the test's own, with its transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def operations():
    """The operations of the schema as it is served; it needs no key, and no database."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema/", get_wsgi_application())
    return [found.ok() for found in schema.get_all_operations()]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.label)
def test_no_request_is_answered_by_a_failure_or_by_a_surprise(operation, world):
    api, real = world
    if "/promotions/" in operation.path:
        # Promotions are of registries, which are projects.
        real |= real["shelf"]
    chance = random.Random(20260101)
    answered = set()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy())
    def ask(case):
        # Addresses that mostly lead somewhere: random names would only be 404.
        for name in case.path_parameters or {}:
            if name in real and chance.random() < 0.85:
                case.path_parameters[name] = quote(str(real[name]), safe="")
        if isinstance(case.body, dict):
            case.body |= {
                name: said for name, said in SAID.items() if name in case.body and chance.random() < 0.5
            }
        # Nothing unpacks what is compressed on its way to the checks.
        headers = {**api.headers, "Accept-Encoding": "identity"}
        response = case.call(headers=headers)
        answered.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    ask()
    assert answered - {404}, "every address led nowhere: nothing of this operation was tried"
