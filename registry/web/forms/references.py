"""References that the server is to resolve, as rows of a form or alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.http import QueryDict
from strongroom.core.references.base import MAX_OBJECTS

from registry.services.form_logs import Wanted
from registry.web.forms.base import ServiceForm, text

# Empty rows of a form that has none typed, and all that one may have.
_FIRST, MOST = 1, 50


class ReferenceForm(ServiceForm):
    """One reference; left wholly empty it is none."""

    errors_on: ClassVar[dict[str, str]] = {"invalid_path": "name", "invalid_input": "name"}

    uri = text(
        "URI",
        mono=True,
        help_text="Such as s3://bucket/prefix, gs://…, https://…, file:///…; below a prefix all objects are taken.",
    )
    name = text(
        "Path in the artifact", mono=True, required=False, help_text="A folder, where it is a prefix."
    )
    max_objects = forms.IntegerField(
        label="At most",
        required=False,
        min_value=1,
        max_value=MAX_OBJECTS,
        widget=forms.NumberInput({"class": "input num", "placeholder": f"{MAX_OBJECTS:,}"}),
        help_text="objects; more are refused.",
    )
    checksum = forms.ChoiceField(
        label="Checksums",
        choices=[("look", "Look there, and record them"), ("none", "Record the URI alone")],
        required=False,
        initial="look",
        widget=forms.Select({"class": "select"}),
    )

    def __init__(self, *args: Any, in_rows: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["uri"].required = not in_rows
        self.fields["uri"].max_length = self.fields["name"].max_length = 8192  # type: ignore[attr-defined]  # of text fields

    def clean_uri(self) -> str:
        """It may be left out of a row of which nothing is typed, and of no other."""
        typed: str = self.cleaned_data["uri"]
        if not typed:
            raise forms.ValidationError("A reference needs a URI. Fill it in.")
        return typed

    @property
    def is_empty(self) -> bool:
        """Say whether nothing was typed."""
        return not any((self[name].value() or "").strip() for name in ("uri", "name", "max_objects"))

    def given(self) -> dict[str, Any]:
        """Hand on what was typed; a limit that is left out is that of all."""
        looks, most = self.cleaned_data["checksum"] != "none", self.cleaned_data["max_objects"]
        return {**self.cleaned_data, "checksum": looks, "max_objects": most or MAX_OBJECTS}


class Rows:
    """Several of them under one form; a button adds another row, and nothing typed is lost by it."""

    def __init__(self, data: QueryDict | None = None) -> None:
        count = _FIRST if data is None else _count(data)
        if data is not None and "more" in data:
            # What was typed comes back, and is not judged yet.
            self.forms = [_again(data, f"r{number}") for number in range(min(count + 1, MOST))]
        else:
            self.forms = [ReferenceForm(data, prefix=f"r{number}", in_rows=True) for number in range(count)]
        self.blank = ReferenceForm(prefix="r__", in_rows=True)
        self.most = MOST

    def typed(self) -> Sequence[ReferenceForm]:
        """Return those in which something is typed."""
        return [form for form in self.forms if not form.is_empty]

    def is_valid(self) -> bool:
        """Judge each for itself."""
        judged = [form.is_valid() for form in self.typed()]
        return all(judged)

    def wanted(self) -> list[Wanted]:
        """Return what they ask for."""
        return [Wanted(**form.given()) for form in self.typed()]


def _again(data: QueryDict, prefix: str) -> ReferenceForm:
    typed = {
        name: data[f"{prefix}-{name}"] for name in ReferenceForm.base_fields if f"{prefix}-{name}" in data
    }
    return ReferenceForm(prefix=prefix, initial=typed, in_rows=True)


def _count(data: QueryDict) -> int:
    given = data.get("rows", "")
    return (
        max(_FIRST, min(int(given), MOST))
        if given.isascii() and given.isdigit() and len(given) < 4
        else _FIRST
    )
