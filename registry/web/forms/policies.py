"""How long versions live that set no time to live themselves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.http import QueryDict
from strongroom.core.ttl import Ttl

from registry.models import Entity, Team
from registry.services.confirming import Shown
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

    # What it would delete, where that was asked for; and whether saving waits for that to be confirmed.
    shown: Shown | None = None
    asks = False

    def __init__(self, *args: Any, now: Ttl, **kwargs: Any) -> None:
        super().__init__(*args, now={"ttl": now}, initial=self.showing(now), **kwargs)
        self.now = now


class DefaultForm(SettingsForm, LengthForm):
    """The default of a person: nothing lies above, so there is nothing to inherit."""

    kind = forms.ChoiceField(choices=[("never", "Never"), ("days", "After")])

    def __init__(self, *args: Any, now: Ttl, **kwargs: Any) -> None:
        first = self.showing("never" if now == "inherit" else now)
        super().__init__(*args, initial={**first, **kwargs.pop("initial", {})}, **kwargs)
        self.now = now

    def again(self, data: Mapping[str, Any]) -> DefaultForm:
        return type(self)(data, now=self.now)

    def showing_now(self, field: str, now: Any) -> dict[str, Any]:
        if field != "ttl":
            return super().showing_now(field, now)
        return self.showing("never" if now == "inherit" else now)

    def rules(self) -> dict[str, Any]:
        """What is kept: a person has no rules of their own."""
        return {}

    def wanted(self) -> Ttl:
        """The default that the form says, whether it was changed or not."""
        ttl: Ttl = LengthForm.given(self)["ttl"]
        return self.now if (ttl, self.now) == ("never", "inherit") else ttl

    def given(self) -> dict[str, Any]:
        given = LengthForm.given(self)
        # No default and the default "never" come to the same: saving the form unchanged changes nothing.
        return {**given, "ttl": self.now} if (given["ttl"], self.now) == ("never", "inherit") else given


class TeamSettingsForm(DefaultForm):
    """A team's default, what is kept in spite of it, and who may say otherwise for a version."""

    ttl_editors = forms.ChoiceField(choices=Team.TtlEditors.choices)
    inherited_ttl_spares_aliased = forms.BooleanField(required=False)
    kept_newest = forms.IntegerField(required=False, max_value=2**31 - 1)
    ttl_grace_until = forms.DateField(required=False)

    def __init__(self, *args: Any, until: datetime | None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.until = until

    def again(self, data: Mapping[str, Any]) -> TeamSettingsForm:
        return type(self)(data, now=self.now, until=self.until)

    def clean_kept_newest(self) -> int:
        """An empty field keeps none."""
        return self.cleaned_data["kept_newest"] or 0

    def clean_ttl_grace_until(self) -> datetime | None:
        """A day begins at midnight, UTC; on the day that is set already the moment stays, which a script may choose."""
        day = self.cleaned_data["ttl_grace_until"]
        if day is None or (self.until is not None and _day(self.until) == day):
            return None if day is None else self.until
        return datetime.combine(day, time(), UTC)

    def given(self) -> dict[str, Any]:
        rules = [name for name in TEAM_RULES if not self.is_untouched(name)]
        ttl = {} if self.is_untouched("kind", "days") else DefaultForm.given(self)
        return {**ttl, **{name: self.cleaned_data[name] for name in rules}}

    def rules(self) -> dict[str, Any]:
        """What the form says of what is kept, whether it was changed or not."""
        return {
            "spares_aliased": self.cleaned_data["inherited_ttl_spares_aliased"],
            "kept_newest": self.cleaned_data["kept_newest"],
            "grace_until": self.cleaned_data["ttl_grace_until"],
        }

    def showing_now(self, field: str, now: Any) -> dict[str, Any]:
        """A moment is shown as its day."""
        if field == "ttl_grace_until":
            return {field: str(now)[:10] if now else ""}
        return super().showing_now(field, now)


# What a form of a team sets beside its default.
TEAM_RULES = ("ttl_editors", "inherited_ttl_spares_aliased", "kept_newest", "ttl_grace_until")


def of_entity(entity: Entity, now: Ttl, data: QueryDict | None = None) -> DefaultForm:
    """Return the form of a team, or that of a person, which has the default alone."""
    if entity.kind != Entity.Kind.TEAM:
        return DefaultForm(data, now=now)
    first = {name: getattr(entity.team, name) for name in TEAM_RULES}
    until = first["ttl_grace_until"]
    first["ttl_grace_until"] = _day(until).isoformat() if until else None
    return TeamSettingsForm(data, now=now, until=until, initial=first)


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
