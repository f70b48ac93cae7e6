"""Making and changing a webhook, and what its log is narrowed to."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.models import WebhookDelivery
from registry.services.webhook_kinds import KINDS, PING
from registry.web.forms.base import ServiceForm, text

CHOICES = [(name, title) for name, (title, _) in KINDS.items()]


class WebhookForm(ServiceForm):
    """A name to know it by, where it listens, and what it is told."""

    name = text("Name", help_text="What listens there, such as “deploy”.")
    url = text(
        "Address",
        help_text="Where events are sent by POST. It must be on the public internet, or allowed by the operator.",
        placeholder="https://ci.example.org/hooks/strongroom",
        spellcheck="false",
    )
    events = forms.MultipleChoiceField(label="Events", choices=CHOICES, required=False)

    def given(self) -> dict[str, Any]:
        return {
            "name": self.cleaned_data["name"],
            "url": self.cleaned_data["url"],
            "kinds": self.cleaned_data["events"],
        }


class WebhookSettingsForm(WebhookForm):
    """The same of one that is there, and whether it is on."""

    active = forms.BooleanField(label="On", required=False)

    def given(self) -> dict[str, Any]:
        return {**super().given(), "active": self.cleaned_data["active"]}


class LogForm(ServiceForm):
    """What the log is narrowed to."""

    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "All"), *WebhookDelivery.State.choices]
    )
    event = forms.ChoiceField(
        label="Event", required=False, choices=[("", "All"), *CHOICES, (PING, "A test")]
    )

    @property
    def any(self) -> bool:
        """Tell whether the list is narrowed at all."""
        return any(self.data.get(name) for name in self.fields)

    def given(self) -> dict[str, Any]:
        found = self.cleaned_data if self.is_valid() else {}
        return {"state": found.get("state") or None, "kind": found.get("event") or None}
