"""What the inbox is narrowed to."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.models import InboxNotice
from registry.web.forms.base import ServiceForm

_KINDS = {
    InboxNotice.Kind.ASKED: "Reviews asked of me",
    InboxNotice.Kind.MENTIONED: "Mentions",
    InboxNotice.Kind.REVIEWED: "Reviews of mine",
    InboxNotice.Kind.COMMENTED: "Comments",
    InboxNotice.Kind.CLOSED: "Closed",
}


class InboxForm(ServiceForm):
    """Which notices, and whether also those that were seen."""

    kind = forms.ChoiceField(label="Kind", required=False, choices=[("", "All"), *_KINDS.items()])
    unread = forms.BooleanField(label="Unread only", required=False)

    @property
    def any(self) -> bool:
        """Tell whether the list is narrowed at all."""
        return any(self.data.get(name) for name in self.fields)

    def given(self) -> dict[str, Any]:
        found = self.cleaned_data if self.is_valid() else {}
        return {"kind": found.get("kind") or None, "unread": bool(found.get("unread"))}
