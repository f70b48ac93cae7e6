"""Forms of the trash."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from registry.web.forms.base import ServiceForm, TypedForm


class RestoreForm(ServiceForm):
    """Restoring asks for nothing more."""


class PurgeForm(TypedForm):
    """A deletion for good: nothing brings it back, so a name is typed."""

    errors_on: ClassVar[dict[str, str]] = {"in_use": "typed"}

    def given(self) -> dict[str, Any]:
        return {}


class DeleteProjectForm(PurgeForm):
    """A deletion into the trash of all that a project holds, with the aliases that the page named or counted."""

    def given(self) -> dict[str, Any]:
        return {"delete_aliases": True}


class PeriodForm(ServiceForm):
    """How long the trash keeps what a team deletes."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_input": "days"}

    kind = forms.ChoiceField(choices=[("whole", "As everywhere"), ("days", "Days")])
    days = forms.IntegerField(required=False)

    @staticmethod
    def showing(own: int | None) -> dict[str, Any]:
        """What the fields show of what is set."""
        return {"kind": "whole"} if own is None else {"kind": "days", "days": own}

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if found.get("kind") == "days" and found.get("days") is None and "days" not in self.errors:
            self.add_error("days", "Say how many days.")
        return found

    def given(self) -> dict[str, Any]:
        own = self.cleaned_data["kind"] == "days"
        return {"trash_days": self.cleaned_data["days"] if own else None}
