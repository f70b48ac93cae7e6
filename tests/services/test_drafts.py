"""Logging a version, from draft to commit."""

from __future__ import annotations

import base64
import hashlib
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import (
    BlobsMissing,
    DraftClosed,
    Forbidden,
    InvalidManifest,
    InvalidMetadata,
    ManifestMissing,
    NotFound,
    PathCollision,
    ReservedType,
    SizeMismatch,
    TypeMismatch,
)
from registry.models import Alias, Collection, Event, Membership, Upload, Version
from registry.services import collections, drafts, runs, uploads, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return make.people()


@pytest.fixture
def project(people):
    return make.project(people)


@pytest.fixture
def bob(people):
    return make.actor(people.bob, "api")


def test_a_logged_version_has_content_number_latest_and_an_event(people, project):
    membership = make.log(people.bob, project, files={"a.txt": b"one", "d/b.txt": b"two"}, aliases=["best"])
    version = membership.version
    assert (membership.number, version.state, version.size, version.file_count) == (0, "COMMITTED", 6, 2)
    assert sorted(Alias.objects.values_list("name", flat=True)) == ["best", "latest"]
    lines = "".join(
        f"{p}:{base64.b64encode(hashlib.md5(b).digest()).decode()}\n"
        for p, b in [("a.txt", b"one"), ("d/b.txt", b"two")]
    )
    assert version.digest == hashlib.md5(("wandb-artifact-manifest-v1\n" + lines).encode()).hexdigest()
    assert Event.objects.filter(version_id=version.pk, act="version.log").count() == 1


def test_the_same_content_again_is_no_new_version_but_aliases_are_applied(people, project):
    first = make.log(people.bob, project, files={"a": b"1"})
    again = make.log(people.bob, project, files={"a": b"1"}, aliases=["gold"], tags=["ok"])
    assert again.pk == first.pk
    assert Membership.objects.count() == 1
    assert Alias.objects.get(name="gold").membership == first
    assert list(first.version.tags.values_list("name", flat=True)) == ["ok"]


def test_the_content_of_an_older_version_makes_a_new_one(people, project):
    make.log(people.bob, project, files={"a": b"1"})
    make.log(people.bob, project, files={"a": b"2"})
    third = make.log(people.bob, project, files={"a": b"1"})
    assert third.number == 2
    assert Alias.objects.get(name="latest").membership == third


def test_a_commit_of_the_same_draft_twice_answers_the_same_version(people, project, bob):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"a": b"1"}))
    make.send(bob, draft, {"a": b"1"})
    first = drafts.commit(bob, draft=draft)
    again = drafts.commit(bob, draft=drafts.find(bob, draft.public_id))
    assert (first.created, again.created) == (True, True)
    assert first.membership.pk == again.membership.pk


def test_a_commit_with_missing_blobs_is_refused_and_nothing_is_made(people, project, bob):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    staged = drafts.stage(bob, draft=draft, lines=make.manifest_lines({"a": b"1", "b": b"2"}))
    assert (staged.missing_count, staged.missing_bytes) == (2, 2)
    with pytest.raises(BlobsMissing):
        drafts.commit(bob, draft=draft)
    assert not Membership.objects.exists()
    assert not Collection.objects.live().exists()


def test_missing_names_what_to_send(project, bob):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"a": b"1", "b": b"1", "c": b"2"}))
    found, after = drafts.missing(bob, draft=draft)
    assert [path for _, _, path in found] == ["a", "c"]
    assert after is None


def test_a_commit_without_a_manifest_is_refused(project, bob):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    with pytest.raises(ManifestMissing):
        drafts.commit(bob, draft=draft)


def test_one_client_id_is_one_draft(project, bob):
    first, made = drafts.begin(bob, project=project, collection="c", type="model", client_id="abc")
    again, made_again = drafts.begin(bob, project=project, collection="c", type="model", client_id="abc")
    assert (first.pk, made, made_again) == (again.pk, True, False)


def test_a_client_id_of_somebody_else_is_another_draft(people, project, bob):
    alice = make.actor(people.alice, "api")
    first, _ = drafts.begin(bob, project=project, collection="c", type="model", client_id="abc")
    other, made = drafts.begin(alice, project=project, collection="c", type="model", client_id="abc")
    assert made
    assert other.pk != first.pk


def test_a_draft_is_for_the_eyes_of_who_began_it(people, project, bob):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    with pytest.raises(NotFound):
        drafts.find(make.actor(people.alice), draft.public_id)


def test_a_known_name_with_another_type_is_refused_naming_the_type_it_has(people, project):
    make.log(people.bob, project, "digits", type="dataset")
    with pytest.raises(TypeMismatch, match='"dataset"'):
        make.log(people.bob, project, "digits", type="model")


def test_a_draft_that_was_never_committed_does_not_settle_the_type(people, project, bob):
    drafts.begin(bob, project=project, collection="digits", type="model")
    assert make.log(people.bob, project, "digits", type="dataset").number == 0


def test_reserved_types_are_refused(project, bob):
    with pytest.raises(ReservedType):
        drafts.begin(bob, project=project, collection="c", type="job")


def test_a_viewer_may_not_log(people, project):
    with pytest.raises(Forbidden, match="member"):
        make.log(people.vera, project)


def test_a_stranger_does_not_learn_that_the_project_exists(people, project):
    with pytest.raises(NotFound):
        make.log(people.charlie, project)


def test_more_than_a_hundred_metadata_keys_are_refused(project, bob):
    with pytest.raises(InvalidMetadata, match="100"):
        drafts.begin(bob, project=project, collection="c", type="m", metadata={str(i): i for i in range(101)})


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (
            [
                b'{"path":"b","size":1,"sha256":"%s"}\n' % (b"1" * 64),
                b'{"path":"a","size":1,"sha256":"%s"}\n' % (b"1" * 64),
            ],
            InvalidManifest,
        ),
        ([b'{"path":"a","size":1,"sha256":"%s"}\n' % (b"1" * 64)] * 2, PathCollision),
        (
            [
                b'{"path":"a","size":1,"sha256":"%s"}\n' % (b"1" * 64),
                b'{"path":"a/b","size":1,"sha256":"%s"}\n' % (b"1" * 64),
            ],
            PathCollision,
        ),
        ([b"not json\n"], InvalidManifest),
    ],
)
def test_a_manifest_outside_the_rules_is_refused(project, bob, lines, error):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    with pytest.raises(error):
        drafts.stage(bob, draft=draft, lines=lines)


def test_a_manifest_that_lies_about_a_size_is_refused_at_the_latest_by_the_commit(people, project, bob):
    make.log(people.bob, project, files={"a": b"known"})
    line = make.manifest_lines({"a": b"known"})[0].replace(b'"size": 5', b'"size": 6')
    draft, _ = drafts.begin(bob, project=project, collection="d", type="model")

    def log():
        drafts.stage(bob, draft=draft, lines=[line])
        drafts.commit(bob, draft=draft)

    with pytest.raises(SizeMismatch, match="a"):
        log()


def test_an_empty_version_and_a_version_of_references_can_be_logged(people, project):
    empty = make.log(people.bob, project, "empty", files={})
    assert (empty.version.file_count, empty.version.size) == (0, 0)
    pointing = make.log(people.bob, project, "far", files={}, references={"x": "gopher://there/x"})
    assert pointing.version.file_count == 1


def test_a_run_that_logs_is_an_output_edge_also_when_nothing_is_new(people, project, bob):
    first, _ = runs.create(bob, project=project, name="first")
    second, _ = runs.create(bob, project=project, name="second")
    logged = make.log(people.bob, project, files={"a": b"1"}, run=first)
    make.log(people.bob, project, files={"a": b"1"}, run=second)
    assert [row.pk for row in runs.outputs(bob, second)] == [logged.pk]
    assert runs.logged_by(bob, logged) == first


def test_an_abandoned_draft_leaves_nothing(people, project, bob):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    drafts.abandon(bob, draft=draft)
    assert not Version.objects.exists()
    assert not Collection.objects.exists()


def test_stale_drafts_are_discarded_and_fresh_ones_kept(project, bob, settings):
    stale, _ = drafts.begin(bob, project=project, collection="old", type="model")
    Version.objects.filter(pk=stale.pk).update(
        updated_at=timezone.now() - timedelta(hours=settings.DRAFT_HOURS + 1)
    )
    fresh, _ = drafts.begin(bob, project=project, collection="new", type="model")
    assert drafts.abandon_stale() == 1
    assert list(Version.objects.all()) == [fresh]


def test_a_committed_draft_takes_nothing_more(people, project, bob):
    membership = make.log(people.bob, project)
    draft = drafts.find(bob, membership.version.public_id)
    with pytest.raises(DraftClosed):
        drafts.stage(bob, draft=draft, lines=[])
    with pytest.raises(DraftClosed):
        drafts.abandon(bob, draft=draft)


def test_small_logs_go_in_one_call_when_nothing_is_missing(people, project, bob):
    entry = {"path": "x", "ref": "s3://bucket/x", "digest": "etag", "size": 12}
    done = drafts.log_small(
        bob, project=project, collection="c", type="model", entries=[entry], aliases=["a"], tags=["t"]
    )
    assert (done.created, done.membership.version.size) == (True, 12)
    missing = {"path": "y", "size": 1, "sha256": "1" * 64}
    with pytest.raises(BlobsMissing):
        drafts.log_small(bob, project=project, collection="c", type="model", entries=[missing])
    assert Version.objects.count() == 1


def test_numbers_are_not_used_again_after_deletion(people, project):
    alice = make.actor(people.alice)
    first = make.log(people.bob, project, files={"a": b"1"})
    versions.delete(alice, membership=first, delete_aliases=True)
    assert make.log(people.bob, project, files={"a": b"2"}).number == 1
    found = collections.find(alice, project, "resnet")
    assert (found.next_number, found.version_count) == (2, 1)


def test_leftovers_of_broken_uploads_are_removed_after_the_time_of_a_draft(project, bob, settings):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    upload, _ = uploads.begin(bob, draft=draft, size=3, sha256="1" * 64)
    uploads.append(bob, upload=upload, number=1, offset=0, stream=io.BytesIO(b"ab"), length=2)
    assert uploads.clean_up() == 0
    assert uploads.clean_up(timezone.now() + timedelta(hours=settings.DRAFT_HOURS + 1)) >= 1
    assert not Upload.objects.exists()
