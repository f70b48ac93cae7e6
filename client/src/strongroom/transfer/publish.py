"""Logging a version: begin a draft, learn what the server lacks, send it, commit. Every step can be repeated."""

from __future__ import annotations

import base64
import contextlib
import secrets
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from strongroom import hashing
from strongroom._http import Session, route
from strongroom.cache import Cache
from strongroom.core.paths import folded
from strongroom.draft import Draft
from strongroom.errors import (
    BadAnswer,
    BlobsMissing,
    DigestMismatch,
    DraftClosed,
    LocalFileError,
    NotFound,
    StrongroomError,
)
from strongroom.progress import Progress, announce
from strongroom.record import Body
from strongroom.staging import SMALL
from strongroom.store import EntryStore, Item
from strongroom.transfer import bundles, manifests, resolving
from strongroom.transfer.journal import Journal
from strongroom.transfer.pool import BoundedPool
from strongroom.transfer.uploads import Uploader, is_distant

# So few entries are logged by one request, should the server have all their bytes already.
AT_ONCE = 200
# So few bytes go with that request, known or not: to ask first costs more.
BROUGHT = 128 << 10
# Below, hashing first costs less than the extra requests of sending while hashing.
IN_FLIGHT_FROM = 8 << 20
# From here on, a killed client should find its draft again.
JOURNAL_FROM = 8 << 20
LARGE_SENDERS = 2
MISSING_PAGE = 10_000
MOST_SIZES = 1000
COMMIT_TRIES = 3


@dataclass(frozen=True, slots=True)
class Target:
    """Where an artifact is logged, and by which run."""

    entity: str
    project: str
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """What is said about an artifact, besides its contents."""

    name: str
    type: str
    description: str | None
    metadata: dict[str, Any]
    ttl: str | int

    def body(self, run: str | None) -> dict[str, Any]:
        """Return the card as the protocol has it."""
        found: dict[str, Any] = {
            "collection": self.name,
            "type": self.type,
            "metadata": self.metadata,
            "ttl": self.ttl,
        }
        if self.description is not None:
            found["description"] = self.description
        if run is not None:
            found["run"] = run
        return found


@dataclass(frozen=True, slots=True)
class Published:
    """The VERSION of the protocol that a draft became, and whether it is new."""

    version: dict[str, Any]
    is_new: bool


def publish(
    session: Session, target: Target, card: Card, draft: Draft, aliases: list[str], tags: list[str]
) -> Published:
    """Log a draft and return the VERSION that it became; the present one when its contents are those already."""
    labels = {"aliases": aliases, "tags": tags}
    # Made before the first request, so that a wrong setting is told while nothing is logged yet.
    cache = Cache()
    _warn_of_twins(draft.store)
    found = _at_once(session, target, card, draft, labels)
    if found is None:
        publication = Publication(session, target, card, draft, cache)
        try:
            found = publication.run(labels)
        except StrongroomError:
            publication.give_up()
            raise
        finally:
            publication.close()
    answer = Body(found, "a commit").found
    version = answer.get("version")
    if not isinstance(version, dict):
        raise BadAnswer("The server answered a commit without the version that it made.")
    return Published(version, answer.get("created") is True)


def _warn_of_twins(store: EntryStore) -> None:
    """Warn of names that only some systems keep apart: no download there could bring both."""
    if twins := store.folded_twins(folded):
        warnings.warn(
            f"{twins[0]!r} and {twins[1]!r} differ only in case or in how letters are composed; on macOS and Windows"
            " they are one file, and the artifact cannot be downloaded there. Rename one of them.", stacklevel=2,
        )  # fmt: skip


def _at_once(
    session: Session, target: Target, card: Card, draft: Draft, labels: dict[str, list[str]]
) -> Any | None:
    """Log in a single request, the bytes with it where they are few; None when bytes have to be sent first."""
    store = draft.store
    if draft.left or store.count() > AT_ONCE or not store.is_hashed():
        return None
    body = {
        **card.body(target.run), **labels, "client_id": secrets.token_hex(16),
        "entries": [entry.to_json() for entry in store.entries()],
    }  # fmt: skip
    staging = draft.staging if draft.has_staging else None
    local = {item.sha256: item for item in store.items() if item.is_local} if store.size() <= BROUGHT else {}
    brought = list(local.values())
    if brought:
        body["bundle"] = base64.b64encode(bundles.frames(brought, staging)).decode()
    try:
        with bundles.naming_changed(brought, staging):
            return session.json("POST", route("projects", target.entity, target.project, "versions"), body)
    except BlobsMissing:
        return None


class Publication:
    """One draft on its way to the server."""

    def __init__(self, session: Session, target: Target, card: Card, draft: Draft, cache: Cache) -> None:
        self._session, self._target, self._card = session, target, card
        self._draft, self._store = draft, draft.store
        self._cache = cache
        self._staging = draft.staging if draft.has_staging else None
        self._journal = self._find_journal()
        self._client_id = self._journal.client_id if self._journal else secrets.token_hex(16)
        self._id: str | None = None
        self._is_handed_over = False

    def run(self, labels: dict[str, list[str]]) -> Any:
        """Do all steps."""
        try:
            return self._steps(labels)
        except (DraftClosed, NotFound):
            # A draft that was begun by an earlier process may have been cleaned up since.
            if self._journal is None or self._id is None or self._is_handed_over:
                raise
            self._restart(self._journal)
            return self._steps(labels)

    def give_up(self) -> None:
        """Let the server forget the draft, unless a later try can go on with it, or the server itself does."""
        if self._id is not None and self._journal is None and not self._is_handed_over:
            # The first error is the one to show; the server cleans up drafts by itself in the end.
            with contextlib.suppress(StrongroomError):
                self._session.once("DELETE", route("drafts", self._id))

    def close(self) -> None:
        """Let others have the journal."""
        if self._journal is not None:
            self._journal.close()

    def _steps(self, labels: dict[str, list[str]]) -> Any:
        self._id = self._begin()
        self._hash_large()
        if self._store.count() or not self._draft.left:
            self._stage_and_send()
        found = self._when_resolved(labels) if self._draft.left else self._commit(labels)
        if self._journal is not None:
            self._journal.done()
        # The version is logged: nothing that goes wrong on this machine may say otherwise from here on.
        with contextlib.suppress(LocalFileError):
            self._keep_copies()
        return found

    def _begin(self) -> str:
        """Begin a draft, or go on with the one of an earlier process that was killed."""
        path = route("projects", self._target.entity, self._target.project, "drafts")
        for _ in range(2):
            body = {**self._card.body(self._target.run), "client_id": self._client_id}
            began = Body(self._session.json("POST", path, body), "a draft")
            if began.text("state") == "PENDING" or self._journal is None:
                break
            # That process was killed after its commit, and large files may have changed since, by the same name
            # and size. Equal contents are found equal at the commit; an old version is never taken for the new one.
            self._restart(self._journal)
        return began.text("id")

    def _restart(self, journal: Journal) -> None:
        journal.restart()
        self._client_id = journal.client_id

    def _keep_copies(self) -> None:
        """Let the cache have the protected copies of large files, which would be removed now: a link each.

        Small files lie together in one pack; to take thousands of them apart costs more than to fetch them again.
        """
        if self._staging is None or not self._staging.has_copies:
            return
        for item in self._store.items():
            copy = item.local_path
            if copy and item.sha256 and not item.skip_cache and self._staging.holds(copy):
                self._cache.keep(item.sha256, copy)
        self._cache.settle()

    def _when_resolved(self, labels: dict[str, list[str]]) -> Any:
        """Leave the rest to the server, and wait for it: from here on it needs nobody to ask again."""
        draft, target = self._id or "", self._target
        page = resolving.page_of(self._session, target.entity, target.project, draft)
        self._finished(lambda: resolving.hand_over(self._session, draft, self._draft.left, labels))
        self._is_handed_over = True
        if self._journal is not None:
            self._journal.done()
        announce("the server resolves references", page)
        resolving.wait(self._session, draft, page)
        return self._commit({})

    def _commit(self, labels: dict[str, list[str]]) -> Any:
        return self._finished(
            lambda: self._session.json("POST", route("drafts", self._id or "", "commit"), labels)
        )

    def _finished(self, ask: Callable[[], Any]) -> Any:
        """Ask for the commit; what the server turns out to lack is sent again."""
        for attempt in range(COMMIT_TRIES):
            try:
                return ask()
            except DigestMismatch:
                self._refuse_changed()
                raise
            except BlobsMissing:
                if attempt + 1 == COMMIT_TRIES:
                    raise
                # Found damaged, or collected, since the manifest was staged: what is lacking is sent again.
                self._stage_and_send()
        raise AssertionError("every try returns or raises")

    def _refuse_changed(self) -> None:
        """Name the file whose MD5 was asked for before it changed; the draft forgets that MD5, to be logged again."""
        for item in self._store.items():
            if item.is_local and item.md5 and hashing.digest(item, self._staging, "md5") != item.md5:
                self._store.put([replace(item, sha256=None, md5=None)])
                raise hashing.changed(item)

    def _find_journal(self) -> Journal | None:
        if self._store.size() < JOURNAL_FROM:
            return None
        # Not the run: a script that is started again begins another one, and the draft becomes that one's.
        target = self._target
        names = (
            self._session.settings.base_url,
            target.entity,
            target.project,
            self._card.name,
            self._card.type,
        )
        return Journal.find(names, self._store.items())

    def _hash_large(self) -> None:
        """Learn the SHA-256 of large files: while sending what the server cannot have, by reading all others."""
        if self._store.is_hashed():
            return
        fresh = self._fresh()
        uploader = self._uploader()
        with (
            Progress(f"Uploading {self._card.name}", sum(item.size or 0 for item in fresh)) as bar,
            BoundedPool(LARGE_SENDERS) as pool,
        ):
            for item in fresh:
                pool.submit(self._send_hashing, uploader, item, pool.watched(bar.add))
        with Progress(f"Reading {self._card.name}", self._store.size()) as bar:
            self._draft.fill_sha256(bar.add)

    def _send_hashing(self, uploader: Uploader, item: Item, watch: bundles.Watch) -> None:
        digest = uploader.send_hashing(item, watch)
        self._store.set_digests([(digest, None, item.path)])

    def _fresh(self) -> list[Item]:
        """Return large files that cannot be duplicates, because nothing has their size."""
        alone = self._store.alone_in_size(IN_FLIGHT_FROM, MOST_SIZES)
        # On a distant link hashing costs nothing beside sending, and parts can only be sent of a known digest.
        if not alone or is_distant(self._session):
            return []
        asked = {"sizes": [item.size for item in alone]}
        answer = self._session.json("POST", route("drafts", self._id or "", "sizes"), asked)
        known = Body(answer, "a list of sizes").found.get("known")
        if not isinstance(known, list):
            raise BadAnswer("The server answered with something that is not a list of sizes.")
        return [item for item in alone if item.size not in known]

    def _stage_and_send(self) -> None:
        missing = manifests.stage(self._session, self._id or "", self._store).below("missing")
        count = missing.number("count")
        if not count:
            return
        if count == self._store.count_blobs():
            self._store.want_all()
        else:
            self._store.want(self._missing())
        with Progress(f"Uploading {self._card.name}", missing.number("bytes")) as bar:
            self._send_wanted(bar)

    def _missing(self) -> Iterator[bytes]:
        path, after = route("drafts", self._id or "", "missing"), None
        while True:
            page = Body(
                self._session.json("GET", path, after=after, limit=MISSING_PAGE), "a list of blobs"
            ).found
            for found in page.get("results") or []:
                try:
                    yield bytes.fromhex(Body(found, "a missing blob").text("sha256"))
                except ValueError as error:
                    raise BadAnswer("The server misses a blob whose digest is none.") from error
            previous, after = after, page.get("next")
            if after is None:
                return
            if after == previous:
                raise BadAnswer("The server lists the same missing blobs again and again.")

    def _send_wanted(self, bar: Progress) -> None:
        """Send the small blobs in bundles, then the large ones each alone."""
        uploader, session, draft_id, staging = self._uploader(), self._session, self._id or "", self._staging
        with BoundedPool(bundles.SENDERS) as pool:
            watch = pool.watched(bar.add)
            small = (item for item in self._local_ones() if (item.size or 0) <= SMALL)
            for group in bundles.group(small):
                pool.submit(bundles.send, session, draft_id, group, staging, watch)
            for item in self._local_ones():
                if (item.size or 0) > SMALL:
                    pool.submit(uploader.send, item, watch)

    def _local_ones(self) -> Iterator[Item]:
        for item in self._store.wanted():
            if not item.is_local:
                raise LocalFileError(
                    f"{self._target.entity} does not have the bytes of {item.path!r} at the server, and they are not"
                    " on this machine; download the artifact that they come from, and add the file again."
                )
            yield item

    def _uploader(self) -> Uploader:
        return Uploader(self._session, self._id or "", self._staging, self._journal)
