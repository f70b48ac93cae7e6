"""The OpenAPI description: made by drf-spectacular's generator from what each view says of itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from strongroom.core.errors import by_code

from registry.api.shapes import COMPONENTS, Body, Param, Schema, component

F = TypeVar("F", bound=Callable[..., Any])
JSON = "application/json"
NDJSON = "application/x-ndjson"
BUNDLE = "application/vnd.strongroom.bundle"
BYTES = "application/octet-stream"
BINARY: Schema = {"type": "string", "format": "binary"}

ERROR = component(
    "Error",
    {
        "type": "object",
        "description": "What every error looks like. `code` is stable; `message` says what to do.",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string", "enum": sorted(by_code())},
                    "message": {"type": "string"},
                    "details": {"type": "object"},
                },
                "required": ["code", "message", "details"],
                "additionalProperties": False,
            }
        },
        "required": ["error"],
        "additionalProperties": False,
    },
)
# What any request may be answered, and what those with a body, or that change something, may be besides.
_ALWAYS = (400, 401, 403, 404, 405, 429, 500, 503)
_WITH_BODY = (409, 411, 413, 415, 507)
_WORDS = {
    400: "The request is wrong, whatever the server's state",
    401: "Nobody is signed in, or the key is unknown, revoked or expired",
    403: "You may see it, but not do this; the message names the role that may",
    404: "Not there, or not for you to see",
    405: "The address does not take this method",
    409: "Right in itself, but not in the state that things are in",
    410: "It was deleted; the details say whether it can be restored",
    411: "The body has no length",
    413: "Too large",
    415: "A content type or encoding that is not read here",
    416: "The range lies outside the content",
    429: "Too many requests; wait",
    500: "The server failed, or found stored bytes damaged",
    503: "Busy; try again in a moment",
    507: "The disk is full (of an upload, what arrived is kept), or the team's limit is reached",
}


@dataclass(frozen=True)
class Operation:
    """What one method of one view takes and answers."""

    summary: str
    answers: dict[int, Schema | None]
    query: Sequence[Param] = ()
    body: Body | None = None
    stream: str = ""
    errors: tuple[int, ...] = ()
    content_type: str = JSON
    # Where the query chooses the form of the answer: the other content types, with their shapes.
    other_types: dict[str, Schema] = field(default_factory=dict)
    conditional: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def document(self) -> Schema:
        """Describe it for OpenAPI."""
        described: Schema = {"summary": self.summary, "responses": self._responses()}
        if self.query:
            described["parameters"] = [param.document() for param in self.query]
        if self.body is not None:
            schema = {"$ref": f"#/components/schemas/{self.body.name}"}
            described["requestBody"] = {
                "required": not self.body.empty_ok,
                "content": {JSON: {"schema": schema}},
            }
        elif self.stream:
            described["requestBody"] = {"required": True, "content": {self.stream: {"schema": BINARY}}}
        return described

    def _responses(self) -> Schema:
        found: Schema = {}
        for status, schema in self.answers.items():
            found[str(status)] = {"description": _reason(status)}
            if schema is not None:
                kinds = {self.content_type: schema, **self.other_types}
                found[str(status)]["content"] = {kind: {"schema": one} for kind, one in kinds.items()}
        if self.conditional:
            found["304"] = {"description": "Nothing changed since the ETag that was sent"}
        extra = _WITH_BODY if self.body is not None or self.stream else ()
        for status in sorted({*_ALWAYS, *extra, *self.errors}):
            found[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
        return found


def _reason(status: int) -> str:
    return {
        200: "Done",
        201: "Made",
        202: "Begun; a worker goes on with it",
        204: "Done; nothing to tell",
        206: "The range",
    }[status]


def operation(summary: str, answers: dict[int, Schema | None], **more: Any) -> Callable[[F], F]:
    """Describe a view's method, beside its code."""

    def mark(method: F) -> F:
        method.operation = Operation(summary, answers, **more)  # type: ignore[attr-defined]
        return method

    return mark


def page_of(item: Schema, name: str) -> Schema:
    """Describe a page of a list."""
    return component(
        name,
        {
            "type": "object",
            "properties": {
                "results": {"type": "array", "items": item},
                "next": {
                    "type": ["string", "null"],
                    "description": "The cursor of the next page; null at the end",
                },
            },
            "required": ["results", "next"],
            "additionalProperties": False,
        },
    )


LIMIT = Param("limit", {"type": "integer", "minimum": 1, "maximum": 200}, "How many (50 when not given)")
LISTING = (
    LIMIT,
    Param("cursor", {"type": "string", "maxLength": 1024}, "`next` of the page before"),
)


def ordering(known: dict[str, Any]) -> Param:
    """Describe `order` from the same map that reads it."""
    return Param(
        "order", {"type": "string", "enum": list(known)}, f"How to sort ({next(iter(known))} when not given)"
    )


class Described(AutoSchema):
    """Reads the description that `operation` left on the method."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Schema | None:
        """Return the OpenAPI operation of a method; None leaves it out."""
        told: Operation | None = getattr(getattr(self.view, method.lower(), None), "operation", None)
        if told is None:
            return None
        noun = type(self.view).__module__.rpartition(".")[2]
        described = told.document()
        described["operationId"] = f"{type(self.view).__name__}_{method.lower()}"
        described["tags"] = [noun]
        described["parameters"] = [*_path_parameters(path), *described.get("parameters", [])]
        described["security"] = [{"bearer": []}, {"basic": []}, {"session": []}]
        if getattr(self.view, "public", False):
            described["security"].append({})
        return described


def _path_parameters(path: str) -> list[Schema]:
    numbers = {"number", "key_id"}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "integer", "minimum": 0}
            if name in numbers
            else {"type": "string", "minLength": 1},
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def document(base_url: str) -> Schema:
    """Return the whole description."""
    made: Schema = SchemaGenerator().get_schema(request=None, public=True)
    made["openapi"] = "3.1.0"
    made["info"] = {
        "title": "Strongroom",
        "version": "1",
        "description": "The registry of machine-learning artifacts. Every list takes `limit` and `cursor`; "
        "every error has one body.",
    }
    made["servers"] = [{"url": base_url}]
    made["components"] = {
        "schemas": dict(sorted(COMPONENTS.items())),
        "responses": {
            f"Error{status}": {"description": words, "content": {JSON: {"schema": ERROR}}}
            for status, words in _WORDS.items()
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "An API key"},
            "basic": {
                "type": "http",
                "scheme": "basic",
                "description": "Any user name, the API key as password",
            },
            "session": {"type": "apiKey", "in": "cookie", "name": "strongroom-session"},
        },
    }
    return made
