"""The inbox over REST."""

from __future__ import annotations

import pytest

from registry.services import promotion_comments
from tests.api.support import Api, refused
from tests.support.promoting import world


@pytest.fixture
def w(db):
    return world()


@pytest.fixture
def aiko(w):
    return Api(w.aiko)


def test_what_was_told_is_listed_counted_and_marked(aiko, w):
    promotion = w.open(reviewers=[w.aiko.username], title="Sharper")
    promotion_comments.comment(w.who(w.priya), promotion=promotion, body=f"@{w.aiko.username} hm")
    mention, asked = aiko.get("/me/inbox").json()["results"]
    assert (mention["kind"], mention["comment"], mention["by"]) == (
        "mentioned",
        f"@{w.aiko.username} hm",
        w.priya.username,
    )
    assert (asked["kind"], asked["comment"], asked["seen_at"]) == ("asked", None, None)
    assert asked["promotion"]["title"] == "Sharper"
    assert asked["promotion"]["url"].endswith(promotion.get_absolute_url())
    assert aiko.get("/me/inbox/counts").json() == {"unread": 2, "waiting": 1}
    assert aiko("post", "/me/inbox", {"seen": True, "ids": [asked["id"]]}).json() == {
        "unread": 1,
        "waiting": 1,
    }
    assert [row["id"] for row in aiko.get("/me/inbox", {"unread": "true"}).json()["results"]] == [
        mention["id"]
    ]
    assert aiko.get("/me/inbox", {"kind": "reviewed"}).json()["results"] == []
    assert aiko("post", "/me/inbox", {"seen": True}).json()["unread"] == 0
    assert aiko("post", "/me/inbox", {"seen": False, "ids": []}).json()["unread"] == 0
    assert aiko("post", "/me/inbox", {"seen": False}).json()["unread"] == 2


@pytest.mark.parametrize(
    "body", [{}, {"seen": "yes"}, {"seen": True, "ids": ["x"]}, {"seen": True, "more": 1}]
)
def test_a_body_of_another_shape_is_refused(aiko, body):
    refused(aiko("post", "/me/inbox", body), 400, "invalid_input")


def test_a_kind_that_there_is_not_is_refused(aiko):
    refused(aiko.get("/me/inbox", {"kind": "odd"}), 400, "invalid_query")
