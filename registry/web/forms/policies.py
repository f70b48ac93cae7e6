"""How long versions live that set no time to live themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from strongroom.core.ttl import Ttl

from registry.models import Team
from registry.web.forms.base import SettingsForm
from registry.web.forms.versions import TtlForm, in_days


class PolicyForm(TtlForm):
    """Inherit from the place above, after N days, or never."""

    @classmethod
    def showing(cls, ttl: Ttl) -> dict[str, Any]:
        """What the form shows of a policy."""
        if isinstance(ttl, int):
            return {"kind": "days", "days": in_days(ttl)}
        return {"kind": ttl, "days": None}


class DefaultForm(PolicyForm):
    """The default of a person: nothing lies above, so there is nothing to inherit."""

    kind = forms.ChoiceField(choices=[("never", "Never"), ("days", "After")])

    def __init__(self, *args: Any, now: Ttl, **kwargs: Any) -> None:
        first = self.showing("never" if now == "inherit" else now)
        super().__init__(*args, initial={**first, **kwargs.pop("initial", {})}, **kwargs)
        self.now = now

    def given(self) -> dict[str, Any]:
        given = super().given()
        # No default and the default "never" come to the same: saving the form unchanged changes nothing.
        return {**given, "ttl": self.now} if (given["ttl"], self.now) == ("never", "inherit") else given


class TeamSettingsForm(SettingsForm, DefaultForm):
    """A team's default, and who may say otherwise for a version."""

    ttl_editors = forms.ChoiceField(choices=Team.TtlEditors.choices)
    inherited_ttl_spares_aliased = forms.BooleanField(required=False)

    def given(self) -> dict[str, Any]:
        rules = [
            name for name in ("ttl_editors", "inherited_ttl_spares_aliased") if not self.is_untouched(name)
        ]
        ttl = {} if self.is_untouched("kind", "days") else DefaultForm.given(self)
        return {**ttl, **{name: self.cleaned_data[name] for name in rules}}
