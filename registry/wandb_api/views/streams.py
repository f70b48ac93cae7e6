"""What a run says while it goes on: that it is alive, its summary, and how it ended."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase

from registry.errors import InvalidInput
from registry.http.body import read_json
from registry.services import projects, runs
from registry.wandb_api.values import summary_in
from registry.wandb_api.views.guard import by_key, guarded

# Lines of history and of the console come along, many at once.
BODY_LIMIT = 64 * 1024 * 1024
_SUMMARY = "wandb-summary.json"


@guarded("POST")
def file_stream(request: HttpRequest, entity: str, project: str, run: str) -> HttpResponseBase:
    """Keep the summary and the end of a run; history and output are taken, and not kept."""
    context = by_key(request)
    body = read_json(request, BODY_LIMIT)
    if not isinstance(body, dict):
        raise InvalidInput("Send a JSON object.")
    found = runs.find(context.actor, projects.find(context.actor, entity, project), run)
    wanted = _wanted(body, found.summary)
    if wanted:
        runs.edit(context.actor, run=found, **wanted)
    else:
        runs.beat(context.actor, run=found)
    return JsonResponse({"stopped": False})


def _wanted(body: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    files = body.get("files")
    lines = files.get(_SUMMARY, {}).get("content") if isinstance(files, dict) else None
    if isinstance(lines, list) and lines and isinstance(lines[-1], str):
        summary = summary_in(lines[-1])
        if summary != before:
            wanted["summary"] = summary
    if body.get("complete"):
        wanted["state"] = "failed" if body.get("exitcode") else "finished"
    return wanted
