"""Events as doors hand them out: as plain records, and a whole list as a file, written while it is read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from registry.http import cells, moments, streams
from registry.models import Event, EventSeal, Version
from registry.services import event_names
from registry.services.audit import Rows
from registry.services.event_names import Names

# As many events are in memory at a time.
_BATCH = 500
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, sort_keys=True).encode
COLUMNS = (
    "id", "at", "act", "actor", "entity", "project", "collection", "version", "subject", "before", "after",
    "door", "address", "key_prefix", "position", "hash", "digest",
)  # fmt: skip
# Only for who may audit: a digest would let others guess the address, and see that they are right.
ORIGIN = ("address", "key_prefix", "digest", "position", "hash")


def records(rows: Sequence[Event], *, origin: bool) -> list[dict[str, Any]]:
    """Represent events; `origin` says that the reader may see from where they came, and their place in the chain."""
    names = event_names.names_of(rows)
    seals = event_names.seals_of(rows) if origin else {}
    return [_record(row, names) | _origin(row, seals, origin) for row in rows]


def _record(row: Event, names: Names) -> dict[str, Any]:
    number = names.numbers.get((row.collection_id or 0, row.version_id or 0))
    return {
        "id": row.pk,
        "at": moments.write(row.at),
        "act": row.act,
        "actor": row.actor_name,
        "door": row.door,
        "entity": names.entities.get(row.entity_id or 0),
        "project": names.projects.get(row.project_id or 0),
        "collection": names.collections.get(row.collection_id or 0),
        "version": None if number is None else f"v{number}",
        "version_id": _public_id(row.version_id),
        "taken_from": _public_id(row.taken_from_id),
        "subject": row.subject,
        "before": row.before,
        "after": row.after,
    }


def _origin(row: Event, seals: Mapping[int, EventSeal], shown: bool) -> dict[str, Any]:
    if not shown:
        return dict.fromkeys(ORIGIN)
    seal = seals.get(row.pk)
    return {
        "address": row.address,
        "key_prefix": row.key_prefix,
        "digest": bytes(row.digest).hex(),
        "position": seal and seal.position,
        "hash": seal and bytes(seal.hash).hex(),
    }


def _public_id(version: int | None) -> str | None:
    return None if version is None else Version(pk=version).public_id


def as_csv(rows: Rows) -> Iterator[bytes]:
    """Write a list as CSV, newest first; before and after are JSON."""
    yield _lines([COLUMNS])
    for batch in _batches(rows):
        yield _lines([[_cell(name, each[name]) for name in COLUMNS] for each in batch])


def as_json_lines(rows: Rows) -> Iterator[bytes]:
    """Write a list as JSON, a line for each event, newest first."""
    for batch in _batches(rows):
        yield "".join(f"{_encode(each)}\n" for each in batch).encode()


KINDS: dict[str, tuple[str, Callable[[Rows], Iterator[bytes]]]] = {
    "csv": ("text/csv; charset=utf-8", as_csv),
    "jsonl": ("application/x-ndjson", as_json_lines),
}


def download(request: HttpRequest, rows: Rows, name: str, kind: str) -> HttpResponseBase:
    """Answer a list of events as a file for who may audit it."""
    content_type, write = KINDS[kind]
    response = streams.stream(request, write(rows), content_type)
    file = f"audit-{name}-{timezone.now():%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


def _batches(rows: Rows) -> Iterator[list[dict[str, Any]]]:
    """Walk from the newest event on: what comes meanwhile changes nothing."""
    rest = rows.order_by("-id")
    while batch := list(rest[:_BATCH]):
        yield records(batch, origin=True)
        rest = rows.order_by("-id").filter(Q(id__lt=batch[-1].pk))


def _cell(name: str, value: Any) -> Any:
    if name in ("before", "after") and value is not None:
        value = _encode(value)
    return cells.safe(value) if isinstance(value, str) else value


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue().encode()
