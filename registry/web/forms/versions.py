"""Editing a version in place: names, time to live, metadata."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from registry.models import Version
from registry.services._common import KEEP, Keep, now
from registry.web.forms.base import GuardedForm, ServiceForm

DAY = 86400


def in_days(seconds: int) -> str:
    """Write seconds as days, to a millionth: read again they are the same seconds, so that saving changes nothing."""
    return f"{seconds / DAY:.6f}".rstrip("0").rstrip(".")


class NameForm(forms.Form):
    """One act on one alias or tag."""

    ACTS: ClassVar[dict[str, str]] = {
        "add-alias": "alias",
        "remove-alias": "alias",
        "add-tag": "tag",
        "remove-tag": "tag",
    }

    act = forms.ChoiceField(choices=[(name, name) for name in ACTS])
    name = forms.CharField(max_length=512, strip=True)
    # What the hint said while the alias was typed: the alias, a slash (no alias has one), and who holds it.
    seen = forms.CharField(max_length=1024, required=False)

    def seen_at(self) -> str | Keep | None:
        """Where the person saw the alias: at a version, None for a free one, KEEP when nobody was told."""
        name, told, holder = self.cleaned_data["seen"].partition("/")
        return (holder or None) if told and name == self.cleaned_data["name"] else KEEP


class TtlForm(ServiceForm):
    """Inherit, after N days, or never."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_ttl": "days", "ttl_out_of_bounds": "days"}

    kind = forms.ChoiceField(choices=[("inherit", "Inherit"), ("days", "After"), ("never", "Never")])
    # Which lengths are allowed is for the service to say.
    days = forms.DecimalField(required=False, max_digits=15, decimal_places=6)

    @classmethod
    def of(cls, version: Version) -> dict[str, Any]:
        """What the form shows of a version."""
        if version.ttl_seconds is not None:
            return {"kind": "days", "days": in_days(version.ttl_seconds)}
        return {"kind": version.ttl_kind, "days": 30}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("kind") == "days" and given.get("days") is None and "days" not in self.errors:
            self.add_error("days", "Say after how many days, as a number.")
        return given

    def given(self) -> dict[str, Any]:
        kind = self.cleaned_data["kind"]
        return {"ttl": round(self.cleaned_data["days"] * DAY) if kind == "days" else kind}


class VersionTtlForm(TtlForm, GuardedForm):
    """The same for one version that is there: what would go at once goes only when that was confirmed."""

    confirmed = forms.BooleanField(required=False)
    # Whether the page asks for that.
    asks = False

    def __init__(self, *args: Any, version: Version, **kwargs: Any) -> None:
        now = {"ttl": version.ttl_seconds or version.ttl_kind}
        super().__init__(*args, now=now, initial=self.of(version), **kwargs)
        self.created_at = version.created_at

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        seconds = (given.get("days") or 0) * DAY if given.get("kind") == "days" else 0
        age = (now() - self.created_at).total_seconds()
        self.asks = 0 < seconds <= age and not given.get("confirmed")
        if self.asks:
            self.add_error(
                "days", "It is older than that: it would go to the trash at once, with all its aliases."
            )
        return given
