"""Counts what the store keeps: which bytes one version alone uses, which are shared, in the trash, or used by nothing.

docs/decisions/0018-counting-stored-bytes.md says how.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db.models import Max, Sum
from django.db.models.functions import Coalesce

from registry.manifests.reach import Reach
from registry.models import Blob, Chunk, Entity, Event, StorageCount, Version, VersionShare
from registry.services import survey_rows
from registry.services._common import now
from registry.services._each import Each
from registry.services.blob_marks import BlobMarks
from registry.services.survey_rows import Place

# An entity of more nodes takes longer to walk than somebody waits.
NODES = 20_000
_TOLD_EVERY = 500

# Hears how far a count is, in percent.
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class _Owner:
    """A version with content, and where it belongs."""

    version: int
    collection: int
    project: int
    root: bytes
    size: int
    since: datetime


@dataclass(slots=True)
class _Sum:
    """What a project or a collection comes to."""

    versions: int = 0
    named: int = 0
    stored: int = 0
    alone: int = 0
    trash: int = 0
    idle_since: datetime | None = None


def run(at: datetime | None = None) -> int:
    """Count every entity in which something changed since it was last counted; returns how many were."""
    at = at or now()
    each = Each("entities could not be counted")
    for entity in Entity.objects.order_by("pk").iterator():
        if _is_changed(entity, at):
            each.do(_counted, entity, at)
    return each.finish()


def _counted(entity: Entity, at: datetime) -> int:
    count(entity, at)
    return 1


def _is_changed(entity: Entity, at: datetime) -> bool:
    """Say whether there is anything new to count: a day has its row, also where nothing happens."""
    last = StorageCount.objects.filter(entity=entity).order_by("-day").first()
    if last is None:
        return Blob.objects.filter(scope=entity).exists() or _newest_event(entity) > 0
    if last.day != at.date() or last.newest_event != _newest_event(entity):
        return True
    return last.stored != stored(entity)


def stored(entity: Entity) -> int:
    """Add up the bytes that the store keeps for an entity; read from one index."""
    return int(Blob.objects.filter(scope=entity).aggregate(size=Coalesce(Sum("size"), 0))["size"])


def _newest_event(entity: Entity) -> int:
    return Event.objects.filter(entity_id=entity.pk).aggregate(last=Max("pk"))["last"] or 0


def count(entity: Entity, at: datetime | None = None, tell: Tell | None = None) -> StorageCount:
    """Count an entity now, and keep what was found in place of what was found earlier today.

    `tell` hears how far it is, in percent.
    """
    at = at or now()
    newest_event = _newest_event(entity)
    # Blobs before roots: what is logged meanwhile may count with its old bytes, and never as used by nothing.
    survey = _Survey(entity, BlobMarks(entity.pk), tell)
    survey.walk()
    return _keep(entity, survey, newest_event, at)


def is_large(entity: Entity) -> bool:
    """Say whether counting takes longer than somebody waits."""
    return Chunk.objects.filter(scope=entity, kind="e")[: NODES + 1].count() > NODES


class _Survey:
    """One count. Owners are numbers from 1: live versions by place, then the trash, then drafts.

    For each blob the first and the last live owner are written down: where these are the same version, the same
    collection or the same project, the blob is that one's alone. The trash and drafts get what is left.
    """

    def __init__(self, entity: Entity, marks: BlobMarks, tell: Tell | None = None) -> None:
        self._entity, self._marks, self._tell, self._visits = entity, marks, tell, 0
        self._first, self._last = marks.numbers(), marks.numbers()
        self._owners: list[_Owner] = _owners(entity, Version.State.COMMITTED)
        self._live = len(self._owners)
        self._owners += _owners(entity, Version.State.DELETED)
        self._deleted = len(self._owners)
        self._owners += _owners(entity, Version.State.PENDING)
        self.collections: defaultdict[int, _Sum] = defaultdict(_Sum)
        self.projects: defaultdict[int, _Sum] = defaultdict(_Sum)
        self.alone = array("q", bytes(8 * len(self._owners)))

    def walk(self) -> None:
        """Find who reaches what."""
        live = range(self._live)
        for _, of_project in groupby(live, lambda at: self._owners[at].project):
            self._walk_project(list(of_project))
        self._claim(range(self._live, self._deleted), self._live)
        self._claim(range(self._deleted, len(self._owners)), self._deleted)
        self._sum_up()

    def _walk_project(self, owners: Sequence[int]) -> None:
        base = owners[0]
        for _, of_collection in groupby(owners, lambda at: self._owners[at].collection):
            self._walk_collection(list(of_collection), base)

    def _walk_collection(self, owners: Sequence[int], project_base: int) -> None:
        """Walk a collection forth and back: a walk of its own, so that it is told what others reach as well."""
        base, here = owners[0], self._owners[owners[0]]
        collection, project = self.collections[here.collection], self.projects[here.project]
        forth = self._reached(owners)
        # Of a single version both ways are one.
        back = self._reached(owners[::-1]) if len(owners) > 1 else forth
        if back is not forth:
            self._claim_first(forth)
        for owner, at in back:
            if not self._first[at]:
                self._first[at] = owner + 1
            if self._last[at] <= base:
                collection.stored += self._marks.sizes[at]
                if self._last[at] <= project_base:
                    project.stored += self._marks.sizes[at]
                self._last[at] = owner + 1
        for each in (self._owners[at] for at in owners):
            for total in (collection, project):
                total.versions += 1
                total.named += each.size

    def _claim(self, owners: Sequence[int], before: int) -> None:
        """Give owners what nobody before them reaches."""
        self._claim_first(self._reached(owners))
        for owner, at in self._reached(owners[::-1]):
            if self._first[at] > before and not self._last[at]:
                self._last[at] = owner + 1

    def _claim_first(self, reached: Iterator[tuple[int, int]]) -> None:
        for owner, at in reached:
            if not self._first[at]:
                self._first[at] = owner + 1

    def _reached(self, owners: Sequence[int]) -> Iterator[tuple[int, int]]:
        return self._marks.owners(Reach[int](self._entity.pk).walk(self._roots(owners)))

    def _roots(self, owners: Sequence[int]) -> Iterator[tuple[int, bytes]]:
        for at in owners:
            self._visits += 1
            if self._tell is not None and self._visits % _TOLD_EVERY == 0:
                # Forth and back; what stands alone in its collection is gone to once.
                self._tell(min(99, 50 * self._visits // len(self._owners)))
            yield at, self._owners[at].root

    def _sum_up(self) -> None:
        for at, size in enumerate(self._marks.sizes):
            first, last = self._first[at] - 1, self._last[at] - 1
            if first < 0:
                continue
            if first == last:
                self.alone[first] += size
            if first < self._live:
                one, other = self._owners[first], self._owners[last]
                if one.collection == other.collection:
                    self.collections[one.collection].alone += size
                if one.project == other.project:
                    self.projects[one.project].alone += size

    def parts(self) -> dict[str, int]:
        """Return the columns of the count: each blob in one part."""
        by_one = shared = trashed = drafted = unused = unused_blobs = 0
        for at, size in enumerate(self._marks.sizes):
            first = self._first[at] - 1
            if first < 0:
                unused, unused_blobs = unused + size, unused_blobs + 1
            elif first >= self._deleted:
                drafted += size
            elif first >= self._live:
                trashed += size
            elif self._first[at] == self._last[at]:
                by_one += size
            else:
                shared += size
        return {
            "versions": self._live,
            "named": sum(each.size for each in self._owners[: self._live]),
            "trash": sum(each.size for each in self._owners[self._live : self._deleted]),
            "stored": sum(self._marks.sizes),
            "blobs": len(self._marks),
            "by_one": by_one,
            "shared": shared,
            "trashed": trashed,
            "drafted": drafted,
            "unused": unused,
            "unused_blobs": unused_blobs,
            "newest_blob": self._marks.newest,
        }

    def versions(self) -> Iterator[tuple[_Owner, bool, int]]:
        """Give each version that is live or in the trash, whether it is live, and the bytes that it alone uses."""
        for at in range(self._deleted):
            yield self._owners[at], at < self._live, self.alone[at]


def _owners(entity: Entity, state: str) -> list[_Owner]:
    rows = Version.objects.filter(sequence__project__entity=entity, state=state).exclude(manifest=None)
    rows = rows.order_by("sequence__project", "sequence", "pk")
    found = rows.values_list("pk", "sequence", "sequence__project", "manifest__root", "size", "created_at")
    return [
        _Owner(pk, collection, project, bytes(root), size, since)
        for pk, collection, project, root, size, since in found.iterator(chunk_size=2000)
    ]


def _keep(entity: Entity, survey: _Survey, newest_event: int, at: datetime) -> StorageCount:
    used, rows = survey_rows.uses(entity), []
    for owner, live, alone in survey.versions():
        idle = max(used.get(owner.version, owner.since), owner.since)
        rows.append(
            VersionShare(
                version_id=owner.version,
                entity=entity,
                live=live,
                alone=alone,
                used=owner.version in used,
                idle_since=idle,
            )
        )
        if live:
            for total in (survey.collections[owner.collection], survey.projects[owner.project]):
                total.idle_since = max(total.idle_since or idle, idle)
        else:
            survey.projects[owner.project].trash += owner.size
    survey_rows.versions(entity, rows)
    return survey_rows.whole(entity, _places(survey, at), survey.parts(), newest_event, at)


def _places(survey: _Survey, at: datetime) -> Iterator[Place]:
    projects = {owner.collection: owner.project for owner, live, _ in survey.versions() if live}
    found: list[tuple[int, int | None, _Sum]] = [(pk, None, total) for pk, total in survey.projects.items()]
    found += [(projects[pk], pk, total) for pk, total in survey.collections.items()]
    for project, collection, total in found:
        yield Place(
            project,
            collection,
            total.versions,
            total.named,
            total.stored,
            total.alone,
            total.trash,
            total.idle_since or at,
        )
