"""What runs by the clock, and how long a task may take: plain data, read by the worker and by the pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# A task is stopped after this; its message goes to another worker only later still (QUEUE_RETURN).
TASK_LIMIT = timedelta(minutes=10)
QUEUE_RETURN = timedelta(minutes=15)

# Tasks that people start, too.
COLLECT, PREVIEW_COLLECTION = "garbage.collect", "garbage.preview"
# Sent for each draft with references, besides what the clock finds.
RESOLVE = "references.resolve"
# The commit of ten million entries takes longer than other tasks may. That its message comes back meanwhile does no
# harm: a worker that finds a draft held leaves it alone.
RESOLVE_SECONDS = 3600
CHECK_REFERENCES = "references.check"
COUNT = "storage.count"
# Sent when something happened that webhooks are to be told of, and by the clock for what is to be sent again.
SEND_WEBHOOKS = "webhooks.send"
MAKE_CHECK = "checks.make"


@dataclass(frozen=True, slots=True)
class Periodic:
    """A task that runs by the clock: each time the minutes since midnight (UTC) divide by `minutes`."""

    task: str
    title: str
    minutes: int

    def next_run(self, after: datetime) -> datetime:
        """Return the next moment of the clock at which the task starts."""
        step = self.minutes * 60
        return datetime.fromtimestamp((after.timestamp() // step + 1) * step, UTC)


PERIODIC = (
    Periodic("retention.expire_due", "Expire versions whose time-to-live has passed", 1),
    Periodic(SEND_WEBHOOKS, "Tell webhooks what happened, and again those that did not answer", 1),
    Periodic("inbox.send_letters", "Tell people by mail what is new in their inbox", 1),
    Periodic("retention.give_notice", "Foresee what expires within the next days, and tell by mail", 60),
    Periodic("runs.mark_silent", "Mark runs as crashed whose script fell silent", 1),
    Periodic("references.watch", "Look again at references: whether what they name is as it was", 5),
    Periodic("drafts.abandon_stale", "Clean up abandoned drafts", 10),
    Periodic("references.pick_up", "Go on with references whose worker was stopped", 1),
    Periodic("checks.pick_up", "Go on with checks of versions whose worker was stopped", 1),
    Periodic("statistics.refresh", "Measure the tables, so that lists are found by the best index", 10),
    Periodic("uploads.clean_up", "Remove what broken uploads left behind", 60),
    Periodic("uploads.abort_parts", "Abort uploads to the object store that were never finished", 60),
    Periodic("fsck.daily", "Verify a sample of what is stored", 1440),
    Periodic("sessions.clear", "Forget sessions of the browser that have expired", 1440),
    Periodic(COLLECT, "Give back bytes that no version needs", 1440),
    Periodic("storage.survey", "Count what is stored, where something changed", 60),
    Periodic("trash.purge_due", "Purge what was in the trash for the whole trash period", 60),
)
