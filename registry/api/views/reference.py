"""The description of this API: for machines, and for people."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from rest_framework.request import Request

from registry.api import schema
from registry.api.base import Endpoint


class SchemaDocument(Endpoint):
    """The OpenAPI description."""

    public = True

    def get(self, request: Request) -> HttpResponse:
        """Answer the description, made once a process."""
        response = HttpResponse(_encoded(self.base_url), content_type="application/vnd.oai.openapi+json")
        response["Cache-Control"] = "public, max-age=300"
        return response


class Reference(Endpoint):
    """The reference page: every operation, rendered here, without a script or another host."""

    public = True

    def get(self, request: Request) -> HttpResponse:
        """Render the page."""
        document = json.loads(_encoded(self.base_url))
        context = {"groups": _groups(document), "base_url": self.base_url}
        response = render(self.http, "api/reference.html", context)
        # Its frame names who is signed in and their projects.
        response["Cache-Control"] = "private, no-store"
        return response


class ReferenceWithoutSlash(Endpoint):
    """The same address as it is often typed."""

    public = True

    def get(self, request: Request) -> HttpResponse:
        """Lead to the page."""
        return redirect("api:docs", permanent=True)


@lru_cache(maxsize=8)
def _encoded(base_url: str) -> bytes:
    return json.dumps(schema.document(base_url), indent=1, default=str).encode()


def _groups(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Operations by noun, with what a template can show without following references."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            body = told.get("requestBody", {}).get("content", {})
            shown = {
                "id": told["operationId"],
                "method": method.upper(),
                "path": path,
                "summary": told["summary"],
                "parameters": told.get("parameters", []),
                "body": [_body(document, kind, one["schema"]) for kind, one in body.items()],
                "answers": [_answer(document, status, one) for status, one in told["responses"].items()],
            }
            groups.setdefault(told["tags"][0], []).append(shown)
    return [{"name": name, "operations": found} for name, found in groups.items()]


def _resolve(document: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in found:
        here: Any = document
        for part in found["$ref"].removeprefix("#/").split("/"):
            here = here[part]
        found = here
    return found


def _body(document: dict[str, Any], kind: str, shape: dict[str, Any]) -> dict[str, Any]:
    shape = _resolve(document, shape)
    required = set(shape.get("required", []))
    fields = [
        {"name": name, "kind": _kind(one), "required": name in required}
        for name, one in shape.get("properties", {}).items()
    ]
    return {"content_type": kind, "fields": fields}


def _answer(document: dict[str, Any], status: str, told: dict[str, Any]) -> dict[str, Any]:
    content = told.get("content", {})
    names = [one["schema"].get("$ref", "").rpartition("/")[2] for one in content.values()]
    return {
        "status": status,
        "words": _resolve(document, told)["description"],
        "shape": names[0] if names else "",
        "error": "$ref" in told,
    }


def _kind(shape: dict[str, Any]) -> str:
    if "oneOf" in shape:
        return " or ".join(_kind(one) for one in shape["oneOf"])
    if "enum" in shape:
        return " | ".join(json.dumps(value) for value in shape["enum"])
    if shape.get("type") == "array":
        return f"list of {_kind(shape['items'])}"
    found = shape.get("type", "anything")
    return " or ".join(found) if isinstance(found, list) else str(found)
