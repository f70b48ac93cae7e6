"""How long versions live that set no time to live themselves."""

from __future__ import annotations

from typing import Any

from django import forms
from strongroom.core.ttl import Ttl

from registry.models import Team
from registry.web.forms.base import GuardedForm, SettingsForm
from registry.web.forms.versions import TtlForm, in_days


class LengthForm(TtlForm):
    """How long versions live, as a form shows it."""

    @classmethod
    def showing(cls, ttl: Ttl) -> dict[str, Any]:
        """What the form shows of a policy."""
        if isinstance(ttl, int):
            return {"kind": "days", "days": in_days(ttl)}
        return {"kind": ttl, "days": None}


class PolicyForm(LengthForm, GuardedForm):
    """Inherit from the place above, after N days, or never."""

    def __init__(self, *args: Any, now: Ttl, **kwargs: Any) -> None:
        super().__init__(*args, now={"ttl": now}, initial=self.showing(now), **kwargs)


class DefaultForm(SettingsForm, LengthForm):
    """The default of a person: nothing lies above, so there is nothing to inherit."""

    kind = forms.ChoiceField(choices=[("never", "Never"), ("days", "After")])

    def __init__(self, *args: Any, now: Ttl, **kwargs: Any) -> None:
        first = self.showing("never" if now == "inherit" else now)
        super().__init__(*args, initial={**first, **kwargs.pop("initial", {})}, **kwargs)
        self.now = now

    def again(self, data: dict[str, Any]) -> DefaultForm:
        return type(self)(data, now=self.now)

    def showing_now(self, field: str, now: Any) -> dict[str, Any]:
        if field != "ttl":
            return super().showing_now(field, now)
        return self.showing("never" if now == "inherit" else now)

    def given(self) -> dict[str, Any]:
        given = LengthForm.given(self)
        # No default and the default "never" come to the same: saving the form unchanged changes nothing.
        return {**given, "ttl": self.now} if (given["ttl"], self.now) == ("never", "inherit") else given


class TeamSettingsForm(DefaultForm):
    """A team's default, and who may say otherwise for a version."""

    ttl_editors = forms.ChoiceField(choices=Team.TtlEditors.choices)
    inherited_ttl_spares_aliased = forms.BooleanField(required=False)

    def given(self) -> dict[str, Any]:
        rules = [
            name for name in ("ttl_editors", "inherited_ttl_spares_aliased") if not self.is_untouched(name)
        ]
        ttl = {} if self.is_untouched("kind", "days") else DefaultForm.given(self)
        return {**ttl, **{name: self.cleaned_data[name] for name in rules}}
