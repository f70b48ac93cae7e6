"""Making an API key."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from registry.web.forms.base import ServiceForm, text

_LASTING = [("90", "90 days"), ("30", "30 days"), ("365", "One year"), ("", "Until revoked")]


class KeyForm(ServiceForm):
    """A name to know the key by, and how long it lasts."""

    name = text("Name", help_text="What or where it is for, such as “line 4 trainer”.")
    lasting = forms.ChoiceField(
        label="Lasts", choices=_LASTING, required=False, initial="90", widget=forms.Select
    )

    def given(self) -> dict[str, Any]:
        days = self.cleaned_data["lasting"]
        expires_at = timezone.now() + timedelta(days=int(days)) if days else None
        return {"name": self.cleaned_data["name"], "expires_at": expires_at}
