"""Searches of versions: what each term keeps, on either database."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from registry.errors import InvalidQuery
from registry.models import Collection, Version
from registry.services import versions
from tests import factories as make

pytestmark = pytest.mark.django_db

METADATA = [
    {"acc": 0.5, "model": "resnet", "ok": True, "val": {"f1": 0.7}, "list": [5, {"7": 5}], "deep": {"7": 5}},
    {"acc": 0.91, "model": "vit", "ok": False, "2024": 1, "größe": 3, "a\\b": 4},
    {"acc": 1, "model": "0.91", "ok": None, "val": {"f1": 0.8}, "big": 10**400},
    {"note": "acc is unknown", "acc": "n/a", "model": "true"},
    {},
]
AT = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in range(1, 6)]


@pytest.fixture
def place(people, project):
    for number, metadata in enumerate(METADATA):
        logged = make.log(
            people.bob, project, files={"a": b"x" * (number + 1) * 100, "b": str(number).encode()},
            metadata=metadata, tags=["even"] if number % 2 == 0 else [],
            aliases=["best model"] if number == 2 else [], description="Trained at night." if number == 1 else "",
        )  # fmt: skip
        Version.objects.filter(pk=logged.version_id).update(created_at=AT[number])
    return Collection.objects.get(name="resnet")


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("", [0, 1, 2, 3, 4]),
        ("v3", [3]),
        ("-v3", [0, 1, 2, 4]),
        ("NIGHT", [1]),
        ("night even", []),
        ("tag:even", [0, 2, 4]),
        ("metadata.list.0=5", []),
        ("metadata.list.7=5", []),
        ("metadata.deep.7=5", [0]),
        ("metadata.2024=1", [1]),
        ("-tag:even", [1, 3]),
        ('alias:"best model"', [2]),
        ("alias:latest", [4]),
        ("alias!=latest tag:even", [0, 2]),
        ("by:bob", [0, 1, 2, 3, 4]),
        ("by:alice", []),
        ("run:nothing", []),
        ("-run:nothing", [0, 1, 2, 3, 4]),
        ("version>=v3", [3, 4]),
        ("version<2", [0, 1]),
        ("files=2", [0, 1, 2, 3, 4]),
        ("size>0.3kB size<402", [2, 3]),
        ("created>2026-01-03", [3, 4]),
        ("created>=2026-01-03", [2, 3, 4]),
        ("created<=2026-01-03", [0, 1, 2]),
        ("created<2026-01-03", [0, 1]),
        ("created:2026-01-03", [2]),
        ("created<2026-01-03T12:00:01Z", [0, 1, 2]),
        ("updated>2026-01-03", [0, 1, 2, 3, 4]),
        ("metadata.acc>0.9", [1, 2]),
        ("metadata.acc>=0.91", [1, 2]),
        ("metadata.acc<1", [0, 1]),
        ("metadata.acc:0.91", [1]),
        ("-metadata.acc>0.9", [0, 3, 4]),
        ("metadata.acc:n/a", [3]),
        ("metadata.model:resnet", [0]),
        ("metadata.model:0.91", [2]),
        ("metadata.model:true", [3]),
        ("metadata.ok:true", [0]),
        ("metadata.ok:false", [1]),
        ("metadata.ok:null", [2]),
        ("metadata.val.f1>0.75", [2]),
        ("metadata.val:x", []),
        ("metadata.2024:1", [1]),
        ("metadata.größe:3", [1]),
        (r'metadata."a\\b":4', [1]),
        ("metadata.big>1", []),
        ("metadata.nothing>1", []),
    ],
)
def test_a_term_keeps_what_it_names(people, bob, place, q, wanted):
    q = q.replace("by:bob", f"by:{people.bob.username}").replace("by:alice", f"by:{people.alice.username}")
    rows = versions.listing(bob, collection=place, q=q).order_by("number")
    assert [row.number for row in rows] == wanted


@pytest.mark.parametrize(
    "q", ["size>big", "created>tomorrow", "files>many", "version:last", "metadata.acc>high", "files=-1"]
)
def test_a_value_that_cannot_be_compared_is_refused_with_its_place(bob, place, q):
    with pytest.raises(InvalidQuery, match="at character 3"):
        versions.listing(bob, collection=place, q=f"a {q}")


def test_numbers_too_large_for_a_column_compare_as_such(bob, place):
    rows = versions.listing(bob, collection=place, q="size<999999999999999999TB version<99999999999999999999")
    assert rows.count() == len(METADATA)


@pytest.mark.parametrize("q", ['metadata."a\\"b"=1', "tag:a\0b", "a\0"])
def test_what_no_database_can_look_for_is_refused_on_both(bob, place, q):
    with pytest.raises(InvalidQuery):
        versions.listing(bob, collection=place, q=q)
