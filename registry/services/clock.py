"""Whether the wall clock can be believed: what expires or is purged too early cannot be told from what is due.

Time since the machine was started runs evenly, whatever somebody does to the wall clock: on the same boot a jump of
minutes is seen. Over a restart there is only the gap since the clock was last believed, and a long shutdown looks like
a clock that jumped ahead. So a clock that is ahead is not believed until it has run evenly for a day, or is back.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max

from registry.models import Clock, Version
from registry.services._common import now

log = logging.getLogger(__name__)
# Slewing and leap seconds stay below.
_JUMP = timedelta(minutes=5)
_STEADY = timedelta(days=1)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Uptime:
    """Which start of the machine this is, and the seconds since; no boot is known where the system does not tell."""

    boot: str
    seconds: int


def uptime() -> Uptime:
    """Ask the system; suspended time counts."""
    try:
        boot = _BOOT_ID.read_text().strip()[:64]
        return Uptime(boot, int(time.clock_gettime(time.CLOCK_BOOTTIME)))
    except (OSError, AttributeError):
        return Uptime("", 0)


def moment(at: datetime | None) -> datetime | None:
    """Return the moment to act at: the one that is given, or now; None while the clock can't be believed."""
    if at is not None:
        return at
    at = now()
    return at if is_believed(at) else None


def is_believed(at: datetime, up: Uptime | None = None) -> bool:
    """Take note of the clock, and say whether what it says is due may be deleted."""
    up = up or uptime()
    with transaction.atomic():
        row, is_new = Clock.objects.select_for_update().get_or_create(
            pk=1, defaults={"seen_at": at, "boot": up.boot, "uptime": up.seconds, "newest_version": _newest()}
        )
        return True if is_new else _judge(row, at, up)


def is_held() -> bool:
    """Say whether the clock was not believed when it was last looked at."""
    row = Clock.objects.filter(pk=1).first()
    return row is not None and (row.held_since is not None or row.is_behind)


def _judge(row: Clock, at: datetime, up: Uptime) -> bool:
    if settings.CLOCK_GAP_HOURS and at < row.seen_at - _JUMP:
        # Nothing would fire early; but what is logged meanwhile has a false date, and would later.
        row.is_behind = True
        if not _is_steady(row, at, up):
            return False
        # For a day it said so: it was ahead before, and what was logged then expires late, not early.
        row.is_behind, row.seen_at = False, at
    elif _is_ahead(row, at, up) and not _is_steady(row, at, up):
        return False
    if row.is_behind:
        _correct(row)
    row.seen_at, row.boot, row.uptime = max(at, row.seen_at), up.boot, up.seconds
    row.is_behind, row.held_since, row.newest_version = False, None, _newest()
    row.save()
    return True


def _is_ahead(row: Clock, at: datetime, up: Uptime) -> bool:
    gap = at - row.seen_at
    if up.boot and up.boot == row.boot:
        return settings.CLOCK_GAP_HOURS > 0 and gap - timedelta(seconds=up.seconds - row.uptime) > _JUMP
    return settings.CLOCK_GAP_HOURS > 0 and gap > timedelta(hours=settings.CLOCK_GAP_HOURS)


def _is_steady(row: Clock, at: datetime, up: Uptime) -> bool:
    """Say whether a clock that is ahead has run evenly for a day; the first look begins the day."""
    if row.held_since is not None:
        by_wall = at - row.held_since
        if up.boot != row.held_boot and by_wall >= timedelta():
            # Another machine, or another start of this one: without its time, two days of the wall clock.
            return by_wall >= 2 * _STEADY
        ran = timedelta(seconds=up.seconds - row.held_uptime)
        if abs(by_wall - ran) <= _JUMP:
            return ran >= _STEADY
    row.held_since, row.held_boot, row.held_uptime = at, up.boot, up.seconds
    row.save()
    log.warning(
        "The clock went from %s to %s: nothing expires until it ran evenly for a day.", row.seen_at, at
    )
    return False


def _correct(row: Clock) -> None:
    """Give what was logged while the clock was behind the last moment that was believed as its date."""
    false = Version.objects.filter(pk__gt=row.newest_version, created_at__lt=row.seen_at - _JUMP)
    for seconds in set(false.values_list("ttl_seconds", flat=True)) - {None}:
        end = row.seen_at + timedelta(seconds=seconds or 0)
        false.filter(ttl_seconds=seconds).update(expires_at=end)
    changed = false.update(created_at=row.seen_at, updated_at=F("updated_at"))
    if changed:
        log.warning(
            "%s versions that were logged while the clock was behind got the date %s.", changed, row.seen_at
        )


def _newest() -> int:
    return Version.objects.aggregate(newest=Max("pk"))["newest"] or 0
