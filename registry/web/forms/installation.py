"""Accounts, organizations and teams, as an admin of the installation makes them."""

from __future__ import annotations

from typing import ClassVar

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


class TeamForm(ServiceForm):
    """A new team in an organization."""

    errors_on: ClassVar[dict[str, str]] = {"not_found": "organization"}

    name = text("Name", autocapitalize="none", spellcheck="false", id="team-name")
    organization = text("Organization", autocapitalize="none", spellcheck="false", list="organizations")
