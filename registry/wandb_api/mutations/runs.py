"""Runs: begin, describe, send files that are not kept."""

from __future__ import annotations

from typing import Any

from registry.errors import InvalidInput
from registry.models import Project, Run
from registry.services import runs
from registry.wandb_api import ids, links
from registry.wandb_api.context import Context
from registry.wandb_api.finding import ensure_project, find_project, maybe
from registry.wandb_api.nodes.files import place
from registry.wandb_api.values import config_in, summary_in

_MOST_FILES = 2000


class RunMutations:
    """What concerns runs."""

    _context: Context

    def upsert_bucket(self, input: dict[str, Any]) -> dict[str, Any]:
        """Begin a run, or change one's own."""
        name = input.get("name") or None
        project = ensure_project(self._context, input.get("entityName"), input.get("modelName"))
        run, inserted = self._begun(project, name, input)
        summary = summary_in(input.get("summaryMetrics"))
        if summary:
            run = runs.edit(self._context.actor, run=run, summary={**run.summary, **summary})
        return {"bucket": self._context.node("Run", run), "inserted": inserted}

    def _begun(self, project: Project, name: str | None, input: dict[str, Any]) -> tuple[Run, bool]:
        actor, config = self._context.actor, config_in(input.get("config"))
        present = maybe(lambda: runs.find(actor, project, name)) if name else None
        # The client says this again whenever something changed, and once more when the run has ended.
        if present is not None and not _begins(input):
            merged = {**present.config, **config}
            return (
                runs.edit(actor, run=present, config=merged) if merged != present.config else present
            ), False
        return runs.create(
            actor,
            project=project,
            name=name,
            display_name=input.get("displayName") or "",
            job_type=input.get("jobType") or "",
            config=config,
            heartbeat=True,
        )

    def create_run_files(self, input: dict[str, Any]) -> dict[str, Any]:
        """Give places for the files of a run, which takes them and keeps none."""
        run = self._run(input)
        names = input["files"]
        if len(names) > _MOST_FILES:
            raise InvalidInput(f"Ask for at most {_MOST_FILES} files at a time.")
        found = [place(name, links.to_run_file(self._context, run)) for name in names]
        return {"runID": ids.encode("Run", run.pk), "uploadHeaders": [], "files": found}

    def mark_run_files_uploaded(self, input: dict[str, Any]) -> dict[str, Any]:
        """Take note of nothing: files of runs are not kept."""
        self._run(input)
        return {"success": True}

    def _run(self, input: dict[str, Any]) -> Run:
        project = find_project(self._context, input["entityName"], input["projectName"])
        return runs.find(self._context.actor, project, input["runName"])


def _begins(input: dict[str, Any]) -> bool:
    """Say whether a script begins the run, or goes on with it: only then it tells of its program and machine."""
    return any(input.get(field) for field in ("host", "jobProgram", "id"))
