"""Waiting for references that the server resolves: what becomes of a draft meanwhile is told as it is."""

from __future__ import annotations

import pytest
from strongroom import progress
from strongroom.errors import BadAnswer, Conflict, DraftClosed, NothingFound, ReferencesPending
from strongroom.transfer import resolving

from tests.client.conftest import session_to
from tests.client.scripted import an_error, as_json
from tests.client.test_package import Terminal

PAGE = "http://server/pending/D"
GOING = {"state": "resolving", "references": 3, "open": 1, "failed": 1, "found": 8204}


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(resolving, "_EVERY_SECONDS", 0)


def waiting(scripted, *states, failed=()):
    """Wait at a server that tells these states, one after the other."""
    told = iter(states)

    def answer(request):
        if request.path.endswith("/references"):
            return as_json({"results": list(failed)})
        return next(told)

    resolving.wait(session_to(scripted(answer)), "D", PAGE)


def test_who_watches_sees_how_far_it_is_and_what_failed(scripted, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(progress.sys, "stderr", terminal)
    waiting(scripted, as_json(GOING), as_json({**GOING, "failed": 0}), as_json({"state": "committed"}))
    assert "The server has resolved 1 of 3, 8,204 objects; 1 failed" in terminal.getvalue()
    assert "The server has resolved 2 of 3, 8,204 objects" in terminal.getvalue()


def test_one_that_was_given_up_ends_the_waiting(scripted):
    with pytest.raises(DraftClosed, match="gave the version up"):
        waiting(scripted, as_json(GOING), an_error(404, "not_found"))


def test_one_whose_last_reference_was_dropped_is_nobody_s_to_wait_for(scripted):
    with pytest.raises(Conflict, match=f"Go on with it at {PAGE}"):
        waiting(scripted, as_json({"state": "open"}))


def test_it_fails_with_what_the_first_reference_failed_with(scripted):
    why = {"code": "nothing_found", "message": "Nothing lies there."}
    with pytest.raises(NothingFound, match=f"Nothing lies there. Try again or drop it at {PAGE}"):
        waiting(scripted, as_json({"state": "failed"}), failed=[why])


def test_it_fails_with_what_the_commit_failed_with(scripted):
    commit = {"state": "failed", "code": "of_another_day", "message": "The commit failed."}
    with pytest.raises(ReferencesPending, match="The commit failed"):
        waiting(scripted, as_json(commit))


def test_an_answer_that_is_none_is_told(scripted):
    with pytest.raises(BadAnswer):
        waiting(scripted, as_json(["no state"]))
