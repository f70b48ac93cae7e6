"""Forms of the drift watch."""

from __future__ import annotations

from typing import Any

from django import forms

from registry.web.forms.base import ServiceForm


class LogAgainForm(ServiceForm):
    """A new version from what was found; the mark says which look the person saw."""

    mark = forms.CharField(required=False, max_length=128, widget=forms.HiddenInput)

    def __init__(self, *args: Any, mark: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["mark"] = mark

    def given(self) -> dict[str, Any]:
        return {"mark": self.cleaned_data["mark"] or None}
