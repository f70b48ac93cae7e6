"""The check of references: what the drift watch found of them."""

from __future__ import annotations

from typing import Any

from registry.models import ReferenceWatch, Version
from registry.services import watching
from registry.services._common import now
from registry.services.check_kinds import BuiltIn, Case, Finding, Pace, State, counted

_FIELDS = ("total", "unwatched", "changed", "missing", "unreachable", "state")


def _watch(case: Case) -> ReferenceWatch | None:
    return ReferenceWatch.objects.filter(version=case.membership.version_id).first()


def _evidence(case: Case) -> Any:
    watch = _watch(case)
    if watch is None or watch.checked_at is None:
        return None
    return [getattr(watch, name) for name in _FIELDS]


def _run(case: Case, pace: Pace) -> Finding | None:
    version = case.membership.version
    watch = _watch(case)
    if watch is None:
        if version.manifest is not None and version.manifest.reference_count is None:
            return None
        return Finding(State.SUCCESS, "The version has no references.")
    if watch.checked_at is None:
        _hurry(version, watch)
        return None
    ok, drifted = watch.ok, watch.drifted
    details = {name: getattr(watch, name) for name in _FIELDS}
    if drifted:
        return Finding(State.FAILURE, f"{_wrong(watch)}; {counted(ok, 'is', 'are')} as recorded.", details)
    said = f"{counted(ok, 'reference is', 'references are')} as recorded"
    if watch.unwatched:
        said += f"; of {counted(watch.unwatched, 'other')} nothing was recorded that could be compared"
    return Finding(State.SUCCESS, f"{said}.", details)


def _wrong(watch: ReferenceWatch) -> str:
    parts = [("changed", watch.changed), ("missing", watch.missing), ("unreachable", watch.unreachable)]
    return ", ".join(f"{count:,} {word}" for word, count in parts if count).capitalize()


def _hurry(version: Version, watch: ReferenceWatch) -> None:
    """Let the watch look at once: nobody needs to wait for the day on which it would."""
    if watch.begun_at is None and watch.next_at > now():
        ReferenceWatch.objects.filter(pk=watch.pk, begun_at=None).update(asked_at=now(), next_at=now())
    watching.wake(version.pk)


REFERENCES = BuiltIn("strongroom/references", "References are as recorded", _evidence, _run)
