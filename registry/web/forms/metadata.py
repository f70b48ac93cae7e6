"""Metadata as JSON, and as a form: a row for each value, with the keys that lead to it and its kind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from strongroom.core.names import parse_json

from registry.errors import InvalidInput, InvalidQuery, StrongroomError
from registry.services.filters import read_path, write_path
from registry.web.forms.base import SeenForm, area

# Beyond that many rows the JSON is easier to find one's way in, and a form would take long to send.
MOST_ROWS = 200
_SPARE, _LONGEST = 3, 100_000
KINDS = (
    ("text", "Text"),
    ("number", "Number"),
    ("boolean", "True or false"),
    ("null", "Nothing"),
    ("json", "JSON"),
)


@dataclass(slots=True)
class Row:
    """What stands in one row; `error` says what is wrong with it, `on` in which of its fields."""

    key: str = ""
    kind: str = "text"
    value: str = ""
    error: str = ""
    on: str = ""

    @property
    def is_blank(self) -> bool:
        """A row that was left empty says nothing."""
        return not self.key and not self.value

    def read(self) -> Any:
        """Return the value; InvalidInput says what is wrong with how it is written."""
        if self.kind == "text":
            return self.value
        if self.kind == "null":
            return None
        try:
            [(_, found)] = parse_json(f'{{"value": {self.value}}}').items()
        except (InvalidInput, ValueError):
            raise InvalidInput(_WRITTEN[self.kind]) from None
        fits = {
            "number": isinstance(found, int | float) and not isinstance(found, bool),
            "boolean": isinstance(found, bool),
            "json": True,
        }
        if not fits[self.kind]:
            raise InvalidInput(_WRITTEN[self.kind])
        return found


_WRITTEN = {
    "number": "This is no number. Write it like 12, -0.5 or 1e-3.",
    "boolean": "Write true or false.",
    "json": 'This is no JSON. Write it like [1, 2] or {"a": "b"}.',
}


def rows_of(metadata: dict[str, Any]) -> list[Row] | None:
    """Return a row for each value; None where JSON serves better: too many, or keys that a row can't write."""
    rows: list[Row] = []
    for path, value in _leaves(metadata, ()):
        written = write_path(path)
        try:
            if len(rows) == MOST_ROWS or read_path(written) != path:
                return None
        except InvalidQuery:
            return None
        rows.append(_row(written, value))
    return rows


def _leaves(inside: dict[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in inside.items():
        if isinstance(value, dict) and value and len(above) < _DEEPEST:
            yield from _leaves(value, (*above, key))
        else:
            yield (*above, key), value


# What lies deeper stands as JSON in its row.
_DEEPEST = 20


def _row(key: str, value: Any) -> Row:
    if isinstance(value, str):
        return Row(key, "text", value)
    if value is None:
        return Row(key, "null")
    kind = "boolean" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "json"
    return Row(key, kind, json.dumps(value, ensure_ascii=False))


class _Metadata(SeenForm):
    replaces = "metadata"

    def meanwhile(self) -> str:
        return "Somebody else changed the metadata meanwhile. Save again to replace theirs with yours."


class MetadataForm(_Metadata):
    """Metadata as JSON; what is wrong is said with its line."""

    metadata = area("Metadata as JSON", kind="code", rows=24, spellcheck="false")

    def __init__(self, *args: Any, now: str, **kwargs: Any) -> None:
        super().__init__(*args, now=now, initial={"metadata": now}, **kwargs)

    def clean_metadata(self) -> Any:
        text = self.cleaned_data["metadata"]
        try:
            return parse_json(text)
        except StrongroomError as error:
            raise forms.ValidationError(str(error)) from None


class MetadataRowsForm(_Metadata):
    """The rows, and what they come to as metadata. Without script, `add` and `remove` bring it back changed."""

    # Filled by the rows; a rule about the whole is told beside it.
    metadata = forms.JSONField(required=False)

    def __init__(self, data: QueryDict | None, *, now: str, rows: list[Row]) -> None:
        super().__init__(data, now=now)
        self.rows = rows if data is None else _posted(data)
        self.spare = _SPARE

    @property
    def only_asks(self) -> bool:
        """Tell whether a button was pressed that changes the rows on the page, and saves nothing."""
        return "add" in self.data or "remove" in self.data

    def rearrange(self) -> None:
        """Do what the button says."""
        gone = str(self.data.get("remove", ""))
        if gone.isascii() and gone.isdigit() and len(gone) < 6:
            self.rows = [row for at, row in enumerate(self.rows) if at != int(gone)]
        else:
            self.spare = 2 * _SPARE

    def shown(self) -> list[Row]:
        """The rows of the page, with some to fill in."""
        filled = [row for row in self.rows if not row.is_blank or row.error]
        return filled + [Row() for _ in range(self.spare)]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        found: dict[str, Any] = {}
        for row in self.rows:
            if not row.is_blank:
                self._put(found, row)
        if any(row.error for row in self.rows):
            self.add_error("metadata", "Some rows need another look.")
        given["metadata"] = found
        return given

    def _put(self, found: dict[str, Any], row: Row) -> None:
        """Put the row's value to where its keys lead, or say in the row why not."""
        try:
            path = read_path(row.key)
        except InvalidQuery:
            row.on, row.error = "key", 'Write keys like train.epochs; one with odd characters like "val f1".'
            return
        try:
            value = row.read()
        except InvalidInput as error:
            row.on, row.error = "value", str(error)
            return
        inside = found
        for step in path[:-1]:
            inside = inside.setdefault(step, _Group())
            if not isinstance(inside, _Group):
                row.on, row.error = "key", "Another row gives a value to the first part of these keys."
                return
        if path[-1] in inside:
            row.on, row.error = "key", "Another row has this key already."
            return
        inside[path[-1]] = value


class _Group(dict[str, Any]):
    """What rows made, and not a value that one of them has."""


def _posted(data: QueryDict) -> list[Row]:
    kinds = dict(KINDS)
    listed = zip(data.getlist("key"), data.getlist("kind"), data.getlist("value"), strict=False)
    return [
        Row(key.strip(), kind if kind in kinds else "text", value.replace("\r\n", "\n")[:_LONGEST])
        for key, kind, value in listed
    ]
