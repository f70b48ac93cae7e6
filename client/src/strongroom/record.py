"""What the server says about a version, read with care: a server is not trusted to send what it should."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from strongroom.errors import BadAnswer


class Body:
    """An object of JSON whose fields are taken by the type they must have."""

    def __init__(self, found: Any, what: str) -> None:
        if not isinstance(found, dict):
            raise BadAnswer(f"The server answered with something that is not {what}.")
        self.found, self.what = found, what

    def text(self, name: str) -> str:
        """Return a field that must be a string."""
        return self._typed(name, str)

    def optional_text(self, name: str) -> str | None:
        """Return a field that is a string, or absent."""
        return None if self.found.get(name) is None else self._typed(name, str)

    def number(self, name: str) -> int:
        """Return a field that must be a whole number, zero or more."""
        value = self._typed(name, int)
        if isinstance(value, bool) or value < 0:
            raise BadAnswer(f"The server answered with {self.what} whose {name!r} is not a count.")
        return value

    def texts(self, name: str) -> list[str]:
        """Return a field that must be a list of strings; absent is empty."""
        value = self.found.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise BadAnswer(f"The server answered with {self.what} whose {name!r} is not a list of names.")
        return list(value)

    def mapping(self, name: str) -> dict[str, Any]:
        """Return a field that must be an object; absent is empty."""
        value = self.found.get(name) or {}
        if not isinstance(value, dict):
            raise BadAnswer(f"The server answered with {self.what} whose {name!r} is not an object.")
        return dict(value)

    def below(self, name: str) -> Body:
        """Return a field that must be an object, to be read with the same care."""
        return Body(self.found.get(name), f"{self.what} with {name!r}")

    def _typed(self, name: str, kind: type) -> Any:
        value = self.found.get(name)
        if not isinstance(value, kind):
            raise BadAnswer(f"The server answered with {self.what} without a proper {name!r}.")
        return value


@dataclass(slots=True, frozen=True)
class Place:
    """Where a version is: its entity, project, collection and number there."""

    entity: str
    project: str
    collection: str
    version: str

    @property
    def name(self) -> str:
        """Return `collection:v3`."""
        return f"{self.collection}:{self.version}"

    @property
    def qualified_name(self) -> str:
        """Return `entity/project/collection:v3`."""
        return f"{self.entity}/{self.project}/{self.name}"

    @classmethod
    def parse(cls, body: Body) -> Place:
        """Read the four fields that a version and its source share."""
        return cls(body.text("entity"), body.text("project"), body.text("collection"), body.text("version"))


@dataclass(slots=True, frozen=True)
class Record:
    """A version as the server described it last."""

    id: str
    place: Place
    # Where it was logged; None where that is not for one to see, which only links know.
    source: Place | None
    is_link: bool
    type: str
    aliases: list[str]
    tags: list[str]
    state: str
    digest: str
    commit_hash: str
    size: int
    file_count: int
    description: str | None
    metadata: dict[str, Any]
    ttl: str | int
    effective_ttl: int | None
    created_at: str
    updated_at: str
    url: str

    @classmethod
    def parse(cls, found: Any) -> Record:
        """Read a VERSION of the protocol."""
        body = Body(found, "a version")
        place = Place.parse(body)
        return cls(
            id=body.text("id"), place=place,
            source=_source(body, place), is_link=body.found.get("collection_kind") == "portfolio",
            type=body.text("type"), aliases=body.texts("aliases"), tags=body.texts("tags"),
            state=body.text("state"), digest=body.text("digest"), commit_hash=body.text("commit_hash"),
            size=body.number("size"), file_count=body.number("file_count"),
            description=body.optional_text("description"), metadata=body.mapping("metadata"),
            ttl=_ttl(body.found.get("ttl", "inherit")),
            effective_ttl=_seconds(body.mapping("effective_ttl").get("seconds")),
            created_at=body.text("created_at"), updated_at=body.text("updated_at"),
            url=body.optional_text("url") or "",
        )  # fmt: skip


def _source(body: Body, place: Place) -> Place | None:
    if body.found.get("source"):
        return Place.parse(body.below("source"))
    return None if body.found.get("collection_kind") == "portfolio" else place


def _ttl(value: Any) -> str | int:
    if value in ("inherit", "never"):
        return str(value)
    seconds = _seconds(value)
    if seconds is None:
        raise BadAnswer("The server answered with a version whose TTL is none of those that exist.")
    return seconds


def _seconds(value: Any) -> int | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or not 0 <= value <= dt.timedelta.max.total_seconds()
    ):
        raise BadAnswer("The server answered with a version whose TTL is no number of seconds.")
    return value
