"""Metadata as rows of a form: each value with the keys that lead to it, written so that it is read back as it is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from strongroom.core.names import parse_json

from registry.errors import InvalidInput, InvalidQuery, RegistryError
from registry.services import filters

KINDS = [
    ("auto", "As it reads"),
    ("text", "Text"),
    ("number", "Number"),
    ("truth", "True or false"),
    ("null", "Null"),
    ("json", "List or object"),
]
# More would be no form any more, and more fields than a request may have.
MOST_ROWS = 300
_LARGEST = 256 * 1024
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
Path = tuple[str, ...]


@dataclass(slots=True)
class Row:
    """One value, as it is shown or was typed, and what is wrong with it."""

    key: str = ""
    # What a new row has: `12` is a number, `true` a truth value, and what is nothing else is a text.
    kind: str = "auto"
    value: str = ""
    error: str = ""
    # Whether the error is about the key.
    is_key_wrong: bool = False

    @property
    def is_blank(self) -> bool:
        """Tell whether this is a spare row that nobody used."""
        return not self.key.strip() and not self.value

    @property
    def is_long(self) -> bool:
        """Tell whether the value needs more than a line."""
        return "\n" in self.value or len(self.value) > 60


def fits(metadata: Mapping[str, Any]) -> bool:
    """Tell whether metadata is small and plain enough for a form."""
    found = list(islice(_leaves(metadata, ()), MOST_ROWS + 1))
    if len(found) > MOST_ROWS or len(json.dumps(metadata, ensure_ascii=False)) > _LARGEST:
        return False
    # A field of one line loses these.
    return not any({"\n", "\r"} & set(key) for path, _ in found for key in path)


def rows_of(metadata: Mapping[str, Any]) -> list[Row]:
    """Write metadata as rows."""
    return [Row(filters.write_path(path), *_shown(value)) for path, value in _leaves(metadata, ())]


def gather(rows: Sequence[Row]) -> dict[str, Any]:
    """Read metadata from rows; each that is wrong gets its sentence, and is left out."""
    found: dict[str, Any] = {}
    whole: set[Path] = set()
    for row in rows:
        if row.is_blank:
            continue
        try:
            path = _path(row.key)
            _check_place(found, whole, path)
        except InvalidInput as error:
            row.error, row.is_key_wrong = str(error), True
            continue
        try:
            value = _read(row.kind, row.value)
        except RegistryError as error:
            row.error, value = str(error), None
        # Also what is wrong takes its place: another row of that key is told so at once.
        whole.add(path)
        _put(found, path, value)
    return found


def _leaves(value: Mapping[str, Any], above: Path) -> Iterator[tuple[Path, Any]]:
    for key, below in value.items():
        if isinstance(below, dict) and below:
            yield from _leaves(below, (*above, key))
        else:
            yield (*above, key), below


def _shown(value: Any) -> tuple[str, str]:
    """The kind of a value, and its text."""
    if value is None:
        return "null", ""
    # A carriage return does not come back from a form as it was: as JSON it does.
    if isinstance(value, str) and "\r" not in value:
        return "text", value
    kind = "truth" if isinstance(value, bool) else "number" if isinstance(value, int | float) else "json"
    return kind, json.dumps(value, ensure_ascii=False)


def _path(text: str) -> Path:
    text = text.strip()
    if not text:
        raise InvalidInput("Give this value a key, or empty it to leave the row out.")
    try:
        return filters.read_path(text)
    except InvalidQuery:
        plain = tuple(step.strip() for step in text.split("."))
        if '"' in text or not all(plain):
            raise InvalidInput(
                "Write a key like train.epochs: a dot goes one level down. A key that has a dot itself, or is empty, "
                'stands in double quotes: "val.f1".'
            ) from None
        return plain


def _check_place(found: Mapping[str, Any], whole: set[Path], path: Path) -> None:
    """Refuse a key that stands there already, or lies inside of a value, or around others."""
    name = filters.write_path(path)
    if path in whole:
        raise InvalidInput(f"The key {name} stands twice. Keep one of them.")
    for depth in range(1, len(path)):
        if path[:depth] in whole:
            above = filters.write_path(path[:depth])
            raise InvalidInput(
                f"{above} has a value of its own in another row, so {name} can't be inside of it."
            )
    if _is_inside(found, path):
        raise InvalidInput(f"Other rows lie inside of {name}, so it can't have a value of its own.")


def _is_inside(found: Mapping[str, Any], path: Path) -> bool:
    here: Any = found
    for key in path:
        if not isinstance(here, dict) or key not in here:
            return False
        here = here[key]
    return True


def _put(found: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        found = found.setdefault(key, {})
    found[path[-1]] = value


def _read(kind: str, text: str) -> Any:
    text = text.replace("\r\n", "\n")
    if kind == "text":
        return text
    text = text.strip()
    if kind == "auto":
        return _as_it_reads(text)
    if kind == "null":
        if text:
            raise InvalidInput("Null has no value. Empty the field, or choose another kind.")
        return None
    if kind == "truth":
        if text.lower() not in ("true", "false"):
            raise InvalidInput("Write true or false.")
        return text.lower() == "true"
    if kind == "number":
        if not _NUMBER.fullmatch(text):
            raise InvalidInput("Write a number like 12, 0.5 or 1e-3, or choose Text to keep it as it is.")
        return parse_json(text)
    if kind == "json":
        return parse_json(text)
    raise InvalidInput("This kind is not offered. Choose one of the list.")


def _as_it_reads(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    return parse_json(text) if _NUMBER.fullmatch(text) else text
