"""What aliases were: by a reference with a date, and as a list."""

from __future__ import annotations

import pytest
from django.utils import timezone

from registry.services import aliases, promotions
from tests.api.support import Api, refused
from tests.factories import actor, log
from tests.support.promoting import world


@pytest.fixture
def two(people, project):
    return [log(people.bob, project, "resnet"), log(people.bob, project, "resnet")]


@pytest.fixture
def resnet(home, two):
    return f"{home}/collections/resnet"


@pytest.fixture
def between(people, two):
    """A moment between two moves of production."""
    bob = actor(people.bob)
    aliases.move(bob, membership=two[0], name="production", reason="First.", promotion=3)
    at = timezone.now().isoformat().replace("+00:00", "Z")
    aliases.move(bob, membership=two[1], name="production")
    return at


def test_a_reference_with_a_date_is_what_held_the_alias_then(alice, resnet, between):
    assert alice.get(f"{resnet}/versions/production@{between}").json()["version"] == "v0"
    assert alice.get(f"{resnet}/versions/production@{timezone.now():%Y-%m-%d}").json()["version"] == "v1"
    assert alice.get(f"{resnet}/versions/production@{between}/manifest").status_code == 200


@pytest.mark.parametrize(
    ("ref", "status", "code"),
    [
        ("production@2026-13-45", 400, "invalid_reference"),
        ("production@2999-01-01", 400, "invalid_reference"),
        ("v1@2020-01-01", 400, "invalid_reference"),
        ("production@2020-01-01", 404, "not_found"),
        ("nothing@2020-01-01", 404, "not_found"),
        ("production@yesterday", 404, "not_found"),
    ],
)
def test_a_date_that_has_no_answer_says_why(alice, resnet, between, ref, status, code):
    refused(alice.get(f"{resnet}/versions/{ref}"), status, code)


def test_no_alias_is_named_like_a_date(alice, resnet):
    refused(
        alice.put(f"{resnet}/aliases/production@2026-05-01", {"version": "v0"}),
        400,
        "invalid_alias",
    )


def test_the_history_is_listed_with_who_and_why(alice, people, resnet, between):
    rows = alice.get(f"{resnet}/alias-history").json()["results"]
    assert [(row["alias"], row["version"], row["how"], row["actor"]) for row in rows] == [
        ("production", "v1", "move", people.bob.username),
        ("production", "v0", "move", people.bob.username),
    ]
    assert rows[0]["until"] is None
    assert rows[1]["until"] == rows[0]["at"]
    # There is no such promotion.
    assert (rows[1]["reason"], rows[1]["promotion"]) == ("First.", None)
    assert (rows[0]["reason"], rows[0]["promotion"]) == ("", None)


def test_the_history_is_narrowed_and_paged(alice, resnet, between):
    path = f"{resnet}/alias-history"
    assert alice.get(path, {"alias": "staging"}).json()["results"] == []
    assert [row["version"] for row in alice.get(path, {"until": between}).json()["results"]] == ["v0"]
    assert [row["version"] for row in alice.get(path, {"since": between}).json()["results"]] == ["v1"]
    first = alice.get(path, {"limit": 1}).json()
    second = alice.get(path, {"limit": 1, "cursor": first["next"]}).json()
    assert [row["version"] for row in (*first["results"], *second["results"])] == ["v1", "v0"]
    assert second["next"] is None
    refused(alice.get(path, {"since": "yesterday"}), 400, "invalid_query")


def test_what_a_promotion_moved_names_it_by_its_number(db):
    w = world()
    promotion = w.open(title="Sharper")
    w.approve(promotion)
    promotions.promote(w.alice, promotion=promotion)
    path = f"/projects/{w.registry}/collections/defects/alias-history"
    row = Api(w.people.alice).get(path, {"alias": "production"}).json()["results"][0]
    assert (row["version"], row["reason"], row["promotion"]) == ("v1", "Sharper", promotion.number)
