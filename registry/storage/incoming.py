"""What was left behind by requests and processes that ended too early."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from registry.models.uploads import Upload
from registry.storage import backends
from registry.storage import parts as files
from registry.storage.durable import disk_errors, incoming_dir
from registry.storage.uploads import abandon_upload

# Rows in one statement: SQLite takes a bounded number of parameters.
_BATCH = 500


def clean_incoming(before: datetime, alive: QuerySet[Any] | Sequence[int] = ()) -> int:
    """Remove temporary files and uploads that nobody touched since; return how many there were.

    `alive` are the ids of drafts whose uploads are left, however old their parts are.
    """
    with disk_errors():
        stale = [path for path in incoming_dir().glob("*.tmp") if _touched(path) < before.timestamp()]
        for path in stale:
            path.unlink(missing_ok=True)
        return len(stale) + _abandon_folders(before, alive) + _abandon_empty(before, alive)


def abort_parts(before: datetime, alive: Collection[str] = ()) -> int:
    """Abort what was begun in the object store before a moment and never became an object; return how much it was.

    `alive` are the names of objects that somebody still sends, however long ago that was begun.
    """
    backend = backends.current()
    with disk_errors():
        # Listed first: what is aborted would change the list that is being read.
        stale = [each for each in backend.walk_parts() if each.begun < before and each.name not in alive]
        for each in stale:
            backend.abort_parts(each.name, each.id)
        return len(stale)


def _abandon_folders(before: datetime, alive: QuerySet[Any] | Sequence[int]) -> int:
    # Only what the store itself made: names of 32 hexadecimal digits.
    folders = [
        path for path in files.uploads_dir().glob("[0-9a-f]" * 32) if _last_touched(path) < before.timestamp()
    ]
    kept = set(Upload.objects.filter(draft_id__in=alive).values_list("pk", flat=True)) if folders else set()
    folders = [folder for folder in folders if UUID(hex=folder.name) not in kept]
    for folder in folders:
        upload = UUID(hex=folder.name)
        Upload.objects.filter(pk=upload).delete()
        files.remove(upload)
    return len(folders)


def _abandon_empty(before: datetime, alive: QuerySet[Any] | Sequence[int]) -> int:
    """Forget old uploads without a folder: complete ones, such of which nothing arrived, or that are in the store."""
    old = Upload.objects.filter(created_at__lt=before).exclude(
        ~Q(parts_id=""), state=Upload.State.OPEN, draft_id__in=alive
    )
    empty = [upload for upload in old.iterator() if not files.folder_of(upload.id).exists()]
    for upload in empty:
        if upload.is_direct:
            abandon_upload(upload)
    for first in range(0, len(empty), _BATCH):
        Upload.objects.filter(pk__in=[each.pk for each in empty[first : first + _BATCH]]).delete()
    return len(empty)


def _last_touched(folder: Path) -> float:
    return max([_touched(folder), *(_touched(path) for path in folder.glob("*"))])


def _touched(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    # Gone in the meantime: somebody is at work there.
    return float("inf")
