"""Points in time from outside: in UTC, within years that every clock and database knows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from strongroom.core.errors import InvalidQuery

from registry.http import moments
from registry.http.paging import Key, decode, encode, orders
from registry.models import Entity


def test_a_moment_is_read_in_utc():
    assert moments.read("2030-01-31T02:00:00+02:00") == datetime(2030, 1, 31, tzinfo=UTC)
    assert moments.read("2030-01-31T02:00:00+02:00").tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "1969-12-31T23:59:59Z",
        "3001-01-01T00:00:00Z",
        "2030-01-31T00:00:00",
        "tomorrow",
        "",
    ],
)
def test_what_is_no_moment_or_near_the_end_of_the_calendar_is_none(text):
    with pytest.raises(ValueError, match="isoformat|offset|calendar|outside"):
        moments.read(text)


def test_a_cursor_at_the_end_of_the_calendar_is_refused():
    order = orders(("at", (Key("created_at", datetime),)))["at"]
    late = Entity(created_at=datetime.fromisoformat("9999-12-31T23:59:59-23:59"))
    with pytest.raises(InvalidQuery):
        decode(order, encode(order, late))
