"""Which versions have references to look at again: known from their commit on, and of older ones counted once."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from redis.exceptions import RedisError

from registry import manifests, queue
from registry.errors import Damaged
from registry.models import Manifest, ReferenceWatch, Version
from registry.schedule import CHECK_REFERENCES
from registry.services._common import now

log = logging.getLogger(__name__)
# Where nothing is looked at by itself, what is asked for is still there.
_UNSET = timedelta(days=1)


def interval() -> timedelta:
    """How long after a look the next one is due."""
    return timedelta(hours=settings.DRIFT_HOURS) or _UNSET


def begin(version: Version) -> None:
    """Watch the references of a version that is being committed, if it has any."""
    manifest = version.manifest
    if manifest is None or manifest.reference_count == 0 or version.committed_at is None:
        return
    # What was not counted yet is counted by the first look, which forgets a watch of nothing.
    ReferenceWatch.objects.create(
        version=version,
        scope_id=manifest.scope_id,
        total=manifest.reference_count,
        next_at=version.committed_at + interval(),
    )


def wake(version_id: int) -> None:
    """Have a worker look at a version's references at once; when the queue doesn't take it, the clock finds it."""
    try:
        queue.send(CHECK_REFERENCES, str(version_id))
    except (RedisError, OSError) as error:
        log.warning("The queue did not take a check of references: %s", error)


def adopt(until: float) -> int:
    """Count the references of manifests that were staged before they were counted; returns how many were.

    Each is known before the next is read, so that a run may end or be killed anywhere; `until` is of `time.monotonic`.
    """
    done, last = 0, 0
    while time.monotonic() < until:
        manifest = Manifest.objects.filter(reference_count=None, pk__gt=last).order_by("pk").first()
        if manifest is None:
            break
        last = manifest.pk
        try:
            done += _adopt(manifest)
        except Damaged as error:
            # The check of the store tells admins; the manifest is tried again.
            log.warning("The references of manifest %s could not be counted: %s", manifest.pk, error)
    return done


def _adopt(manifest: Manifest) -> int:
    counted = manifests.count_references(manifest)
    with transaction.atomic():
        Manifest.objects.filter(pk=manifest.pk).update(reference_count=counted)
        if counted:
            held = Version.objects.filter(manifest=manifest).exclude(state=Version.State.PENDING)
            rows = [
                ReferenceWatch(version_id=pk, scope_id=manifest.scope_id, total=counted, next_at=now())
                for pk in held.values_list("pk", flat=True)
            ]
            ReferenceWatch.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    return 1
