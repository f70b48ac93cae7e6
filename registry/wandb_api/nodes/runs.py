"""Runs."""

from __future__ import annotations

import json
from typing import Any

from registry.models import Run
from registry.policy import Act, can
from registry.services import runs
from registry.wandb_api import ids
from registry.wandb_api.connections import edges, read
from registry.wandb_api.context import Context, node
from registry.wandb_api.orders import EDGES
from registry.wandb_api.values import config_out, moment, text


@node("Run")
class RunNode:
    """A run. Of its history there is only the last row, which is its summary."""

    typename = "Run"
    system_metrics = "{}"
    events_tail = "[]"
    log_line_count = events_line_count = file_count = 0
    stopped = False

    def __init__(self, context: Context, run: Run) -> None:
        self._context, self._run = context, run
        self.id = ids.encode("Run", run.pk)
        self.name, self.display_name = run.name, run.display_name or run.name
        self.job_type, self.state = run.job_type, run.state
        self.project_id = run.project_id
        self.created_at = moment(run.created_at)
        self.heartbeat_at = moment(run.heartbeat_at or run.finished_at or run.created_at)
        self.config, self.summary_metrics = config_out(run.config), text(run.summary)
        self.tags: list[str] = []

    def read_only(self) -> bool:
        return not can(self._context.actor, Act.LOG, self._run.project)

    def user(self) -> Any:
        return self._context.node("User", self._run.created_by)

    def project(self) -> Any:
        return self._context.node("Project", self._run.project)

    def wandb_config(self, keys: list[str] | None = None) -> str:
        """Say that the run really began, which the client looks for when it goes on with it."""
        return text({"t": {}})

    def history_line_count(self) -> int:
        """Give the step after the last: whoever resumes goes on from there."""
        step = self._run.summary.get("_step")
        return step + 1 if type(step) is int else 0

    def history_tail(self) -> str:
        return json.dumps([text(self._run.summary)]) if self.history_line_count() else "[]"

    def history_keys(self) -> dict[str, Any] | None:
        return None

    def files(self, **narrowed: Any) -> dict[str, Any]:
        """None: what a run uploads besides artifacts is not kept."""
        return edges([])

    def history(self, **narrowed: Any) -> list[str]:
        return [text(self._run.summary)] if self._run.summary else []

    def sampled_history(self, specs: list[str]) -> list[Any]:
        return [[self._run.summary] if self._run.summary else [] for _ in specs]

    def output_artifacts(self, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        return self._artifacts(runs.outputs(self._context.actor, self._run), first, after)

    def input_artifacts(self, first: int | None = None, after: str | None = None) -> dict[str, Any]:
        return self._artifacts(runs.inputs(self._context.actor, self._run), first, after)

    def _artifacts(self, rows: Any, first: int | None, after: str | None) -> dict[str, Any]:
        found = read(self._context, rows, EDGES, first=first, after=after)
        total = rows.order_by().select_related(None).prefetch_related(None).count()
        return edges(artifacts(self._context, found.rows), found.next, total=total)


def artifacts(context: Context, rows: Any) -> list[Any]:
    """Return the nodes of versions that one list has: what they are asked for is read for all at once."""
    together = context.node("Together", rows)
    return [context.node("Artifact", row, together) for row in rows]
