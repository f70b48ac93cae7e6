"""Logging small versions in one call: few queries, and no reading or writing of content under the lock."""

from __future__ import annotations

import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry import storage
from registry.errors import BlobsMissing, DigestMismatch, DraftClosed, Forbidden, IncompleteBody
from registry.models import Chunk, Collection, Event, Manifest, StoredObject, Version
from registry.services import drafts, files, runs
from registry.storage import frames
from tests.factories import actor

pytestmark = pytest.mark.django_db


def log(who, project, uri: str = "s3://b/x", **more):
    entries = [{"path": "x", "ref": uri, "digest": uri, "size": 1}]
    return drafts.log_small(who, project=project, collection="c", type="model", entries=entries, **more)


def test_a_small_log_costs_few_queries_however_many_aliases_move(project, bob):
    log(bob, project, aliases=["a", "b", "c"], tags=["t"])
    costs = []
    for uri, names in (("s3://b/1", ["a"]), ("s3://b/2", ["a", "b", "c"])):
        with CaptureQueriesContext(connection) as done:
            log(bob, project, uri, aliases=names, tags=["t"])
        costs.append(len(done))
    # The test itself is one transaction: a savepoint and its release stand for BEGIN and COMMIT. References cost one
    # query more than files alone: that they are there is noted for those who look at them again.
    assert costs[0] == costs[1] <= 23


def test_the_events_of_one_commit_are_those_of_its_parts_in_order(project, bob):
    log(bob, project, aliases=["a"], tags=["t"])
    told = [
        (event.act, event.subject)
        for event in Event.objects.filter(collection_id__isnull=False).order_by("id")
    ]
    assert told == [
        ("collection.create", f"{project}/c"),
        ("version.log", "c:v0"),
        ("alias.move", "a"),
        ("tag.edit", "c:v0"),
    ]


def test_files_are_written_before_the_collection_is_locked(project, bob, monkeypatch):
    write, inside = storage.write_pieces, []

    def watched(pieces):
        inside.append(Collection.objects.exists())
        return write(pieces)

    monkeypatch.setattr(storage, "write_pieces", watched)
    entries = [
        {"path": f"{n:04}", "ref": f"s3://b/{n}", "digest": hashlib.md5(b"%d" % n).hexdigest(), "size": 1}
        for n in range(1000)
    ]
    done = drafts.log_small(bob, project=project, collection="c", type="model", entries=entries)
    assert done.membership.version.file_count == 1000
    assert inside == [False]


def framed(*contents: bytes) -> bytes:
    return b"".join(frames.head(hashlib.sha256(data).digest(), len(data)) + data for data in contents)


def log_brought(who, project, bundle: bytes, content: bytes = b"1", **more):
    entries = [{"path": "x", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}]
    return drafts.log_small(
        who, project=project, collection="c", type="model", entries=entries, bundle=bundle, **more
    )


def test_bytes_that_come_along_are_kept_and_are_no_hindrance_when_they_were_there(project, bob):
    done = log_brought(bob, project, framed(b"1"), client_id="one")
    assert files.content(bob, done.membership, "x")[1].sha256 == hashlib.sha256(b"1").digest()
    assert log_brought(bob, project, framed(b"1"), client_id="one").membership == done.membership
    assert not log_brought(bob, project, framed(b"1", b"more")).created
    assert StoredObject.objects.count() == 2


def test_a_client_id_does_not_log_other_contents(project, bob):
    log_brought(bob, project, framed(b"1"), client_id="one")
    with pytest.raises(DraftClosed, match="other contents"):
        log_brought(bob, project, framed(b"2"), b"2", client_id="one")


@pytest.mark.parametrize(
    ("bundle", "error"),
    [
        (framed(b"2"), BlobsMissing),
        (framed(b"1")[:-1] + b"2", DigestMismatch),
        (framed(b"1")[:-1], IncompleteBody),
        (b"x", IncompleteBody),
    ],
)
def test_bytes_that_are_not_what_they_say_leave_no_version(project, bob, bundle, error):
    with pytest.raises(error):
        log_brought(bob, project, bundle)
    assert not Version.objects.exists()
    assert not Collection.objects.exists()


def test_who_may_not_log_leaves_no_bytes_either(project, people):
    with pytest.raises(Forbidden):
        log_brought(actor(people.vera), project, framed(b"1"))
    assert not StoredObject.objects.exists()


def test_missing_blobs_leave_nothing(project, bob):
    with pytest.raises(BlobsMissing):
        drafts.log_small(
            bob,
            project=project,
            collection="c",
            type="model",
            entries=[{"path": "y", "size": 1, "sha256": "1" * 64}],
        )
    for model in (Collection, Version, Manifest, Chunk):
        assert not model.objects.exists()


def test_logging_the_same_again_by_a_run_is_told(project, bob):
    first = log(bob, project).membership
    run, _ = runs.create(bob, project=project, name="r")
    for _ in range(2):
        assert not log(bob, project, run=run).created
    event = Event.objects.get(act="version.log_unchanged")
    assert (event.version_id, event.subject, event.after) == (first.version_id, first.name, {"run": "r"})
    assert [row.pk for row in runs.outputs(bob, run)] == [first.pk]
    assert Version.objects.count() == 1
