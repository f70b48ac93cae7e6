"""Making projects and changing their settings."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from registry.models import Entity, Project
from registry.web.forms.base import ServiceForm, SettingsForm, area, text

_VISIBILITY = [
    (Project.Visibility.PRIVATE, "Private to its owner or team"),
    (Project.Visibility.ORGANIZATION, "Open to the organization: its people may look and download"),
]


def _visibility() -> forms.ChoiceField:
    return forms.ChoiceField(label="Who sees it", choices=_VISIBILITY, widget=forms.Select)


class ProjectForm(ServiceForm):
    """A new project in one of the entities where the person may make one."""

    errors_on: ClassVar[dict[str, str]] = {"forbidden": "entity"}

    name = text("Name", autofocus=True, help_text="Up to 128 characters, without / \\ # ? % and :")
    entity = forms.ChoiceField(label="Owner", widget=forms.Select)
    description = text("Description", required=False)
    visibility = _visibility()

    def __init__(self, *args: Any, entities: list[Entity], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entities = {entity.name: entity for entity in entities}
        choices: Any = self.fields["entity"]
        choices.choices = [(name, name) for name in self.entities]

    def given(self) -> dict[str, Any]:
        return {**self.cleaned_data, "entity": self.entities[self.cleaned_data["entity"]]}


class ProjectSettingsForm(SettingsForm):
    """A project's name, description and visibility."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_name": "name", "name_taken": "name"}

    name = text("Name", help_text="Scripts and links that use the old name will not find it any more.")
    description = area("Description", rows=4)
    visibility = _visibility()
