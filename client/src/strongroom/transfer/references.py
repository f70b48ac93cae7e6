"""Bringing what references name: from other artifacts, and from outside, many at a time."""

from __future__ import annotations

import threading
import warnings

from strongroom._http import Session
from strongroom.errors import (
    ExtraMissing,
    Forbidden,
    Gone,
    InvalidUri,
    NotFound,
    ReferenceChanged,
    ReferenceUnreachable,
    StrongroomError,
)
from strongroom.progress import Progress
from strongroom.reach import ClientReach
from strongroom.store import Item
from strongroom.transfer.bringing import bring
from strongroom.transfer.bundles import Watch
from strongroom.transfer.elsewhere import Elsewhere
from strongroom.transfer.outside import Outside
from strongroom.transfer.placing import Placer
from strongroom.transfer.pool import BoundedPool

# More than for our own server: these are many small waits, at many places.
FETCHERS = 8
# Reasons for which `allow_missing_references` goes on without a file; a full disk is none.
NOT_HAD = (ExtraMissing, Forbidden, Gone, InvalidUri, NotFound, ReferenceChanged, ReferenceUnreachable)


class References:
    """Brings references; one that cannot be had ends the download, or is told of and skipped."""

    def __init__(self, session: Session, placer: Placer, bar: Progress, *, skip: bool, look: bool) -> None:
        self._session, self._placer, self._bar = session, placer, bar
        self._skip, self._look = skip, look
        self._reach = ClientReach(session)
        self._elsewhere = Elsewhere(session, self._reach)
        self._skipped: list[tuple[str, str]] = []
        self._guard = threading.Lock()

    def bring(self, items: list[Item]) -> None:
        """Bring some references."""
        if not items:
            return
        found = self._elsewhere.sort(items)
        for item, error in found.lost:
            self._passed(item, error)
        for version, groups in found.groups.items():
            many = list(groups.values())
            bring(many, self._session, version, self._placer, self._bar, look=self._look)
        with BoundedPool(FETCHERS) as pool:
            watch = pool.watched(self._bar.add)
            for item in found.outside:
                pool.submit(self._one, item, watch)
        self._tell()

    def _one(self, item: Item, watch: Watch) -> None:
        try:
            Outside(item, self._reach, self._placer, watch, look=self._look).bring()
        except NOT_HAD as error:
            self._passed(item, error)

    def _passed(self, item: Item, error: StrongroomError) -> None:
        """Note what is skipped, or end the download."""
        if self._skip:
            with self._guard:
                self._skipped.append((item.path, str(error)))
            return
        told = type(error)(
            f"{item.path!r} cannot be downloaded: {error} To download the rest, pass"
            " allow_missing_references=True (--allow-missing-references on the command line)."
        )
        told.details = {**error.details, "path": item.path}
        raise told from error

    def _tell(self) -> None:
        # Here, in the thread of who called: warnings of other threads may go nowhere.
        skipped, self._skipped = self._skipped, []
        for path, why in sorted(skipped):
            warnings.warn(f"{path!r} was skipped: {why}", stacklevel=5)
