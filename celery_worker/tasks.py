"""The tasks: each names its run, calls one service and counts what it did."""

from __future__ import annotations

from functools import partial

from billiard.exceptions import SoftTimeLimitExceeded

from celery_worker.app import app
from registry import jobs
from registry.actor import system
from registry.schedule import (
    CHECK_REFERENCES,
    COLLECT,
    COUNT,
    MAKE_CHECK,
    PREVIEW_COLLECTION,
    RESOLVE,
    RESOLVE_SECONDS,
    SEND_WEBHOOKS,
)
from registry.services import (
    accounts,
    collecting,
    drafts,
    drift,
    expiring,
    fsck,
    inbox_letters,
    making_checks,
    notices,
    project_trash,
    recounting,
    resolving,
    runs,
    statistics,
    survey,
    team_trash,
    trash,
    uploads,
    webhook_sending,
)

# A task that is out of time stops, and does not go on with the next row.
jobs.STOPS.append(SoftTimeLimitExceeded)


@app.task(name="retention.expire_due")
def expire_due() -> None:
    """Move versions whose time-to-live has passed to the trash."""
    with jobs.track("retention.expire_due") as counts:
        done = expiring.run()
        counts |= {"held": 1} if done.held else {"versions": done.versions, "bytes": done.size}


@app.task(name="retention.give_notice")
def give_notice() -> None:
    """Foresee what expires soon, and tell those who logged it."""
    with jobs.track("retention.give_notice") as counts:
        counts["versions"] = notices.foresee()
        counts["letters"] = notices.tell()


@app.task(name="runs.mark_silent")
def mark_silent() -> None:
    """Mark runs as crashed that are no longer heard of."""
    with jobs.track("runs.mark_silent") as counts:
        counts["runs"] = runs.mark_silent()


@app.task(name="drafts.abandon_stale")
def abandon_stale() -> None:
    """Clean up drafts that nobody continued."""
    with jobs.track("drafts.abandon_stale") as counts:
        counts["drafts"] = drafts.abandon_stale()


@app.task(name="references.pick_up")
def pick_up_references() -> None:
    """Have workers go on with references that nobody resolves."""
    with jobs.track("references.pick_up") as counts:
        counts["drafts"] = resolving.pick_up()


@app.task(name=RESOLVE, time_limit=RESOLVE_SECONDS + 30, soft_time_limit=RESOLVE_SECONDS)
def resolve_references(draft_id: str) -> None:
    """Resolve the references of a draft, and commit it when all are."""
    with jobs.track(RESOLVE) as counts:
        counts["references"] = resolving.work(int(draft_id))


@app.task(name="references.watch")
def watch_references() -> None:
    """Look again at references whose time has come."""
    with jobs.track("references.watch") as counts:
        counts |= drift.run().counts()


@app.task(name=CHECK_REFERENCES)
def check_references(version_id: str) -> None:
    """Look again at the references of a version, because somebody asked."""
    with jobs.track(CHECK_REFERENCES) as counts:
        counts |= drift.look(int(version_id)).counts()


@app.task(name="checks.pick_up")
def pick_up_checks() -> None:
    """Have workers make checks of versions that nobody makes."""
    with jobs.track("checks.pick_up") as counts:
        counts["checks"] = making_checks.pick_up()


@app.task(name=MAKE_CHECK, time_limit=RESOLVE_SECONDS + 30, soft_time_limit=RESOLVE_SECONDS)
def make_check(check_id: str) -> None:
    """Make a check of a version in a registry, as far as a task may take."""
    with jobs.track(MAKE_CHECK) as counts:
        counts["checks"] = making_checks.work(int(check_id))


@app.task(name=SEND_WEBHOOKS)
def send_webhooks() -> None:
    """Tell webhooks what happened, and again those that did not answer."""
    with jobs.track(SEND_WEBHOOKS) as counts:
        counts |= webhook_sending.run().counts()


@app.task(name="inbox.send_letters")
def send_inbox_letters() -> None:
    """Tell people by mail what is new in their inbox."""
    with jobs.track("inbox.send_letters") as counts:
        counts["letters"] = inbox_letters.send()


@app.task(name="uploads.clean_up")
def clean_up() -> None:
    """Remove what broken uploads left behind."""
    with jobs.track("uploads.clean_up") as counts:
        counts["leftovers"] = uploads.clean_up()


@app.task(name="uploads.abort_parts")
def abort_parts() -> None:
    """Abort what was begun in the object store and never finished."""
    with jobs.track("uploads.abort_parts") as counts:
        counts["uploads"] = uploads.abort_parts()


@app.task(name="statistics.refresh")
def refresh_statistics() -> None:
    """Let the database know how its rows are distributed."""
    with jobs.track("statistics.refresh") as counts:
        counts["indexes"] = statistics.refresh()


@app.task(name="sessions.clear")
def clear_sessions() -> None:
    """Forget sessions that have expired."""
    with jobs.track("sessions.clear") as counts:
        counts["sessions"] = accounts.forget_sessions()


@app.task(name="storage.survey")
def survey_storage() -> None:
    """Count the stored bytes of whom something changed for."""
    with jobs.track("storage.survey") as counts:
        counts["entities"] = survey.run()


@app.task(name=COUNT)
def count_storage(entity: str) -> None:
    """Count the stored bytes of one entity, which somebody asked for."""
    with jobs.track(COUNT) as counts:
        counts["versions"] = recounting.work(int(entity))


@app.task(name="trash.purge_due")
def purge_due() -> None:
    """Purge versions that were in the trash for the whole trash period."""
    with jobs.track("trash.purge_due") as counts:
        counts["versions"] = trash.purge_due()
        counts["projects"] = project_trash.purge_due()
        counts["teams"] = team_trash.purge_due()


@app.task(name=COLLECT)
def collect(began: str | None = None) -> None:
    """Run a round of garbage collection; one that ran out of time goes on in another task."""
    with jobs.track(COLLECT) as counts:
        collecting.work(system(), began, tell=partial(jobs.note, counts))


@app.task(name=PREVIEW_COLLECTION)
def preview_collection() -> None:
    """Count what a round would give back."""
    with jobs.track(PREVIEW_COLLECTION) as counts:
        counts |= collecting.preview(system(), tell=partial(jobs.note, counts)).counts()


@app.task(name="fsck.daily")
def check_sample() -> None:
    """Verify a part of what is stored, another one each day."""
    with jobs.track("fsck.daily") as counts:
        counts |= fsck.daily(system())
