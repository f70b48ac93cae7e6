"""What an object store answers instead of doing what it was asked: its libraries' errors, as one of ours."""

from __future__ import annotations

from enum import Enum


class Trouble(Enum):
    """What is the matter, and the sentence for whoever waits; nothing in it names the operator's things."""

    FULL = "The object store takes no more bytes. Try again when its owner has made space."
    THROTTLED = "The object store asks for fewer requests. Try again in a moment."
    DENIED = (
        "The object store refuses this server. Tell its administrator: `manage.py storage check` says why."
    )
    NO_BUCKET = (
        "The object store has no such bucket. Tell the administrator: `manage.py storage check` says which."
    )
    SILENT = "The object store does not answer. Try again in a moment."
    CHANGED = "The object store kept something else than it was sent. Nothing was kept; send it again."
    FAILED = "The object store failed. Try again in a moment, or tell the administrator."


class StoreError(OSError):
    """An object store that did not do what it was asked; `why` is for the operator's log."""

    def __init__(self, trouble: Trouble, why: str = "") -> None:
        super().__init__(f"{trouble.value} ({why})" if why else trouble.value)
        self.trouble = trouble
        self.why = why

    @property
    def for_operators(self) -> str:
        """Say what is the matter to who can mend it, and whom nobody needs to be told of."""
        what = self.trouble.value.partition(". ")[0].rstrip(".")
        return f"{what} ({self.why})." if self.why else f"{what}."

    @property
    def passes(self) -> bool:
        """Say whether the same request may well succeed a moment later."""
        return self.trouble in {Trouble.THROTTLED, Trouble.SILENT, Trouble.FAILED}
