"""Prepared reads answer what the same QuerySet answers, for other values, too, and refuse what they can't ask."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import Alias, Collection, Membership, Project
from registry.models.prepared import Prepared
from registry.services import collections
from tests import factories

pytestmark = pytest.mark.django_db

by_name = Prepared[Collection](
    lambda project, names: (
        Collection.objects.filter(project=project, name__in=names)
        .select_related("type", "project__entity")
        .order_by("name")
    )
)


@pytest.fixture
def project() -> Project:
    people = factories.people()
    found = factories.project(people)
    for name in ("one", "two", "three"):
        collections.create(factories.actor(people.alice), project=found, name=name, type="model")
    return found


def test_rows_are_instances_as_a_queryset_makes_them(project: Project) -> None:
    plain = list(
        Collection.objects.filter(project=project, name__in=["one", "two"])
        .select_related("type", "project__entity")
        .order_by("name")
    )
    by_name.all(project.pk, ["one", "two"])
    with CaptureQueriesContext(connection) as asked:
        found = by_name.all(project.pk, ["one", "two"])
        seen = [(row.project.entity.name, row.type.name) for row in found]
    assert len(asked) == 1
    assert [row.__dict__.keys() for row in found] == [row.__dict__.keys() for row in plain]
    for ours, theirs in zip(found, plain, strict=True):
        for field in Collection._meta.concrete_fields:
            assert getattr(ours, field.attname) == getattr(theirs, field.attname), field
    assert seen == [(row.project.entity.name, row.type.name) for row in plain]
    assert not found[0]._state.adding
    assert found[0]._state.db == "default"


@pytest.mark.parametrize("count", range(1, 6))
def test_lists_of_any_length_find_just_what_they_name(project: Project, count: int) -> None:
    names = ["one", "two", "three", "four", "five"][:count]
    assert [row.name for row in by_name.all(project.pk, names)] == sorted(
        set(names) & {"one", "two", "three"}
    )


def test_an_empty_list_finds_nothing_and_asks_nothing(project: Project) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert by_name.all(project.pk, []) == []
    assert len(asked) == 0


def test_columns_come_converted(project: Project) -> None:
    columns = Prepared[list[Any]](
        lambda pk: Collection.objects.filter(pk=pk).values_list("created_at", "established", "name")
    )
    row = Collection.objects.first()
    assert row is not None
    assert columns.first(row.pk) == [row.created_at, True, row.name]


def test_first_of_nothing_is_none(project: Project) -> None:
    assert by_name.first(project.pk, ["nowhere"]) is None


def test_a_text_is_never_read_as_sql(project: Project) -> None:
    assert by_name.all(project.pk, ["' OR 1=1 --", "%", "one' --"]) == []


@pytest.mark.django_db(transaction=True)
def test_threads_share_what_was_prepared(project: Project) -> None:
    by_name.all(project.pk, ["one"])
    answers: list[Any] = []

    def ask() -> None:
        answers.append([row.name for row in by_name.all(project.pk, ["two"])])
        connection.close()

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert answers == [["two"]]


@pytest.mark.parametrize("value", [None, True, 1.5, b"x", [None]])
def test_values_of_other_kinds_are_refused(value: Any) -> None:
    asked = Prepared[Alias](lambda name: Alias.objects.filter(name=name))
    with pytest.raises(TypeError):
        asked.all(value)


def test_a_value_that_the_query_changes_is_refused() -> None:
    asked = Prepared[Membership](lambda name: Membership.objects.filter(collection__name__icontains=name))
    with pytest.raises(TypeError, match="as it is"):
        asked.all("x")


def test_a_query_stands_within_another_for_each_value(project: Project) -> None:
    held = Prepared[int](lambda name: Collection.objects.filter(name=name).values("project"))
    for name, there in (("one", True), ("none", False), ("two", True)):
        rows = Project.objects.filter(pk__in=held.within(name))
        assert rows.exists() is there
        # Parts of a query are parts: its own conditions hold beside it.
        assert not rows.exclude(pk=project.pk).exists()
