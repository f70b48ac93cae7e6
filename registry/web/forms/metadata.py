"""Editing metadata: as JSON, or as rows of key, kind and value."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.http import QueryDict
from strongroom.core.names import check_metadata, parse_json

from registry.errors import InvalidInput, StrongroomError
from registry.web import leaves
from registry.web.forms.base import GuardedForm, area
from registry.web.leaves import Row
from registry.web.templatetags.words import as_json, plural

_SPARE = 1


class MetadataForm(GuardedForm):
    """Metadata as JSON; what is wrong is said with its line."""

    metadata = area("Metadata as JSON", kind="code", rows=24, spellcheck="false")

    def __init__(self, *args: Any, now: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, now={"metadata": now}, initial={"metadata": as_json(now)}, **kwargs)
        # What was typed, once it is understood: of another's change both are shown.
        self.mine: dict[str, Any] | None = None

    def clean_metadata(self) -> Any:
        try:
            self.mine = check_metadata(parse_json(self.cleaned_data["metadata"]))
        except StrongroomError as error:
            raise forms.ValidationError(str(error)) from None
        return self.mine

    def given(self) -> dict[str, Any]:
        return {"metadata": self.mine}


class RowsForm(GuardedForm):
    """Metadata as rows; what is wrong stands beside its row, and everything typed stays."""

    # No field of its own is shown: the rows are its value, and what concerns all of them is told under its name.
    metadata = forms.CharField(required=False, widget=forms.HiddenInput)
    kinds = leaves.KINDS

    def __init__(self, data: QueryDict | None = None, *, now: dict[str, Any]) -> None:
        super().__init__(data, now={"metadata": now})
        self.mine: dict[str, Any] | None = None
        self.rows = leaves.rows_of(now) if data is None else _typed(data)
        if data is None:
            self.rows += [Row() for _ in range(_SPARE)]

    def change_rows(self) -> Row | None:
        """Add or remove the row that a button asks for, judging none; return the row in which to go on."""
        self._errors, self.cleaned_data = ErrorDict(), {}
        if "add" in self.data:
            if len(self.rows) >= leaves.MOST_ROWS:
                self.add_error("metadata", f"A form takes {leaves.MOST_ROWS} rows. Edit the rest as JSON.")
                return None
            self.rows.append(Row())
            return self.rows[-1]
        at = self.data.get("remove", "")
        if at.isascii() and at.isdigit() and len(at) < 9 and int(at) < len(self.rows):
            del self.rows[int(at)]
        return None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        mine = leaves.gather(self.rows)
        wrong = sum(1 for row in self.rows if row.error)
        if wrong:
            self.add_error("metadata", f"{plural(wrong, 'row is,rows are')} not right. Nothing was saved.")
            return given
        try:
            self.mine = check_metadata(mine)
        except InvalidInput as error:
            self.add_error("metadata", str(error))
        return given

    def given(self) -> dict[str, Any]:
        return {"metadata": self.mine}


def _typed(data: QueryDict) -> list[Row]:
    """The rows of a form: three fields each, all of them sent."""
    keys, kinds, values = (data.getlist(name) for name in ("key", "kind", "value"))
    if not len(keys) == len(kinds) == len(values):
        raise InvalidInput("Each row has a key, a kind and a value. Open this page again, and save there.")
    return [Row(key, kind, value) for key, kind, value in zip(keys, kinds, values, strict=True)]
