"""Who acts, through which door: the first argument of every service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.models import ApiKey, User

# How events name the installation itself.
SYSTEM = "strongroom"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (or nobody, or the installation itself) at one door."""

    user: User | None
    door: str
    address: str = ""
    key: ApiKey | None = None
    is_system: bool = False

    @property
    def name(self) -> str:
        if self.user is not None:
            return self.user.username
        return SYSTEM if self.is_system else "anonymous"


def system(door: str = "worker") -> Actor:
    """Return the installation itself: workers and the operator's commands."""
    return Actor(user=None, door=door, is_system=True)
