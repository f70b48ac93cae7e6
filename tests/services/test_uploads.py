"""Bytes for drafts: whose uploads they are, and until when."""

from __future__ import annotations

import hashlib
import io
import uuid

import pytest

from registry import storage
from registry.errors import Conflict, DigestMismatch, DraftClosed, InvalidDigest, NotFound
from registry.models import Upload
from registry.services import drafts, uploads
from registry.storage import completion
from tests import factories as make

pytestmark = pytest.mark.django_db

DATA = b"x" * 1000


@pytest.fixture
def draft(project, bob):
    begun, _ = drafts.begin(bob, project=project, collection="big", type="model")
    drafts.stage(bob, draft=begun, lines=make.manifest_lines({"w": DATA}))
    return begun


def append(who, upload, data=DATA):
    return uploads.append(who, upload=upload, number=1, offset=0, stream=io.BytesIO(data), length=len(data))


def test_a_large_file_arrives_in_parts_and_is_committed(bob, draft):
    upload, created = uploads.begin(bob, draft=draft, size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())
    again, created_again = uploads.begin(
        bob, draft=draft, size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest()
    )
    assert (again.pk, created, created_again) == (upload.pk, True, False)
    assert append(bob, uploads.find(bob, upload.pk)) == len(DATA)
    assert uploads.complete(bob, upload=upload, sha256=hashlib.sha256(DATA).hexdigest()).size == len(DATA)
    assert drafts.commit(bob, draft=drafts.find(bob, draft.public_id)).membership.version.size == len(DATA)
    with pytest.raises(DraftClosed):
        uploads.find(bob, upload.pk)


def test_bytes_of_another_digest_are_refused(bob, draft):
    upload, _ = uploads.begin(bob, draft=draft, size=len(DATA))
    append(bob, upload)
    with pytest.raises(DigestMismatch):
        uploads.complete(bob, upload=upload, sha256="1" * 64)


@pytest.mark.parametrize("digest", ["", "x", "1" * 63, "g" * 64, "1" * 66])
def test_what_is_no_digest_is_refused(bob, draft, digest):
    with pytest.raises(InvalidDigest):
        uploads.begin(bob, draft=draft, size=1, sha256=digest)


def test_an_upload_is_for_who_began_it_alone(people, alice, bob, draft):
    upload, _ = uploads.begin(bob, draft=draft, size=len(DATA))
    for who in (alice, make.actor(people.root)):
        for act in (
            lambda who: uploads.find(who, upload.pk),
            lambda who: append(who, upload),
            lambda who: uploads.complete(who, upload=upload, sha256="1" * 64),
        ):
            with pytest.raises(NotFound):
                act(who)
    with pytest.raises(NotFound):
        uploads.find(bob, uuid.uuid4())


def test_known_sizes_are_those_of_the_entity(people, project, bob, draft):
    make.log(people.bob, project, files={"a": b"12345"})
    make.log(people.charlie, _own(people), files={"a": b"123456789"})
    assert uploads.known_sizes(bob, draft=draft, sizes=[5, 9, 77]) == [5]


def _own(people):
    from registry.services import projects

    return projects.create(make.actor(people.charlie), entity=people.charlie.entity, name="own")


def test_an_upload_given_up_while_it_is_completed_is_a_conflict(bob, draft, monkeypatch):
    upload, _ = uploads.begin(bob, draft=draft, size=len(DATA))
    append(bob, upload)
    progress = completion.progress

    def given_up_meanwhile(which):
        found = progress(which)
        storage.abandon_upload(which)
        return found

    monkeypatch.setattr(completion, "progress", given_up_meanwhile)
    with pytest.raises(Conflict, match="given up"):
        uploads.complete(bob, upload=upload, sha256=hashlib.sha256(DATA).hexdigest())
    assert not Upload.objects.exists()
