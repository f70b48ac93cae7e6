"""Making collections, and editing their card, tags and settings."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from strongroom.core.names import check_metadata, parse_json

from registry.errors import StrongroomError
from registry.web.forms.base import GuardedForm, ServiceForm, SettingsForm, TypedForm, area, text


class CollectionForm(ServiceForm):
    """A new, empty collection."""

    errors_on: ClassVar[dict[str, str]] = {
        "invalid_type": "type",
        "reserved_type": "type",
        "type_mismatch": "type",
    }

    name = text(
        "Name", autofocus=True, help_text="Letters, digits, “_”, “-” and “.”. Scripts call it by this name."
    )
    type = text(
        "Type", list="types", help_text="dataset, model, or a word of your own. All its versions have it."
    )
    description = area("Card", kind="card-text", help_text="Markdown. What is in it, where it comes from.")


class CardForm(GuardedForm):
    """A card in markdown."""

    description = area("Card", kind="card-text", rows=18)

    def __init__(self, *args: Any, now: str = "", **kwargs: Any) -> None:
        super().__init__(*args, now={"description": now}, initial={"description": now}, **kwargs)

    def begin(self, text: str) -> str:
        """Open with a text that nobody saved yet, and return it; what was seen stays what is saved."""
        self.initial["description"] = text
        return text

    def given(self) -> dict[str, Any]:
        # Browsers send CRLF; a card is kept as scripts write it.
        return {"description": _lines(self.cleaned_data["description"])}


class CollectionSettingsForm(SettingsForm):
    """A collection's name, type and tags."""

    errors_on: ClassVar[dict[str, str]] = {
        "invalid_tag": "tags",
        "invalid_type": "type",
        "reserved_type": "type",
        "invalid_name": "name",
        "name_taken": "name",
    }

    name = text("Name", help_text="Scripts that use the old name will not find it any more.")
    type = text("Type", list="types")
    tags = text("Tags", required=False, help_text="Separated by commas.")

    def given(self) -> dict[str, Any]:
        given = super().given()
        return {**given, "tags": split(given["tags"])} if "tags" in given else given


class NewVersionForm(ServiceForm):
    """What is said of a version that is logged in the browser: its script sends it, or the form itself."""

    errors_on: ClassVar[dict[str, str]] = {
        "invalid_type": "type",
        "reserved_type": "type",
        "type_mismatch": "type",
        "invalid_alias": "aliases",
        "invalid_tag": "tags",
        "invalid_metadata": "metadata",
    }

    collection = text("Collection", list="collections", help_text="A new name makes a new collection.")
    type = text("Type", list="types", help_text="dataset, model, or a word of your own.")
    description = area(
        "Card",
        kind="code",
        required=False,
        rows=4,
        help_text="Markdown. What is in it, where it comes from.",
    )
    metadata = area(
        "Metadata",
        kind="code",
        required=False,
        rows=4,
        spellcheck="false",
        help_text='A JSON object, such as {"accuracy": 0.97}.',
    )
    aliases = text("Aliases", required=False, help_text="Separated by commas.")
    tags = text("Tags", required=False, help_text="Separated by commas.")

    def clean_metadata(self) -> dict[str, Any]:
        """Read the JSON; empty is none."""
        typed = self.cleaned_data["metadata"]
        try:
            return check_metadata(parse_json(typed)) if typed.strip() else {}
        except StrongroomError as error:
            raise forms.ValidationError(str(error)) from None

    def given(self) -> dict[str, Any]:
        """Hand on lists as lists."""
        lists = {name: split(self.cleaned_data[name]) for name in ("aliases", "tags")}
        return {**self.cleaned_data, **lists}


class DeleteForm(ServiceForm):
    """A deletion; `delete_aliases` is asked for when there are any."""

    errors_on: ClassVar[dict[str, str]] = {"has_aliases": "delete_aliases"}

    delete_aliases = forms.BooleanField(required=False)
    # The aliases that the page named, as no alias contains a slash: what came since is asked about anew.
    seen_aliases = forms.CharField(required=False, strip=False, widget=forms.HiddenInput)

    def given(self) -> dict[str, Any]:
        """Confirmed is what was seen."""
        seen = [name for name in self.cleaned_data["seen_aliases"].split("/") if name]
        return {"delete_aliases": seen if self.cleaned_data["delete_aliases"] else False}


class TypedDeleteForm(TypedForm, DeleteForm):
    """A deletion that asks for the name of what goes."""


def split(text: str) -> list[str]:
    """Split a comma-separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n")
