"""The check of lineage: a run logged the version, and what it used is known and still there.

Nothing is named: whoever knows a version by its link alone learns nothing else of the project it comes from.
"""

from __future__ import annotations

from typing import Any

from registry.models import RunInput, RunOutput, Version, VersionReference
from registry.services.check_kinds import BuiltIn, Case, Finding, Pace, State, counted

# A run that used more is looked at as far as this; it says so.
_MOST = 10_000


def _runs(version: Version) -> list[int]:
    made = list(RunOutput.objects.filter(version=version).order_by("run").values_list("run", flat=True)[:100])
    return sorted({*made, version.run_id} if version.run_id else set(made))


def _inputs(version: Version, runs: list[int]) -> list[tuple[int, str]]:
    """Return the versions that went in, by the runs or by references to their entries, with their states."""
    used = RunInput.objects.filter(run__in=runs).exclude(version=version).order_by("version")
    referred = VersionReference.objects.filter(source=version).order_by("target")
    pairs = [
        *used.values_list("version", "version__state")[:_MOST],
        *referred.values_list("target", "target__state")[:_MOST],
    ]
    return sorted(set(pairs))


def _evidence(case: Case) -> Any:
    runs = _runs(case.membership.version)
    return [runs, _inputs(case.membership.version, runs)]


def _run(case: Case, pace: Pace) -> Finding:
    runs = _runs(case.membership.version)
    if not runs:
        return Finding(State.FAILURE, "No run logged this version, so nobody knows what it was made of.")
    inputs = _inputs(case.membership.version, runs)
    gone = sum(1 for _, state in inputs if state != Version.State.COMMITTED)
    details = {"runs": len(runs), "inputs": len(inputs), "gone": gone}
    if not inputs:
        return Finding(
            State.FAILURE,
            "The run that logged this version used no other version that is known here.",
            details,
        )
    if gone:
        said = f"Of {counted(len(inputs), 'version')} that went in, {counted(gone, 'is', 'are')} not there any more."
        return Finding(State.FAILURE, said, details)
    said = f"{counted(len(runs), 'run')} logged it; {counted(len(inputs), 'version')} went in"
    return Finding(State.SUCCESS, f"{said}, and {'is' if len(inputs) == 1 else 'all are'} there.", details)


LINEAGE = BuiltIn("strongroom/lineage", "Lineage is complete", _evidence, _run)
