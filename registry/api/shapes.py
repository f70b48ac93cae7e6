"""The shape of bodies and queries, written once: checked on the way in, and shown in the schema.

Shape only: what needs the database, or a rule of the registry, is the service's to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from strongroom.core.errors import InvalidInput, InvalidQuery

from registry.http import moments
from registry.http.body import read_json
from registry.services.seen import marks

Schema = dict[str, Any]
COMPONENTS: dict[str, Schema] = {}


def component(name: str, schema: Schema) -> Schema:
    """Put a schema among the components, and return the reference to it."""
    COMPONENTS[name] = schema
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be: its JSON Schema, the check of the same meaning, and both in words."""

    schema: Schema
    fits: Callable[[Any], bool]
    words: str


def _is_int(value: Any) -> bool:
    return type(value) is int  # bool is an int to Python, not to JSON


def text(most: int = 256, least: int = 0) -> Kind:
    """A text of a bounded length."""
    bounds = {"minLength": least, "maxLength": most} if least else {"maxLength": most}
    words = f"a text of {least} to {most} characters" if least else f"a text of at most {most} characters"
    return Kind({"type": "string", **bounds}, lambda v: type(v) is str and least <= len(v) <= most, words)


def integer(least: int = 0, most: int = 2**53) -> Kind:
    """A whole number in a range."""
    schema = {"type": "integer", "minimum": least, "maximum": most}
    return Kind(schema, lambda v: _is_int(v) and least <= v <= most, f"a whole number from {least} to {most}")


def one_of(*values: str) -> Kind:
    """One of a few words."""
    return Kind(
        {"type": "string", "enum": list(values)}, lambda v: v in values, f"one of {', '.join(values)}"
    )


def many(of: Kind, most: int, least: int = 0) -> Kind:
    """A list of values of one kind."""
    bounds = {"minItems": least, "maxItems": most} if least else {"maxItems": most}
    return Kind(
        {"type": "array", "items": of.schema, **bounds},
        lambda v: type(v) is list and least <= len(v) <= most and all(map(of.fits, v)),
        f"a list of {least} to {most}, each {of.words}",
    )


def nullable(kind: Kind) -> Kind:
    """The same, or null."""
    return Kind(
        {"oneOf": [kind.schema, {"type": "null"}]},
        lambda v: v is None or kind.fits(v),
        f"{kind.words}, or null",
    )


OBJECT = Kind({"type": "object"}, lambda v: type(v) is dict, "a JSON object")
FLAG = Kind({"type": "boolean"}, lambda v: type(v) is bool, "true or false")
NAME = text(128, least=1)
CARD = text(256 * 1024)
NAMES = many(NAME, 1000)
SHA256 = Kind(
    {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    lambda v: type(v) is str and len(v) == 64 and not set(v) - set("0123456789abcdef"),
    "64 lower-case hexadecimal digits",
)
TTL = Kind(
    {"oneOf": [{"type": "string", "enum": ["inherit", "never"]}, {"type": "integer", "minimum": 1}]},
    lambda v: v in ("inherit", "never") if type(v) is str else _is_int(v),
    '"inherit", "never", or a positive number of seconds',
)


@dataclass(frozen=True)
class Body:
    """The JSON object that a request carries."""

    name: str
    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)
    empty_ok: bool = False

    def __post_init__(self) -> None:
        kinds = {**self.required, **self.optional}
        component(
            self.name,
            {
                "type": "object",
                "properties": {name: kind.schema for name, kind in kinds.items()},
                "additionalProperties": False,
                **({"required": list(self.required)} if self.required else {}),
            },
        )

    def read(self, request: HttpRequest) -> dict[str, Any]:
        """Read the body: the known fields that were given, each of its kind; anything else is refused."""
        if (
            self.empty_ok
            and request.META.get("CONTENT_LENGTH") in (None, "", "0")
            and not _is_chunked(request)
        ):
            return {}
        return self.check(read_json(request))

    def check(self, data: Any) -> dict[str, Any]:
        """Judge an object that was read already."""
        if type(data) is not dict:
            raise InvalidInput("The body must be a JSON object.")
        for name in self.required:
            if name not in data:
                raise InvalidInput(f'The field "{name}" is missing.', field=name)
        for name, value in data.items():
            kind = self.required.get(name) or self.optional.get(name)
            if kind is None:
                known = ", ".join([*self.required, *self.optional]) or "none"
                raise InvalidInput(
                    f'There is no field "{name[:64]}" here; known are: {known}.', field=name[:64]
                )
            if not kind.fits(value):
                raise InvalidInput(f'The field "{name}" must be {kind.words}.', field=name)
        return data


@dataclass(frozen=True)
class Changes(Body):
    """A body that changes something: `seen` may say what its sender saw of the fields, so that no change is lost."""

    def __post_init__(self) -> None:
        super().__post_init__()
        kinds = {**self.required, **self.optional}
        COMPONENTS[self.name]["properties"]["seen"] = {
            "type": "object",
            "description": "What you saw of what you change: it is refused (409) when it is something else by now",
            "properties": {name: kind.schema for name, kind in kinds.items()},
            "additionalProperties": False,
        }

    def check(self, data: Any) -> dict[str, Any]:
        """Judge an object that was read already; of what was seen marks are handed on."""
        if type(data) is not dict or "seen" not in data:
            return super().check(data)
        seen = data.pop("seen")
        if not OBJECT.fits(seen):
            raise InvalidInput(f'The field "seen" must be {OBJECT.words}.', field="seen")
        strangers = [name for name in seen if name not in self.required and name not in self.optional]
        if strangers:
            raise InvalidInput(f'There is no field "{strangers[0][:64]}" to be seen here.', field="seen")
        return super().check(data) | {"seen": marks(seen)}


def _is_chunked(request: HttpRequest) -> bool:
    return bool(request.META.get("HTTP_TRANSFER_ENCODING"))


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a query."""

    name: str
    schema: Schema
    words: str
    required: bool = False
    place: str = "query"

    def document(self) -> Schema:
        """Describe it for OpenAPI."""
        return {
            "name": self.name,
            "in": self.place,
            "required": self.required,
            "description": self.words,
            "schema": self.schema,
        }


def search_in(what: str, longest: int = 256) -> Param:
    """The parameter `q`, which every list has that one searches."""
    return Param("q", {"type": "string", "maxLength": longest}, f"Only with this text in {what}")


def narrowed_to(name: str, what: str) -> Param:
    """A text that must be matched whole."""
    return Param(name, {"type": "string", "maxLength": 256}, f"Only {what}")


def choice(name: str, what: str, *known: str) -> Param:
    """A filter of a few words."""
    return Param(name, {"type": "string", "enum": list(known)}, f"Only {what}")


def words_of(query: Mapping[str, Any], *names: str, longest: int = 256) -> dict[str, str]:
    """Read the text filters that were given, under their own names."""
    found = {name: query[name] for name in names if query.get(name)}
    for name, value in found.items():
        if len(value) > longest:
            raise InvalidQuery(f"{name} must have at most {longest} characters.", field=name)
    return found


def choice_of(query: Mapping[str, Any], name: str, *known: str) -> dict[str, str]:
    """Read a filter of a few words, under its own name, when it was given."""
    value = query.get(name)
    if not value:
        return {}
    if value not in known:
        raise InvalidQuery(f"{name} must be one of {', '.join(known)}.", field=name)
    return {name: value}


def moments_of(query: Mapping[str, Any], *names: str) -> dict[str, datetime]:
    """Read the points in time that were given, under their own names, in UTC."""
    return {name: _moment(name, query[name]) for name in names if query.get(name)}


def _moment(name: str, text: str) -> datetime:
    try:
        return moments.read(text)
    except ValueError:
        raise InvalidQuery(
            f"{name} must be a date and time with its offset, such as 2030-01-31T00:00:00Z.", field=name
        ) from None


def flag_of(query: Mapping[str, Any], name: str) -> bool:
    """Read `true` or `false`; not given is false."""
    value = query.get(name, "false").lower()
    if value not in ("true", "false", "1", "0"):
        raise InvalidQuery(f"{name} must be true or false.", field=name)
    return value in ("true", "1")


def needed(query: Mapping[str, Any], name: str) -> str:
    """Read a parameter that can't be left out."""
    value = query.get(name)
    if value is None:
        raise InvalidQuery(f"The query needs the parameter {name}: add it.", field=name)
    return str(value)
