"""Paging: every row once, whatever the order; and cursors are text from outside."""

import base64
import contextlib
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.errors import InvalidQuery

from registry.http.paging import Key, decode, encode, limit_of, order_of, orders, page
from registry.models import Entity

ORDERS = orders(("name", (Key("kind", str), Key("pk", int))), ("-pk", (Key("pk", int),)))


def cursor_of(*values):
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@pytest.fixture
def rows(db):
    kinds = ["user", "team", "organization"]
    Entity.objects.bulk_create(Entity(name=f"e{n}", folded=f"e{n}", kind=kinds[n % 3]) for n in range(25))
    return Entity.objects.all()


@pytest.mark.parametrize("order", list(ORDERS))
@pytest.mark.parametrize("limit", ["1", "4", "25", "200"])
def test_pages_give_every_row_once_in_order(rows, order, limit):
    seen, cursor = [], None
    while True:
        query = {"order": order, "limit": limit} | ({"cursor": cursor} if cursor else {})
        found = page(rows, query, ORDERS)
        seen += found.rows
        assert len(found.rows) <= int(limit)
        cursor = found.next
        if cursor is None:
            break
    assert seen == list(rows.order_by(*ORDERS[order].columns()))


def test_a_row_that_comes_or_goes_between_pages_moves_no_other(rows):
    first = page(rows, {"limit": "5", "order": "pk"}, ORDERS)
    first.rows[0].delete()
    second = page(rows, {"limit": "5", "order": "pk", "cursor": first.next}, ORDERS)
    assert second.rows[0].pk > first.rows[-1].pk
    assert not {row.pk for row in first.rows} & {row.pk for row in second.rows}


def test_a_page_is_one_query_without_offset_or_count(rows, django_assert_num_queries):
    cursor = page(rows, {"limit": "5"}, ORDERS).next
    with django_assert_num_queries(1) as seen:
        page(rows, {"limit": "5", "cursor": cursor}, ORDERS)
    sql = seen.captured_queries[0]["sql"].upper()
    assert "OFFSET" not in sql
    assert "COUNT(" not in sql


def test_a_deep_page_seeks_in_the_index(rows):
    query = {"limit": "5", "order": "-pk"}
    cursor = page(rows, query, ORDERS).next
    with CaptureQueriesContext(connection) as seen:
        page(rows, {**query, "cursor": cursor}, ORDERS)
    postgresql = connection.vendor == "postgresql"
    with connection.cursor() as database:
        if postgresql:
            # A table of 25 rows is quicker read whole; whether the index could be used is what counts.
            database.execute("SET LOCAL enable_seqscan = off")
        database.execute(("EXPLAIN " if postgresql else "EXPLAIN QUERY PLAN ") + seen[0]["sql"])
        plan = str(database.fetchall())
    assert ("Index Cond: (id <" if postgresql else "(rowid<?)") in plan, plan


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1e2", "", "x", "1000000000", "²", "٣", " 5", "5.0"])
def test_a_limit_outside_is_refused(limit):
    with pytest.raises(InvalidQuery):
        limit_of({"limit": limit})


def test_the_limit_is_50_when_none_is_given():
    assert limit_of({}) == 50
    assert limit_of({"limit": "200"}) == 200


@pytest.mark.parametrize("order", ["", "Name", "name,pk", "--name", 'name"--', "entity__name", "?", "-"])
def test_an_order_that_is_not_in_the_map_never_reaches_the_query(order):
    with pytest.raises(InvalidQuery, match="one of"):
        order_of({"order": order}, ORDERS)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "====",
        "é",
        "%00",
        "x" * 5000,
        cursor_of(),
        cursor_of("name"),
        cursor_of("name", "a"),
        cursor_of("name", "a", 1, 2),
        cursor_of("name", 1, "a"),
        cursor_of("name", "a", True),
        cursor_of("name", "a", 1.5),
        cursor_of("name", "a", 2**63),
        cursor_of("name", "a\0", 1),
        cursor_of("name", None, 1),
        cursor_of("name", ["a"], 1),
        cursor_of("-pk", 1),
        base64.urlsafe_b64encode(b'["name","\\ud800",1]').decode().rstrip("="),
        base64.urlsafe_b64encode(b"[" * 700).decode().rstrip("="),
        base64.urlsafe_b64encode(b'{"a":1}').decode().rstrip("="),
        base64.urlsafe_b64encode(b"\xff\xfe").decode().rstrip("="),
    ],
)
def test_a_cursor_that_the_list_never_gave_is_refused(cursor):
    with pytest.raises(InvalidQuery) as caught:
        decode(ORDERS["name"], cursor)
    assert caught.value.details == {"field": "cursor"}


@given(st.text(max_size=200))
def test_no_cursor_is_anything_but_read_or_refused(cursor):
    with contextlib.suppress(InvalidQuery):
        decode(ORDERS["name"], cursor)


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=128),
    st.integers(1, 2**62),
)
def test_a_cursor_reads_back_as_it_was_written(kind, number):
    order = ORDERS["name"]
    assert decode(order, encode(order, Entity(pk=number, kind=kind))) == [kind, number]
