"""Checks of versions in a registry: listed, and posted by scripts under names of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from strongroom._http import Session, route
from strongroom.errors import BadAnswer
from strongroom.record import Body
from strongroom.runs import resolve

STATES = ("pending", "success", "failure", "error")


@dataclass(frozen=True, slots=True)
class Check:
    """How a check of a version stands: what it found, in a sentence, and where there is more."""

    name: str
    state: str
    finding: str
    link: str
    built_in: bool

    @classmethod
    def from_body(cls, found: Any) -> Check:
        """Read what the server says of one."""
        body = Body(found, "a check")
        built_in = body.found.get("built_in") is True
        return cls(body.text("name"), body.text("state"), body.text("finding"), body.text("link"), built_in)


def listing(session: Session, name: str) -> list[Check]:
    """Return the checks of a version, failed ones first."""
    found = Body(session.json("GET", _place(session, name)), "a list of checks").found.get("results")
    if not isinstance(found, list):
        raise BadAnswer("The server answered with something that is not a list of checks.")
    return [Check.from_body(each) for each in found]


def post(session: Session, name: str, check: str, state: str, finding: str, link: str) -> Check:
    """Post the result of a check of a version."""
    body = {"name": check, "state": state, "finding": finding, "link": link}
    return Check.from_body(session.json("POST", _place(session, name), body))


def _place(session: Session, name: str) -> str:
    ref = resolve(session, name)
    place = ("projects", ref.entity or "", ref.project or "", "collections", ref.collection)
    return route(*place, "versions", ref.ref, "checks")
