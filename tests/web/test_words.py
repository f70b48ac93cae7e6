"""How sizes, times and names are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web.columns import Column
from registry.web.templatetags import words
from registry.web.told import _value

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (4100, "4.10 kB"),
        (97_800_000, "97.8 MB"),
        (999_400, "999 kB"),
        (999_600, "1.00 MB"),
        (1_940_000_000, "1.94 GB"),
        (None, "unknown"),
    ],
)
def test_sizes_have_three_figures(count, said):
    assert words.size(count) == said


@given(st.integers(min_value=1000, max_value=10**18))
def test_every_size_has_three_figures_and_a_unit(count):
    amount, unit = words.size(count).split(" ")
    assert sum(letter.isdigit() for letter in amount) == 3
    assert unit in ("kB", "MB", "GB", "TB", "PB", "EB")


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (timedelta(seconds=3), "just now"),
        (timedelta(minutes=3), "3 min ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=30), "yesterday"),
        (timedelta(days=6), "6 days ago"),
        (timedelta(days=30), "30 days ago"),
        (timedelta(days=31), "23 Oct 2026"),
        (timedelta(seconds=-20), "within a minute"),
        (timedelta(minutes=-7), "in 7 minutes"),
        (timedelta(days=-90), "21 Feb 2027"),
    ],
)
def test_times_are_relative_up_to_thirty_days(past, said):
    assert words.relative(NOW - past, NOW) == said


def test_what_is_left_is_rounded():
    for seconds, said in (
        (7 * 86_400 - 60, "7 days"),
        (86_400 - 60, "24 hours"),
        (90_000, "25 hours"),
        (3_000, "50 minutes"),
        (20, "less than a minute"),
    ):
        assert words.left(seconds).replace("1 day", "24 hours") == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (30, "less than a minute"),
        (3600, "1 hour"),
        (57_600, "16 hours"),
        (86_400, "1 day"),
        (90_000, "25 hours"),
        (172_800, "2 days"),
    ],
)
def test_durations_are_written_in_their_largest_unit(seconds, said):
    assert words.duration(seconds) == said


def test_numbers_of_a_column_align():
    assert Column((), [0.9, 0.9388, None, 1]).written() == ["0.9000", "0.9388", "", "1.0000"]
    assert Column((), [17.3, 18]).written() == ["17.3", "18.0"]
    assert Column((), [1e-9, 5]).written() == ["1e-09", "5"]


def test_a_subtitle_is_the_first_line_of_prose():
    assert words.first_line("# Title\n\n> **Bold** and `code`.\n\nMore") == "Bold and code."
    assert words.first_line("| a |\n") == ""


def test_values_of_events_are_short_and_leave_the_digest_out():
    assert (
        _value("version.log", {"digest": "d" * 32, "size": 1000, "file_count": 2})
        == "size: 1.00 kB, files: 2"
    )
    assert _value("version.edit", {"description": "x" * 9}) == "card: 9 characters"
    assert len(_value("version.edit", {"metadata": "x" * 999})) < 250


def test_an_excerpt_is_without_the_marks_of_a_card():
    card = "## Digits\n\n| split | rows |\n|---|---|\n| train | `1,437` |\n\n- a well-known set"
    assert words.excerpt(card) == "… Digits split rows train 1,437 - a well-known set …"


def test_until_when_a_deleted_version_comes_back_is_told_as_a_day():
    after = {"purge_at": "2026-12-04T18:42:48.527128+00:00"}
    assert _value("version.delete", after) == "restorable until: 4 Dec 2026"


def test_a_restoration_is_told_in_words():
    assert _value("version.restore", {"cause": "person"}) == "deleted by a person"
    bare = {"aliases": [], "moved_on": [], "ttl": "unchanged"}
    assert _value("version.restore", bare) == "restored"
    full = {"aliases": ["best", "latest"], "moved_on": ["prod"], "ttl": "never"}
    assert _value("version.restore", full) == (
        "restored, with best, latest, without prod, which another version took meanwhile, its time to live set to never"
    )
    assert _value("version.delete", {"aliases": []}) == ""


def test_fields_of_settings_are_told_in_words():
    assert _value("project.edit", {"visibility": "private"}) == "seen by: its owner or team"
    assert _value("run.edit", {"display_name": "Night"}) == "display name: Night"
    assert _value("user.edit", {"time_zone": "UTC"}) == "time zone: UTC"
