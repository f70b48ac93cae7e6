"""JSON from strangers: never another exception than ours, and never slow."""

from __future__ import annotations

import contextlib
import datetime
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.errors import InvalidInput, InvalidMetadata
from strongroom.core.names import check_metadata, parse_json

from tests.core.strategies import values
from tests.support.effort import within

HOSTILE = {
    "infinite number": "1e400",
    "negative infinite number": "-1e400",
    "Infinity": "[Infinity]",
    "minus Infinity": "-Infinity",
    "equal keys": '{"a": 1, "a": 2}',
    "equal keys, one escaped": '{"a": 1, "\\u0061": 2}',
    "deep lists": "[" * 100_000,
    "deep closed lists": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "a little too deep": "[" * 102 + "]" * 102,
    "many digits": "9" * 5000,
    "many decimals": "0." + "9" * 5000,
    "lone surrogate": '"\\ud800"',
    "lone surrogate as a key": '{"\\udfff": 1}',
    "surrogate in text": '"\ud800"',
    "two values": "1 2",
    "nothing": "",
    "byte order mark": "\ufeff{}",
    "raw line break": '"a\nb"',
    "single quotes": "{'a': 1}",
    "trailing comma": "[1,]",
    "open string of escapes": '"' + '\\"' * 500_000,
    "not UTF-8": b'"\xff"',
    "overlong slash": b'"\xc0\xaf"',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "too long": " " * (8 * 1024 * 1024 + 1),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_json_is_refused_with_a_sentence(text):
    with pytest.raises(InvalidInput) as caught:
        parse_json(text)
    assert caught.value.message.endswith(".")
    assert len(caught.value.message) < 500


@given(st.binary() | st.text())
def test_any_bytes_are_json_or_refused(data):
    with contextlib.suppress(InvalidInput):
        parse_json(data)


@given(values)
def test_parsing_json_undoes_writing_it(value):
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode()) == value


def test_nan_becomes_null():
    assert parse_json('{"loss": NaN}') == {"loss": None}
    assert check_metadata({"loss": math.nan}) == {"loss": None}


def test_a_thousand_digits_and_a_hundred_levels_are_taken():
    assert parse_json("9" * 1000) == int("9" * 1000)
    assert parse_json("[" * 101 + "]" * 101)


def test_eight_mebibytes_of_brackets_take_no_time_to_refuse():
    text = "[" + "[]," * 2_000_000 + "[]]"
    assert within(5, lambda: parse_json(text))


def _nested(levels: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for _ in range(levels):
        found = {"a": found}
    return found


_circle: dict[str, object] = {}
_circle["a"] = _circle


@pytest.mark.parametrize(
    "value",
    [
        {"a": math.inf}, {"a": -math.inf}, {"a": [{"b": math.inf}]}, _circle, _nested(5000), {"a": 10**1000},
        {10**5000: 1}, {1: "a", "1": "b"}, {(1, 2): 3}, {"a": object()}, {"a": {1, 2}}, {"a": b"x"}, {"a": "\x00"},
        {"a\x00": 1}, {"a": "\ud800"}, {"a": "x" * (8 * 1024 * 1024)}, {str(n): n for n in range(101)}, [], None, "{}",
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_metadata_that_json_cannot_hold_is_refused(value):
    with pytest.raises(InvalidMetadata):
        check_metadata(value)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_metadata_is_plain_json_afterwards(value):
    try:
        found = check_metadata(value)
    except InvalidMetadata:
        return
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert check_metadata(found) == found


class _Array:
    def tolist(self) -> list[float]:
        return [1.0, math.nan]


def test_metadata_takes_arrays_times_and_keys_of_numbers():
    day = datetime.date(2026, 11, 5)
    found = check_metadata({1: (1, 2), False: _Array(), None: day, 0.5: {}})
    assert found == {"1": [1, 2], "false": [1.0, None], "null": "2026-11-05", "0.5": {}}


def test_a_long_key_above_many_values_is_not_copied_for_each():
    data = {"k" * 1_000_000: list(range(200_000))}
    assert within(3, lambda: check_metadata(data))
