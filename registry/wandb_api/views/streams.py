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
    summary = _summary(body)
    wanted: dict[str, Any] = {} if summary is None or summary == found.summary else {"summary": summary}
    if body.get("complete"):
        runs.edit(context.actor, run=found, state="failed" if body.get("exitcode") else "finished", **wanted)
    else:
        runs.beat(context.actor, run=found, **wanted)
    return JsonResponse({"stopped": False})


def _summary(body: dict[str, Any]) -> dict[str, Any] | None:
    """Return the last of the summaries that came, if one did."""
    files = body.get("files")
    file = files.get(_SUMMARY) if isinstance(files, dict) else None
    lines = file.get("content") if isinstance(file, dict) else None
    if not isinstance(lines, list) or not lines or not isinstance(lines[-1], str):
        return None
    return summary_in(lines[-1])
