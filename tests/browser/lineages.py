"""Lineages as teams have them: a sweep over one dataset, and a chain of many steps."""

from __future__ import annotations

from registry.models import Membership, Run
from registry.services import runs
from tests import factories
from tests.web.sample import Sample


def run_of(sample: Sample, name: str, *used: Membership, job: str = "") -> Run:
    """Make a run that used some versions."""
    alice = factories.actor(sample.alice)
    run, _ = runs.create(alice, project=sample.project, name=name, job_type=job)
    for each in used:
        runs.use(alice, run=run, membership=each)
    return run


def log(sample: Sample, collection: str, run: Run, type: str = "model") -> Membership:
    """Log a version by a run."""
    return factories.log(sample.alice, sample.project, collection, run=run, type=type)


def sweep(
    sample: Sample, size: int = 8, *, evals: int = 0, names: str = "sweep-{}"
) -> tuple[Membership, list[Membership]]:
    """One dataset, runs that used it, a model of each run, and evals of some of the models."""
    origin = factories.log(sample.alice, sample.project, "crops", type="dataset")
    models = []
    for n in range(size):
        models.append(log(sample, "swept", run_of(sample, names.format(n), origin)))
    for n, model in enumerate(models[:evals]):
        log(sample, "report", run_of(sample, f"eval-{n}", model, job="eval"), type="report")
    return origin, models


def chain(sample: Sample, steps: int) -> Membership:
    """A version that was made in so many steps, one run after the other; returns the last."""
    last = factories.log(sample.alice, sample.project, "stage-0", type="dataset")
    for n in range(1, steps + 1):
        last = log(sample, f"stage-{n}", run_of(sample, f"step-{n}", last))
    return last
