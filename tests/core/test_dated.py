"""An alias on a date: how it is written, and what is none."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.dated import dated, is_dated
from strongroom.core.errors import InvalidAlias, InvalidReference
from strongroom.core.names import ArtifactRef, check_alias

MAY = datetime(2026, 5, 1, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ref", "alias", "at"),
    [
        ("production@2026-05-01", "production", MAY),
        ("production@2026-05-01T12:00Z", "production", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("production@2026-05-01T12:00", "production", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        (
            "production@2026-05-01T12:00:30.5Z",
            "production",
            datetime(2026, 5, 1, 12, 0, 30, 500000, tzinfo=UTC),
        ),
        ("production@2026-05-01T12:00+02:00", "production", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        ("a@b@2026-05-01", "a@b", MAY),
        ("größe 2@2026-05-01", "größe 2", MAY),
    ],
)
def test_an_alias_on_a_date_is_read(ref, alias, at):
    past = dated(ref)
    assert (past.alias, past.at, str(past)) == (alias, at, ref)


@pytest.mark.parametrize(
    "ref",
    ["production", "v3", "me@example.org", "@2026-05-01", "a@tomorrow", "a@20260501", "a@2026-W18-5", "a@"],
)
def test_other_texts_have_no_date(ref):
    assert dated(ref) is None


@pytest.mark.parametrize(
    "when",
    ["2026-13-01", "2026-02-30", "2026-5-1", "2026-05", "2026-05-01T25:00Z", "2026-05-01 12:00", "2026-05-01T12",
     "2026-05-01T12:00Z\n", "2026-05-01x", "0000-01-01", "1969-12-31", "3000-01-01", "2026-05-01T12:00+99:00",
     "0001-01-01T00:00+23:59", "2026-05-01T12:00:00,5Z"],
)  # fmt: skip
def test_a_date_that_is_none_is_refused_with_how_to_write_it(when):
    assert is_dated(f"production@{when}")
    with pytest.raises(InvalidReference, match=r"2026-05-01T12:00Z|outside of the years"):
        dated(f"production@{when}")
    with pytest.raises(InvalidReference):
        ArtifactRef.parse(f"team/vision/resnet:production@{when}")


def test_a_version_is_the_same_on_every_date():
    with pytest.raises(InvalidReference, match="v3 is the same version on every date"):
        ArtifactRef.parse("resnet:v3@2026-05-01")


@pytest.mark.parametrize("ref", ["production@2026-05-01", "production@2026-05-01T12:00Z"])
def test_a_whole_name_may_have_a_date(ref):
    text = f"team/vision/resnet:{ref}"
    assert ArtifactRef.parse(text) == ArtifactRef("resnet", ref, "vision", "team")
    assert str(ArtifactRef.parse(text)) == text


def test_the_alias_on_a_date_is_checked_as_any_other():
    with pytest.raises(InvalidAlias):
        ArtifactRef.parse("resnet:a/b@2026-05-01")


@pytest.mark.parametrize("name", ["production@2026-05-01", "production@2026-13-45", "a@1999-1"])
def test_no_alias_can_be_named_like_a_date_of_another(name):
    with pytest.raises(InvalidAlias, match="Remove the date"):
        check_alias(name)


def test_today_is_not_the_future_and_tomorrow_is():
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert not dated("a@2026-05-01").is_future(noon)
    assert dated("a@2026-05-02").is_future(noon)
    assert not dated("a@2026-05-01T12:00Z").is_future(noon)
    assert dated("a@2026-05-01T12:01Z").is_future(noon)


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        past = dated(text)
    except InvalidReference:
        return
    assert past is None or (str(past) == text and past.at.tzinfo is UTC)
