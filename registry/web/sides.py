"""Two versions beside each other: how they are called, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from registry.actor import Actor
from registry.models import Membership, Run
from registry.services import runs
from registry.web import differences

_INPUTS = 200


@dataclass(frozen=True, slots=True)
class Sides:
    """The older or less known side, and what it is compared with."""

    a: Membership
    b: Membership

    def labels(self) -> dict[str, str]:
        """How tables call both: by number where that says which."""
        short = self.a.collection_id == self.b.collection_id
        return {
            side: f"v{row.number}" if short else row.name
            for side, row in (("label_a", self.a), ("label_b", self.b))
        }


def origins(actor: Actor, before: Membership, after: Membership) -> dict[str, Any]:
    """The runs that logged both, how their configurations differ, and what only one of them used."""
    a, b = (runs.logged_by(actor, side) for side in (before, after))
    used_a, used_b = (inputs(actor, run) for run in (a, b))
    return {
        "runs": (a, b),
        "config": differences.pairs(a.config if a else {}, b.config if b else {}),
        "only_a": [row for name, row in used_a.items() if name not in used_b],
        "only_b": [row for name, row in used_b.items() if name not in used_a],
        "both": [row for name, row in used_b.items() if name in used_a],
    }


def inputs(actor: Actor, run: Run | None) -> dict[int, Membership]:
    """What a run used, by the ids of the versions."""
    return {row.version_id: row for row in runs.inputs(actor, run).without_cards()[:_INPUTS]} if run else {}
