"""The filters of lists, JSON in the form of MongoDB: those few that the client sends by itself, and no others."""

from __future__ import annotations

import json
from typing import Any

from registry.errors import InvalidQuery
from registry.wandb_api.values import parsed

_RUNS = {"state": "state", "jobType": "job_type", "job_type": "job_type", "user.username": "user"}
_STATES = {"running": "running", "finished": "finished", "failed": "failed", "crashed": "crashed"}


def run_filter(filters: str | None) -> dict[str, str]:
    """Read the filter of a list of runs."""
    found: dict[str, str] = {}
    for field, value in parsed(filters, noun="A filter").items():
        if field not in _RUNS or not isinstance(value, str):
            raise _unknown(field, _RUNS)
        found[_RUNS[field]] = _STATES.get(value, value) if field == "state" else value
    return found


def version_filter(filters: str | None) -> str:
    """Read the filter of a list of versions, as a search in our own words."""
    terms: list[str] = []
    for field, value in parsed(filters, noun="A filter").items():
        if field == "state" and value == "COMMITTED":
            continue
        if field in ("tags", "tag"):
            terms += [f"tag:{_quoted(name)}" for name in _all_of(value)]
        elif field in ("aliases", "alias"):
            terms += [f"alias:{_quoted(name)}" for name in _all_of(value)]
        else:
            raise _unknown(field, ("state", "tags", "aliases"))
    return " ".join(terms)


def _all_of(value: Any) -> list[str]:
    """Read one name, or `{"$all": […]}` of several."""
    if isinstance(value, dict) and value.keys() == {"$all"}:
        value = value["$all"]
    names = value if isinstance(value, list) else [value]
    if not names or not all(isinstance(name, str) for name in names):
        raise InvalidQuery('A name, or {"$all": [names]}, is what tags and aliases are filtered by here.')
    return names


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)


def _unknown(field: str, known: Any) -> InvalidQuery:
    return InvalidQuery(
        f'This server does not filter this list by "{field[:80]}". It knows, each with one value: {", ".join(known)}.',
        field=field[:80],
    )
