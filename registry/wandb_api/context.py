"""What a request of this door carries along: who asks, where the server is reached, what it has read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from registry.actor import Actor
from registry.errors import InvalidQuery, NotAuthenticated
from registry.models import Entity, User
from registry.services import accounts

# Lists that one request may read: the client needs two or three, a nest of lists asks for thousands.
MOST_LISTS = 50
N = TypeVar("N", bound=type)
_NODES: dict[str, type] = {}


def node(kind: str) -> Callable[[N], N]:
    """Make a class the node of a kind; nodes lead to each other by these names, so none imports another."""

    def keep(found: N) -> N:
        _NODES[kind] = found
        return found

    return keep


@dataclass
class Context:
    """One request: its actor, and the address by which links are made."""

    actor: Actor
    base_url: str
    lists: int = 0

    def node(self, kind: str, *rows: Any) -> Any:
        """Return the node of a row; of none, none."""
        return None if rows[0] is None else _NODES[kind](self, *rows)

    def nodes(self, kind: str, rows: Iterable[Any]) -> list[Any]:
        return [self.node(kind, row) for row in rows]

    @property
    def user(self) -> User:
        if self.actor.user is None:
            raise NotAuthenticated("Send an API key. Make one on your API keys page.")
        return self.actor.user

    @cached_property
    def default_entity(self) -> Entity:
        return accounts.default_entity(self.user)

    def spend(self) -> None:
        """Count a list that is read; refuse a request that asks for very many."""
        self.lists += 1
        if self.lists > MOST_LISTS:
            raise InvalidQuery(f"One request reads {MOST_LISTS} lists at the most. Ask for less at a time.")
