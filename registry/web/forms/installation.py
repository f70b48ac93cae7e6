"""Accounts, organizations and teams, as an admin of the installation makes them."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from registry.web.forms.base import ServiceForm, text


class PersonForm(ServiceForm):
    """An account without a password: its owner chooses one by a link."""

    errors_on: ClassVar[dict[str, str]] = {"name_taken": "username"}

    username = text("User name", autocapitalize="none", spellcheck="false",
                    help_text="The address of their own projects begins with it; it stays.")  # fmt: skip
    full_name = text("Full name", required=False)
    email = text("E-mail", required=False, inputmode="email")


class OrganizationForm(ServiceForm):
    """A new organization."""

    name = text("Name", autocapitalize="none", spellcheck="false", id="organization-name")


class QuotaForm(ServiceForm):
    """The limits of a team, in GB; nothing takes that of the installation, 0 is without limit."""

    soft = forms.DecimalField(
        label="Warn near, in GB", required=False, min_value=0, max_value=10**9, decimal_places=6,
        help_text="Pages of the team warn near this much.",
    )  # fmt: skip
    hard = forms.DecimalField(
        label="Refuse beyond, in GB", required=False, min_value=0, max_value=10**9, decimal_places=6,
        help_text="What would pass this is refused before its bytes are sent.",
    )  # fmt: skip

    @staticmethod
    def showing(soft: int | None, hard: int | None) -> dict[str, str]:
        """What the fields show of what is set."""
        found = {"soft": soft, "hard": hard}
        return {
            name: f"{value / 10**9:.6f}".rstrip("0").rstrip(".")
            for name, value in found.items()
            if value is not None
        }

    def given(self) -> dict[str, int | None]:
        return {
            name: None if value is None else int(value * 10**9) for name, value in self.cleaned_data.items()
        }


class TeamForm(ServiceForm):
    """A new team in an organization."""

    errors_on: ClassVar[dict[str, str]] = {"not_found": "organization"}

    name = text("Name", autocapitalize="none", spellcheck="false", id="team-name")
    organization = text("Organization", autocapitalize="none", spellcheck="false", list="organizations")
