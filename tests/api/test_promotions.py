"""Promotions and protected aliases over REST."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.models import Promotion
from registry.services import keys
from tests import factories as make
from tests.support.promoting import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def w():
    return world()


@pytest.fixture
def home(w) -> str:
    return f"/api/v1/organizations/{w.registry.entity.name}/registries/models"


@pytest.fixture
def ask(w):
    def send(user, method: str, path: str, body=None):
        secret = keys.create(make.actor(user), user=user, name=make.unique("k"))[1]
        data = b"" if body is None else json.dumps(body)
        sent = {} if method == "get" else {"data": data, "content_type": "application/json"}
        return getattr(Client(), method)(path, headers={"Authorization": f"Bearer {secret}"}, **sent)

    return send


def test_the_whole_story(w, home, ask):
    bob, aiko, alice = w.people.bob, w.aiko, w.people.alice
    asked = {"collection": "defects", "version": "v1", "alias": "production", "reviewers": [aiko.username]}
    made = ask(bob, "post", f"{home}/promotions", asked)
    assert made.status_code == 201
    told = made.json()
    assert (told["number"], told["state"], told["base"], told["candidate"]) == (1, "open", "v0", "v1")
    assert (told["reviewers"], told["missing"]) == ([aiko.username], ["0 of 1 approval"])
    here = f"{home}/promotions/1"
    said = ask(
        bob, "post", f"{here}/comments", {"body": "Look.", "on": "metadata", "anchor": "val.f1"}
    ).json()
    assert (
        ask(aiko, "patch", f"{here}/comments/{said['id']}", {"settled": True}).json()["settled_by"]
        == aiko.username
    )
    assert [row["body"] for row in ask(bob, "get", f"{here}/comments").json()["results"]] == ["Look."]
    early = ask(alice, "post", f"{here}/promote", {})
    assert (early.status_code, early.json()["error"]["code"]) == (409, "promotion_blocked")
    assert early.json()["error"]["details"]["missing"] == ["0 of 1 approval"]
    given = ask(aiko, "post", f"{here}/reviews", {"verdict": "approve", "seen": told["seen"]})
    assert (given.status_code, given.json()["verdict"]) == (201, "approve")
    done = ask(alice, "post", f"{here}/promote", {"seen": told["seen"]}).json()
    assert (done["state"], done["holder"], done["closed_by"]) == ("promoted", "v1", alice.username)
    back = ask(bob, "post", f"{here}/rollback", {}).json()
    assert (back["number"], back["candidate"], back["rollback_of"]) == (2, "v0", 1)
    assert ask(bob, "post", f"{home}/promotions/2/withdraw").json()["state"] == "withdrawn"


def test_what_is_approved_is_what_was_seen(w, home, ask):
    made = ask(
        w.people.bob, "post", f"{home}/promotions", {"collection": "defects", "version": "v1", "alias": "x"}
    ).json()
    other = w.another()
    ask(w.people.bob, "put", f"{home}/promotions/1/candidate", {"version": f"v{other.number}"})
    refused = ask(
        w.aiko, "post", f"{home}/promotions/1/reviews", {"verdict": "approve", "seen": made["seen"]}
    )
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "changed_meanwhile")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"collection": "defects", "version": "v1"},
        {"collection": "defects", "version": "v1", "alias": "a/b"},
        {"collection": "defects", "version": "v1", "alias": "x", "title": "t" * 201},
        {"collection": "defects", "version": "v1", "alias": "x", "state": "promoted"},
        {"collection": "defects", "version": "v1", "alias": "x", "author": "alice"},
        {"collection": "defects", "version": "v1", "alias": "x", "reviewers": "aiko"},
        [],
    ],
)
def test_bad_bodies_are_refused(w, home, ask, body):
    assert ask(w.people.bob, "post", f"{home}/promotions", body).status_code == 400
    assert not Promotion.objects.exists()


def test_lists_take_the_same_number_of_queries(w, home, ask):
    counts = []
    for wanted in (1, 50):
        for number in range(Promotion.objects.count(), wanted):
            w.open(alias=f"stage-{number}")
        for path in (f"{home}/promotions", "/api/v1/promotions"):
            with CaptureQueriesContext(connection) as found:
                answer = ask(w.people.bob, "get", f"{path}?limit=50")
            assert len(answer.json()["results"]) == wanted
            counts.append(len(found))
    assert counts[:2] == counts[2:]
    assert ask(w.people.charlie, "get", "/api/v1/promotions").json()["results"] == []
    found = ask(w.people.bob, "get", f"{home}/promotions?state=in_review&alias=stage-7&q=defects").json()[
        "results"
    ]
    assert [row["alias"] for row in found] == ["stage-7"]
    assert ask(w.people.bob, "get", f"{home}/promotions?state=lost").status_code == 400


def test_rules_are_set_read_and_removed(w, home, ask):
    alice = w.people.alice
    rule = {"approvals": 2, "approvers": [w.aiko.username], "approver_role": "", "required_checks": ["ci/a"]}
    assert ask(alice, "put", f"{home}/protected/prod*", rule).json()["approvers"] == [w.aiko.username]
    changed = ask(alice, "put", f"{home}/protected/prod*", {"approvals": 1}).json()
    assert (changed["approvals"], changed["required_checks"]) == (1, ["ci/a"])
    assert ask(w.nora, "get", f"{home}/protected/prod*").json() == changed
    patterns = [row["pattern"] for row in ask(w.nora, "get", f"{home}/protected").json()["results"]]
    assert patterns == ["prod*", "production"]
    assert ask(alice, "put", f"{home}/protected/x", {"approvals": 21}).status_code == 400
    assert ask(w.people.bob, "put", f"{home}/protected/x", {}).status_code == 403
    assert ask(alice, "delete", f"{home}/protected/prod*").status_code == 204
    assert ask(alice, "get", f"{home}/protected/prod*").status_code == 404


def test_a_protected_alias_takes_a_reason_from_an_admin(w, ask):
    at = f"/api/v1/projects/{w.registry.entity.name}/{w.registry.name}/collections/defects"
    for user, body in ((w.people.bob, {"version": "v1", "reason": "x"}), (w.people.alice, {"version": "v1"})):
        refused = ask(user, "put", f"{at}/aliases/production", body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "alias_protected")
    assert (
        ask(w.people.alice, "put", f"{at}/aliases/production", {"version": "v1", "reason": "x"}).status_code
        == 200
    )
    assert ask(w.people.alice, "patch", f"{at}/versions/v0", {"aliases": ["production"]}).status_code == 403
    kept = ask(w.people.alice, "patch", f"{at}/versions/v0", {"aliases": ["production"], "reason": "y"})
    assert kept.status_code == 200
    assert ask(w.people.alice, "delete", f"{at}/aliases/production").status_code == 403
    assert ask(w.people.alice, "delete", f"{at}/aliases/production?reason=z").status_code == 204
