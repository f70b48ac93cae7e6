"""What is done to several versions at once."""

from __future__ import annotations

from typing import Any, ClassVar

from registry.web.forms.base import ServiceForm, text
from registry.web.forms.collections import DeleteForm, split
from registry.web.forms.versions import TtlForm


class TagsForm(ServiceForm):
    """Tags that all of them get, and tags that none of them keeps."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_tag": "add"}

    add = text("Add tags", required=False, autofocus=True, help_text="Separated by commas.")
    remove = text("Remove tags", required=False, list="held-tags", help_text="Separated by commas.")

    def given(self) -> dict[str, Any]:
        return {name: split(value) for name, value in self.cleaned_data.items()}


class AliasForm(ServiceForm):
    """An alias for the one version that was chosen."""

    name = text("Alias", autofocus=True, help_text="Who held it before loses it.")


class ManyTtlForm(TtlForm):
    """Inherit, after N days, or never."""


class ManyDeleteForm(DeleteForm):
    """A deletion of several versions."""
