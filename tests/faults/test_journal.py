"""What the judge of power cuts lets pass, and what it notices; the cuts themselves take root, and `make faults`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.journal import DELETE, LOG, PURGE, RESTORE, Journal

FILES = {"own.bin": "00"}


def kept(*acts: str) -> Journal:
    """A version of which so much was answered."""
    journal = Journal("set")
    for act in acts:
        journal.begin(act, None if act == LOG else 0, FILES)
        journal.done(0)
    return journal


def said(*acts: str, state: str, files: dict[str, str] | None = None) -> dict[str, Any]:
    return {"0": {"acts": list(acts), "state": state, "files": FILES if files is None else files}}


def test_what_was_answered_passes():
    assert kept(LOG).settle(said(LOG, state="live")) == []
    assert kept(LOG, DELETE, RESTORE).settle(said(LOG, DELETE, RESTORE, state="live")) == []
    assert kept(LOG, DELETE, PURGE).settle(said(LOG, DELETE, PURGE, state="purged", files={})) == []


@pytest.mark.parametrize(
    "there",
    [
        {},
        said(LOG, state="live"),
        said(LOG, DELETE, state="live"),
        said(LOG, DELETE, state="purged", files={}),
        said(LOG, DELETE, state="trashed", files={"own.bin": "11"}),
        said(LOG, DELETE, PURGE, state="purged", files={}),
        said(LOG, DELETE, state="trashed") | {"1": said(LOG, state="live")["0"]},
    ],
)
def test_what_is_lost_or_half_done_or_was_never_asked_for_is_noticed(there):
    assert kept(LOG, DELETE).settle(there) != []


@pytest.mark.parametrize("there", [said(LOG, state="live"), said(LOG, DELETE, state="trashed")])
def test_what_was_under_way_may_have_happened_or_not(there):
    journal = kept(LOG)
    journal.begin(DELETE, 0)
    assert journal.settle(there) == []
    assert journal.versions[0].acts == there["0"]["acts"]


def test_nor_may_it_have_happened_by_half():
    journal = kept(LOG)
    journal.begin(DELETE, 0)
    assert journal.settle(said(LOG, state="trashed")) != []


@pytest.mark.parametrize("there", [{}, said(LOG, state="live")])
def test_a_log_that_was_under_way_is_whole_or_not_there(there):
    journal = Journal("set")
    journal.begin(LOG, files=FILES)
    assert journal.settle(there) == []
    assert len(journal.versions) == len(there)


def test_a_log_without_its_files_or_its_event_is_noticed():
    for there in (said(LOG, state="live", files={}), said(state="live")):
        journal = Journal("set")
        journal.begin(LOG, files=FILES)
        assert journal.settle(there) != []


@pytest.mark.parametrize(
    ("there", "lost"), [(said(LOG, state="live"), 1), (said(LOG, DELETE, state="trashed"), 0)]
)
def test_a_late_answer_proves_nothing_and_is_counted(there, lost):
    journal = kept(LOG)
    journal.begin(DELETE, 0)
    journal.is_late = True
    assert journal.settle(there) == []
    assert (journal.late, journal.late_lost, journal.is_late) == (1, lost, False)
