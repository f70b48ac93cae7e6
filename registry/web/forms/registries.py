"""Making registries, their settings and members; linking versions."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from registry.models import Project, Registry, RegistryRole
from registry.web.forms.base import GuardedForm, ServiceForm, SettingsForm, area, text
from registry.web.forms.collections import split

_VISIBILITY = [
    (Project.Visibility.ORGANIZATION, "Open to the organization: its people may look and download"),
    (Project.Visibility.PRIVATE, "Private to its members and to admins of the organization"),
]
_ERRORS = {
    "invalid_name": "name",
    "name_taken": "name",
    "invalid_type": "accepted_types",
    "conflict": "accepted_types",
}
_NAME = "Scripts call it wandb-registry- and this name."
_TYPES = "Separated by commas, such as model. Empty: any type."


def _icon() -> forms.ChoiceField:
    return forms.ChoiceField(label="Icon", choices=Registry.Icon.choices, widget=forms.Select)


def _visibility() -> forms.ChoiceField:
    return forms.ChoiceField(label="Who sees it", choices=_VISIBILITY, widget=forms.Select)


class RegistryForm(ServiceForm):
    """A new registry."""

    errors_on: ClassVar[dict[str, str]] = _ERRORS

    name = text("Name", autofocus=True, help_text=_NAME)
    description = text("Description", required=False)
    accepted_types = text("Types it takes", required=False, help_text=_TYPES)
    icon = _icon()
    visibility = _visibility()

    def given(self) -> dict[str, Any]:
        return {**self.cleaned_data, "accepted_types": split(self.cleaned_data["accepted_types"])}


class RegistrySettingsForm(SettingsForm):
    """The settings of a registry."""

    errors_on: ClassVar[dict[str, str]] = _ERRORS

    name = text("Name", help_text="Scripts and links that use the old name will not find it any more.")
    description = area("Description", rows=4)
    accepted_types = text("Types it takes", required=False, help_text=_TYPES)
    icon = _icon()
    visibility = _visibility()

    def given(self) -> dict[str, Any]:
        given = super().given()
        if "accepted_types" in given:
            given["accepted_types"] = split(given["accepted_types"])
        return given


class CardTemplateForm(GuardedForm):
    """What cards in a registry begin with, and the sections that each must have."""

    text = area(
        "Template", kind="card-text", rows=14, help_text="Markdown. Cards that are still empty open with it."
    )
    required = area(
        "Required sections",
        rows=6,
        help_text="Headings, one a line. A card lacks those that it doesn't have, or under which nothing is said.",
    )

    def __init__(self, *args: Any, now: dict[str, Any], **kwargs: Any) -> None:
        shown = {**now, "required": "\n".join(now["required"])}
        super().__init__(*args, now=now, initial=shown, **kwargs)

    def look_again(self, field: str, now: Any) -> None:
        super().look_again(field, now)
        self.theirs = "\n".join(now) if isinstance(now, list) else now

    def given(self) -> dict[str, Any]:
        # Browsers send CRLF; a card is kept as scripts write it.
        required = [line.strip() for line in self.cleaned_data["required"].splitlines()]
        text = self.cleaned_data["text"].replace("\r\n", "\n")
        return {"text": text, "required": [line for line in required if line]}


class RegistryMemberForm(ServiceForm):
    """A person or a team and their role; for who has one already, a change of it."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_input": "username"}
    ROLES: ClassVar[list[tuple[str, str]]] = list(RegistryRole.choices)

    username = text("User name", required=False, autocapitalize="none", spellcheck="false")
    team = text("Or a team", required=False, autocapitalize="none", spellcheck="false")
    role = forms.ChoiceField(
        label="Role", choices=RegistryRole.choices, initial=RegistryRole.VIEWER, widget=forms.Select
    )


class LinkForm(ServiceForm):
    """Where a version is linked to, and the aliases that it has there."""

    errors_on: ClassVar[dict[str, str]] = {
        "invalid_alias": "aliases",
        "in_use": "aliases",
        "not_found": "target_path",
    }

    target_path = text(
        "Portfolio",
        mono=True,
        help_text="wandb-registry-name/portfolio, or a portfolio of your project. It is made when it is missing.",
    )
    aliases = text("Aliases there", required=False, help_text="Separated by commas. latest comes by itself.")

    def __init__(self, *args: Any, completes: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target_path"].widget.attrs["data-completes"] = completes

    def given(self) -> dict[str, Any]:
        return {**self.cleaned_data, "aliases": split(self.cleaned_data["aliases"])}
