"""The language of searches: what is understood, and at which character it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import InvalidQuery
from registry.services import filters
from registry.services.filters import LONGEST, MOST_TERMS, Term


def read(text: str) -> list[tuple]:
    return [(term.field, term.path, term.sign, term.value, term.is_negated) for term in filters.parse(text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("  ", []),
        ("resnet v3", [("", (), ":", "resnet", False), ("", (), ":", "v3", False)]),
        ('"night shift"', [("", (), ":", "night shift", False)]),
        (r'"say \"no\""', [("", (), ":", 'say "no"', False)]),
        ("-old", [("", (), ":", "old", True)]),
        ("-", [("", (), ":", "-", False)]),
        ("a-b", [("", (), ":", "a-b", False)]),
        ("tag:prod", [("tag", (), "=", "prod", False)]),
        ('tag:"line 4"', [("tag", (), "=", "line 4", False)]),
        ("-alias=gold", [("alias", (), "=", "gold", True)]),
        ("alias!=gold", [("alias", (), "=", "gold", True)]),
        ("-alias!=gold", [("alias", (), "=", "gold", False)]),
        ("metadata.val/f1>=0.9", [("metadata", ("val/f1",), ">=", "0.9", False)]),
        ("metadata.val.f1<0.9", [("metadata", ("val", "f1"), "<", "0.9", False)]),
        ('metadata."val.f 1":x', [("metadata", ("val.f 1",), "=", "x", False)]),
        ("Created>2026-01-01", [("created", (), ">", "2026-01-01", False)]),
        ("created<2026-01-01T10:00", [("created", (), "<", "2026-01-01T10:00", False)]),
        ("size>1GB tag:a", [("size", (), ">", "1GB", False), ("tag", (), "=", "a", False)]),
    ],
)
def test_a_search_is_terms(text, wanted):
    assert read(text) == wanted


@pytest.mark.parametrize(
    ("text", "at", "part"),
    [
        ("a sizee>3", 3, '"sizee" is no field'),
        ("-color:red", 2, '"color" is no field'),
        ('tag:"prod', 5, "quote is not closed"),
        ('"prod', 1, "quote is not closed"),
        ("tag:", 5, "a value is missing"),
        ("tag: prod", 5, "a value is missing"),
        ("a :prod", 3, "a field is missing"),
        ("tag>prod", 4, "only"),
        ("metadata>3", 1, "with a key"),
        ("tag.x:3", 1, "with a key"),
        ('tag:a"b"', 6, "double quote"),
        ("x " * (MOST_TERMS + 1), 2 * MOST_TERMS + 1, "terms"),
        ("x" * (LONGEST + 1), LONGEST + 1, "characters"),
    ],
)
def test_what_is_no_search_is_told_with_its_place(text, at, part):
    with pytest.raises(InvalidQuery, match="not understood at character") as refused:
        filters.parse(text)
    assert refused.value.details["at"] == at
    assert part in str(refused.value)


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("12", 12), ("1kB", 1000), ("1.5GB", 15 * 10**8), ("2MiB", 2 << 20), ("3 TB", 3 * 10**12)],
)  # fmt: skip
def test_sizes_are_powers_of_ten_or_of_two(text, size):
    assert Term(0, 0, "size", (), ">", text).bytes() == size


@pytest.mark.parametrize("text", ["", "x", "1XB", "-1", "1e9", "1.5.5"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InvalidQuery):
        Term(0, 0, "size", (), ">", text).bytes()


@pytest.mark.parametrize(
    "text", ["", "soon", "2026-13-01", "2026-02-30", "0001-01-01T00:00+23:59", "99999-01-01"]
)
def test_what_is_no_date_is_refused(text):
    with pytest.raises(InvalidQuery):
        Term(0, 0, "created", (), ">", text).period()


@given(st.text(max_size=60))
def test_any_text_is_terms_or_is_refused_with_a_place_inside(text):
    places: list[int] = []
    found: list[Term] = []
    try:
        found = filters.parse(text)
    except InvalidQuery as error:
        places.append(error.details["at"])
    assert all(1 <= at <= len(text) + 1 for at in places)
    ends = [0, *(term.end for term in found)]
    for before, term in zip(ends, found, strict=False):
        assert before <= term.start < term.end <= len(text)
        assert not text[before : term.start].strip()


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=10)


@given(st.lists(WORDS, min_size=1, max_size=5))
def test_what_is_quoted_comes_back_as_it_was(values):
    written = ["tag:" + '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]
    assert [term.value for term in filters.parse(" ".join(written))] == values
