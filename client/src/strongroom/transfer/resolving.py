"""References that the server looks at: handed over with a draft, and waited for."""

from __future__ import annotations

import time
from typing import Any

from strongroom._http import Session, route
from strongroom.draft import Left
from strongroom.errors import Conflict, DraftClosed, NotFound, ReferencesPending, StrongroomError, by_code
from strongroom.progress import Status
from strongroom.record import Body

_EVERY_SECONDS = 1.0


def hand_over(
    session: Session, draft: str, references: list[Left], labels: dict[str, list[str]]
) -> dict[str, Any]:
    """Have the server resolve references of a draft and commit it then; return how far it is."""
    for each in references:
        session.json("POST", route("drafts", draft, "references"), each.body())
    return Body(
        session.json("POST", route("drafts", draft, "resolution"), labels), "the state of a draft"
    ).found


def page_of(session: Session, entity: str, project: str, draft: str) -> str:
    """Return the address of the page that follows a draft."""
    return f"{session.settings.base_url}/{entity}/{project}/pending/{draft}"


def wait(session: Session, draft: str, page: str) -> None:
    """Return when the version is there; raise what it failed with."""
    with Status() as line:
        while True:
            told = _told(session, draft)
            state = told.get("state")
            if state == "committed":
                return
            if state == "failed":
                raise _failure(session, draft, told, page)
            if state not in ("resolving", "committing"):
                raise Conflict(f"Somebody took the last reference out of the draft. Go on with it at {page}.")
            line.tell(_words(told))
            time.sleep(_EVERY_SECONDS)


def _words(told: dict[str, Any]) -> str:
    """Say how far it is; what failed by now is told at once, for others may be tried again for long."""
    total, left, failed = (int(told.get(name) or 0) for name in ("references", "open", "failed"))
    found = (
        f"The server has resolved {total - left - failed} of {total}, {int(told.get('found') or 0):,} objects"
    )
    return f"{found}; {failed} failed" if failed else found


def _told(session: Session, draft: str) -> dict[str, Any]:
    try:
        found = session.json("GET", route("drafts", draft, "resolution"))
    except NotFound as error:
        raise DraftClosed(
            "Somebody gave the version up before it was complete; nothing was logged."
        ) from error
    return Body(found, "the state of a draft").found


def _failure(session: Session, draft: str, told: dict[str, Any], page: str) -> StrongroomError:
    """Return why: of the first reference that failed, or of the commit."""
    page_of_failed = session.json("GET", route("drafts", draft, "references"), state="failed", limit=1)
    failed = Body(page_of_failed, "a list of references").found.get("results")
    first = Body(failed[0], "a reference").found if failed else told
    kind = by_code().get(str(first.get("code") or ""), ReferencesPending)
    return kind(f"{first.get('message') or 'It failed.'} Try again or drop it at {page}.")
