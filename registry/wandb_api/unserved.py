"""What the client can ask for and this server does not do yet."""

from __future__ import annotations

from registry.errors import InvalidInput


def not_yet(what: str) -> InvalidInput:
    """Return the refusal of what is not there yet: nothing was changed, and nothing is to be tried again."""
    return InvalidInput(
        f"{what} are not yet served to the wandb client by this server. docs/wandb.md says what is.",
        unserved=what,
    )
