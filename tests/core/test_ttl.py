"""Time-to-live values in all their spellings."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from strongroom.core.errors import InvalidTtl
from strongroom.core.ttl import LONGEST_SECONDS, parse_ttl


@pytest.mark.parametrize(
    ("value", "ttl"),
    [("inherit", "inherit"), ("never", "never"), (None, "never"), (60, 60), (60.0, 60), (timedelta(days=1), 86400),
     (timedelta(milliseconds=1), 1), (LONGEST_SECONDS, LONGEST_SECONDS)],
)  # fmt: skip
def test_each_spelling_has_one_meaning(value, ttl):
    assert parse_ttl(value) == ttl


@pytest.mark.parametrize(
    "value",
    [0, -1, 1.5, True, "", "60", "Never", "never\n", math.nan, math.inf, -math.inf, 10**400, LONGEST_SECONDS + 1,
     timedelta(0), timedelta(days=-1), timedelta.max, [], {}, b"never", object()],
)  # fmt: skip
def test_anything_else_is_refused(value):
    with pytest.raises(InvalidTtl):
        parse_ttl(value)
