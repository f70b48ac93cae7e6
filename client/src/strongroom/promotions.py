"""Promotions: asking that a version of a registry take a protected alias, and how that stands."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

from strongroom._http import Session, route
from strongroom.core.targets import REGISTRY_PREFIX, is_registry
from strongroom.errors import InvalidReference
from strongroom.record import Body

if TYPE_CHECKING:
    from strongroom.artifact import Artifact


class Promotion:
    """A request that a version take an alias, as it stood when it was last asked for."""

    def __init__(self, session: Session, found: Any) -> None:
        self._session = session
        self._take(Body(found, "a promotion"))

    @classmethod
    def open(
        cls,
        session: Session,
        artifact: Artifact,
        alias: str,
        title: str,
        reason: str,
        reviewers: Iterable[str],
    ) -> Self:
        """Ask that a linked version take an alias."""
        if not is_registry(artifact.project):
            raise InvalidReference(
                f"{artifact.qualified_name} is not in a registry. Link it into one first, and name the link."
            )
        asked = {
            "collection": artifact.collection.name,
            "version": artifact.version,
            "alias": alias,
            "title": title,
            "reason": reason,
            "reviewers": list(reviewers),
        }
        registry = artifact.project.removeprefix(REGISTRY_PREFIX)
        place = route("organizations", artifact.entity, "registries", registry, "promotions")
        return cls(session, session.json("POST", place, asked))

    def __repr__(self) -> str:
        return (
            f"<Promotion {self.number} of {self.collection}:{self.candidate} to {self.alias} ({self.state})>"
        )

    def refresh(self) -> None:
        """Ask again how it stands."""
        self._take(Body(self._session.json("GET", self._route), "a promotion"))

    def promote(self) -> None:
        """Move the alias; PromotionBlocked says what the rule of the alias still asks for."""
        self._take(
            Body(self._session.json("POST", f"{self._route}/promote", {"seen": self._seen}), "a promotion")
        )

    def withdraw(self, reason: str = "") -> None:
        """Take the request back."""
        self._take(
            Body(self._session.json("POST", f"{self._route}/withdraw", {"reason": reason}), "a promotion")
        )

    @property
    def _route(self) -> str:
        place = ("organizations", self.organization, "registries", self.registry, "promotions")
        return route(*place, str(self.number))

    def _take(self, body: Body) -> None:
        self.organization, self.registry = body.text("organization"), body.text("registry")
        self.number, self.collection, self.alias = (
            body.number("number"),
            body.text("collection"),
            body.text("alias"),
        )
        self.candidate, self.base = body.text("candidate"), body.optional_text("base")
        self.title, self.state, self.url = body.text("title"), body.text("state"), body.text("url")
        # Who approved, and what is still missing, in words.
        self.approvals, self.missing = body.texts("approvals"), body.texts("missing")
        self._seen = body.text("seen")
