"""Each constraint of the database is broken on purpose; one without such a test fails the run."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import Model
from django.utils import timezone

from registry.models import (
    Alias,
    AliasMove,
    ApiKey,
    ArtifactType,
    Blob,
    CardRevision,
    CheckName,
    Chunk,
    Clock,
    Collection,
    CollectionTag,
    Entity,
    Event,
    EventSeal,
    ExpiryRun,
    FsckFinding,
    FsckRun,
    Identity,
    InboxNotice,
    Installation,
    Invitation,
    JobRun,
    Manifest,
    Membership,
    OrganizationMember,
    Project,
    Promotion,
    PromotionComment,
    PromotionReview,
    PromotionReviewer,
    ProtectedAlias,
    ReferenceBatch,
    ReferenceDrift,
    ReferenceOrder,
    ReferenceWatch,
    Registry,
    RegistryMember,
    Resolution,
    Run,
    RunInput,
    RunOutput,
    Star,
    StorageCount,
    StorageShare,
    StoredObject,
    Team,
    TeamMember,
    TtlPolicy,
    Upload,
    UploadPart,
    Version,
    VersionCheck,
    VersionReference,
    VersionTag,
    Webhook,
    WebhookAttempt,
    WebhookCursor,
    WebhookDelivery,
    guards,
)
from registry.services import (
    collections,
    drafts,
    invitations,
    keys,
    references,
    retention,
    runs,
    survey,
    webhook_log,
    webhooks,
)
from tests import factories as make
from tests.support.sealing import seal_now

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def rows():
    """One good row of every model."""
    people = make.people()
    bob, alice = make.actor(people.bob), make.actor(people.alice)
    project = make.project(people)
    run, _ = runs.create(bob, project=project, name="r")
    one = make.log(people.bob, project, files={"a": b"1"}, aliases=["gold"], tags=["t"], run=run)
    two = make.log(people.bob, project, files={"a": b"2"})
    Star.objects.create(user=people.bob, project=project)
    Star.objects.create(user=people.bob, collection=one.collection)
    runs.use(bob, run=run, membership=one)
    collections.edit(bob, collection=one.collection, tags=["t"])
    retention.set_policy(alice, target=project, ttl=60)
    draft, _ = drafts.begin(bob, project=project, collection="next", type="model", client_id="c")
    key, _ = keys.create(bob, user=people.bob, name="k")
    upload = Upload.objects.create(draft_id=draft.pk, scope=people.team.entity, sha256=b"u" * 32, size=10)
    UploadPart.objects.create(upload=upload, number=1, offset=0, size=5)
    Installation.current(setup_sha256=b"i" * 32)
    stored = StoredObject.objects.create(name="x", size=1)
    Blob.objects.create(scope=people.alice.entity, sha256=b"s" * 32, md5=b"m" * 16, size=1, object=stored)
    ProtectedAlias.objects.create(project=project, pattern="prod", folded="prod")
    asked = Promotion.objects.create(
        project=project, number=1, collection=one.collection, alias="prod", candidate=two, candidate_number=1,
        version=two.version, title="t", author=people.bob,
    )  # fmt: skip
    asked.reviewers.create(user=people.alice)
    asked.reviews.create(user=people.alice, verdict="approve", round=1)
    said = asked.comments.create(user=people.alice, body="b")
    InboxNotice.objects.create(user=people.bob, promotion=asked, kind="reviewed")
    InboxNotice.objects.create(user=people.bob, promotion=asked, kind="mentioned", comment=said)
    JobRun.objects.create(task="t", started_at=NOW)
    watch = ReferenceWatch.objects.create(
        version=one.version, scope=people.team.entity, total=5, unwatched=1, changed=1, next_at=NOW
    )
    ReferenceDrift.objects.create(
        watch=watch, position=0, path="a", path_sha256=b"p" * 32, uri="s3://b/a", state="changed",
        since=NOW, checked_at=NOW, digest="d", size=1,
    )  # fmt: skip
    FsckFinding.objects.create(run=FsckRun.objects.create(), kind="missing", subject="content 1")
    survey.count(people.team.entity)
    Clock.objects.create(pk=1, seen_at=NOW)
    ExpiryRun.objects.create(entity=people.team.entity, at=NOW, versions=1, size=1)
    invitations.invite(alice, team=people.team, role="viewer", link=str)
    Identity.objects.create(user=people.bob, issuer="https://example.org", subject="1")
    order, _ = references.add(bob, draft=draft, uri="ftp://example.org/x", name="x")
    ReferenceBatch.objects.create(order=order, number=0, entry_count=1, data=b"x")
    registry = make.registry(people)
    RegistryMember.objects.create(project=registry, user=people.olga)
    VersionReference.objects.create(source=one.version, target=two.version)
    CardRevision.objects.create(version=one.version, text="it was this")
    hook, _ = webhooks.create(
        alice, project=project, name="ci", url="https://ci.example.org/", kinds=["alias_moved"]
    )
    CheckName.objects.create(project=project, name="ci", folded="ci", owner=people.bob, key=key)
    VersionCheck.objects.create(
        membership=one, name="ci", folded="ci", built_in=True, evidence="0" * 64, state="pending"
    )
    WebhookAttempt.objects.create(delivery=webhook_log.ping(alice, webhook=hook), status=200, milliseconds=1)
    seal_now()
    return SimpleNamespace(
        hook=hook,
        people=people,
        project=project,
        run=run,
        one=one,
        two=two,
        draft=draft,
        key=key,
        upload=upload,
        registry=registry,
    )


def promoted(rows) -> Promotion:
    return Promotion.objects.create(
        project=rows.project,
        number=7,
        collection=rows.one.collection,
        alias="checked",
        candidate=rows.one,
        candidate_number=rows.one.number,
        version=rows.one.version,
        title="Promote it",
    )


def second_of_promotion(rows):
    row = VersionCheck(membership=rows.one, promotion=promoted(rows), name="x", folded="x", built_in=True)
    row.evidence = "0" * 64
    row.save()
    row.pk, row._state.adding = None, True
    row.save(force_insert=True)


def posted_of_promotion(rows):
    VersionCheck.objects.create(membership=rows.one, promotion=promoted(rows), name="x", folded="x")


def copy(model: type[Model], **changes):
    """Insert a copy of a row with changes: nothing changed breaks what must be unique."""

    def act(rows):
        row = model.objects.order_by("pk").first()
        row.pk, row._state.adding = None, True
        for name, value in changes.items():
            setattr(row, name, value)
        row.save(force_insert=True)

    return act


def change(model: type[Model], **changes):
    return lambda rows: model.objects.filter(pk=model.objects.order_by("pk").first().pk).update(**changes)


def add(make_row):
    return lambda rows: make_row(rows).save(force_insert=True)


def version(**changes):
    return lambda rows: Version.objects.filter(pk=rows.draft.pk).update(**changes)


def next_seal(**changes):
    def act(rows):
        good = {"position": EventSeal.objects.count() + 1, "event_id": -1, "hash": b"1" * 32}
        EventSeal.objects.create(**{**good, **changes})

    return act


def uncounted_seal(rows):
    """The guard, which would refuse it, too, is away: a chain may be written anew past it."""
    with connection.cursor() as cursor:
        guards.remove(cursor, connection.vendor)
    EventSeal.objects.create(position=0, event_id=-1, hash=b"1" * 32)


BREAK = {
    "alias_one_holder_per_collection": add(
        lambda r: Alias(collection=r.one.collection, membership=r.two, name="gold")
    ),
    "alias_move_names_an_alias": copy(AliasMove, name=""),
    "alias_move_comes_or_goes": copy(AliasMove, number=None),
    "alias_not_empty": change(Alias, name=""),
    "alias_is_not_a_version_number": change(Alias, name="v12"),
    "api_key_name_not_empty": change(ApiKey, name=""),
    "api_key_sha256_whole": change(ApiKey, sha256=b"1" * 31),
    "card_revision_of_one_card": change(CardRevision, version=None),
    "artifact_type_once_per_project": copy(ArtifactType),
    "artifact_type_name_not_empty": change(ArtifactType, name=""),
    "blob_once_per_scope": copy(Blob),
    "blob_sha256_whole": change(Blob, sha256=b"1" * 33),
    "blob_md5_whole": change(Blob, md5=b""),
    "blob_size_not_negative": change(Blob, size=-1),
    "blob_offset_not_negative": change(Blob, offset=-1),
    "blob_place_within_reason": change(Blob, offset=2**62 + 1),
    "chunk_once_per_scope": copy(Chunk),
    "chunk_in_one_place": change(Chunk, object=None, data=None),
    "chunk_kind_known": change(Chunk, kind="x"),
    "chunk_sha256_whole": change(Chunk, sha256=b"1"),
    "clock_only_one": add(lambda r: Clock(pk=2, seen_at=NOW)),
    "expiry_run_once_per_entity": copy(ExpiryRun),
    "collection_name_once_per_project": copy(Collection),
    "collection_name_not_empty": change(Collection, name=""),
    "collection_kind_known": change(Collection, kind="heap"),
    "collection_count_within_numbers": change(Collection, version_count=1000),
    "collection_tag_once": copy(CollectionTag),
    "collection_tag_not_empty": change(CollectionTag, name=""),
    "draft_once_per_client_id": add(
        lambda r: Version(sequence=r.one.collection, created_by=r.people.bob, client_id="c")
    ),
    "entity_deleted_is_a_team_with_a_date": change(Entity, deleted_at=NOW),
    "entity_name_not_empty": change(Entity, name=""),
    "entity_kind_known": change(Entity, kind="robot"),
    "fsck_run_by_known": change(FsckRun, by="ghost"),
    "fsck_run_state_known": change(FsckRun, state="asleep"),
    "fsck_run_done_has_date": change(FsckRun, state="done"),
    "fsck_run_part_of_parts": change(FsckRun, part=3, parts=2),
    "fsck_run_left_of_found": change(FsckRun, found=1, left=2),
    "fsck_finding_once_per_run": copy(FsckFinding),
    "fsck_finding_kind_known": change(FsckFinding, kind="odd"),
    "fsck_finding_outcome_known": change(FsckFinding, outcome="maybe"),
    "event_digest_whole": copy(Event, digest=b"1" * 31),
    "event_seal_hash_whole": next_seal(hash=b"1" * 33),
    "event_seal_position_counted": uncounted_seal,
    "installation_only_one": add(lambda r: Installation(id=2)),
    "setup_sha256_whole": change(Installation, setup_sha256=b"1"),
    "job_run_state_known": change(JobRun, state="odd", finished_at=NOW),
    "job_run_finished_unless_running": change(JobRun, state="done"),
    "job_run_error_only_when_failed": change(JobRun, error="odd"),
    "manifest_once_per_scope": copy(Manifest),
    "manifest_roots_whole": change(Manifest, folders_root=b"1"),
    "manifest_digest_whole": change(Manifest, digest="F" * 32),
    "manifest_references_of_entries": change(Manifest, entry_count=1, reference_count=2),
    "watch_state_known": change(ReferenceWatch, state="bent", checked_at=NOW, state_since=NOW),
    "watch_place_of_a_look": change(ReferenceWatch, seen=1),
    "watch_unwatched_among_seen": change(ReferenceWatch, begun_at=NOW, seen=1, seen_unwatched=2),
    "watch_states_within_total": change(ReferenceWatch, missing=4),
    "watch_claim_whole": change(ReferenceWatch, claim="somebody"),
    "drift_once_per_reference": copy(ReferenceDrift, path_sha256=b"q" * 32),
    "drift_once_per_path": copy(ReferenceDrift, position=1),
    "drift_state_known": change(ReferenceDrift, state="ok", digest="", size=None),
    "drift_refused_is_unreachable": change(ReferenceDrift, refused=True),
    "drift_found_only_when_changed": change(ReferenceDrift, state="missing"),
    "drift_sha256_whole": change(ReferenceDrift, path_sha256=b"1" * 31),
    "drift_once_per_place": lambda r: ReferenceDrift.objects.bulk_create(
        ReferenceDrift(
            watch=ReferenceDrift.objects.get().watch,
            position=7 + n,
            path=str(n),
            path_sha256=bytes([n]) * 32,
            uri="file:///x",
            state="unreachable",
            refused=True,
            place_sha256=b"p" * 32,
            since=NOW,
            checked_at=NOW,
        )
        for n in range(2)
    ),
    "drift_place_is_refused": change(ReferenceDrift, others=1),
    "check_name_once_per_registry": copy(CheckName, name="CI"),
    "check_name_not_empty": change(CheckName, name=""),
    "version_check_once_per_name": copy(VersionCheck, name="CI"),
    "promotion_check_once_per_name": second_of_promotion,
    "version_check_has_name": change(VersionCheck, folded=""),
    "version_check_state_known": change(VersionCheck, state="done", finished_at=NOW),
    "version_check_ended_has_date": change(VersionCheck, state="success"),
    "version_check_held_while_made": change(VersionCheck, holder="x" * 32),
    "version_check_posted_of_version": posted_of_promotion,
    "version_check_evidence_whole": change(VersionCheck, evidence="F" * 64),
    "identity_of_one_person": add(
        lambda r: Identity(user=r.people.alice, issuer="https://example.org", subject="1")
    ),
    "identity_once_per_issuer": copy(Identity, subject="2"),
    "identity_whole": change(Identity, subject=""),
    "invitation_role_known": change(Invitation, role="owner"),
    "invitation_sha256_whole": change(Invitation, sha256=b"1" * 31),
    "invitation_ends_once": change(Invitation, accepted_at=NOW, revoked_at=NOW),
    "notice_once_a_kind": copy(InboxNotice),
    "notice_once_a_comment": lambda r: InboxNotice.objects.create(
        user=r.people.bob,
        promotion=(said := PromotionComment.objects.get()).promotion,
        kind="commented",
        comment=said,
    ),
    "notice_of_a_comment_or_none": change(InboxNotice, kind="mentioned"),
    "organization_member_once": copy(OrganizationMember),
    "organization_role_known": change(OrganizationMember, role="viewer"),
    "project_name_once_per_entity": copy(Project),
    "project_deleted_has_purge_date": change(Project, deleted_at=NOW),
    "project_purged_only_when_deleted": change(Project, purged_at=NOW),
    "project_name_not_empty": change(Project, name=""),
    "protected_alias_once_per_registry": copy(ProtectedAlias, pattern="PROD"),
    "protected_alias_not_empty": change(ProtectedAlias, folded=""),
    "protected_alias_approvals_in_bounds": change(ProtectedAlias, approvals=21),
    "protected_alias_approver_role_known": change(ProtectedAlias, approver_role="owner"),
    "protected_alias_promoter_role_known": change(ProtectedAlias, promoter_role="viewer"),
    "promotion_number_once_per_registry": copy(Promotion, candidate=None),
    "promotion_open_once_per_candidate": copy(Promotion, number=2),
    "promotion_numbers_counted": change(Promotion, round=0),
    "promotion_says_what_it_asks_for": change(Promotion, title=""),
    "promotion_closed_has_date": change(Promotion, state="promoted"),
    "promotion_changes_the_holder": change(Promotion, base_number=1),
    "promotion_reviewer_once": copy(PromotionReviewer),
    "promotion_review_verdict_known": change(PromotionReview, verdict="maybe"),
    "promotion_review_round_counted": change(PromotionReview, round=0),
    "promotion_comment_says_something": change(PromotionComment, body=""),
    "promotion_comment_hangs_on_something": change(PromotionComment, on="file"),
    "project_kind_known": change(Project, kind="odd"),
    "project_visibility_known": change(Project, visibility="public"),
    "reference_once_per_draft": copy(ReferenceOrder),
    "reference_uri_not_empty": change(ReferenceOrder, uri=""),
    "reference_key_whole": change(ReferenceOrder, key=b"1" * 31),
    "reference_takes_one_at_least": change(ReferenceOrder, max_objects=0),
    "reference_state_known": change(ReferenceOrder, state="odd"),
    "reference_failure_whole": change(ReferenceOrder, state="failed", finished_at=NOW, code="x"),
    "reference_finished_has_date": change(ReferenceOrder, state="resolved", found_count=1),
    "reference_resolved_is_something": change(ReferenceOrder, state="resolved", finished_at=NOW),
    "reference_batch_once": copy(ReferenceBatch),
    "reference_batch_in_bounds": change(ReferenceBatch, entry_count=1001),
    "resolution_held_since": change(Resolution, holder="x"),
    "resolution_failure_whole": change(Resolution, code="x", why="y"),
    "resolution_renewal_whole": change(Resolution, mark="2026-01-01T00:00:00Z"),
    "version_reference_once": copy(VersionReference),
    "version_reference_to_another": lambda r: VersionReference.objects.update(
        target_id=models.F("source_id")
    ),
    "run_name_once_per_project": copy(Run),
    "run_name_not_empty": change(Run, name=""),
    "run_state_known": change(Run, state="odd"),
    "run_input_once": copy(RunInput),
    "run_output_once": copy(RunOutput),
    "star_once_per_project": copy(Star),
    "star_once_per_collection": add(lambda r: Star(user=r.people.bob, collection=r.one.collection)),
    "star_on_one_thing": change(Star, project=None, collection=None),
    "stored_object_name_not_empty": change(StoredObject, name=""),
    "stored_object_size_not_negative": change(StoredObject, size=-1),
    "stored_object_state_known": change(StoredObject, state="odd"),
    "stored_object_doomed_has_date": change(StoredObject, state="doomed"),
    "storage_count_once_a_day": copy(StorageCount),
    "storage_count_adds_up": change(StorageCount, unused=10**6),
    "storage_share_once_per_project": copy(StorageShare),
    "storage_share_once_per_collection": add(
        lambda r: StorageShare(
            entity=r.people.team.entity,
            project=r.project,
            collection=r.one.collection,
            versions=1,
            named=1,
            stored=1,
            alone=1,
            idle_since=NOW,
        )
    ),
    "storage_share_alone_within_stored": change(StorageShare, alone=10**6),
    "team_trash_days_within_reason": change(Team, trash_days=36501),
    "team_ttl_editors_known": change(Team, ttl_editors="all"),
    "team_member_once": copy(TeamMember),
    "team_role_known": change(TeamMember, role="owner"),
    "ttl_policy_of_exactly_one": lambda r: TtlPolicy.objects.update(entity=r.people.team.entity),
    "ttl_policy_positive": change(TtlPolicy, seconds=0),
    "upload_open_once_per_digest": copy(Upload, pk=uuid.uuid4()),
    "upload_sha256_whole": change(Upload, sha256=b"1"),
    "upload_size_within_reason": change(Upload, size=2**62 + 1),
    "upload_state_known": change(Upload, state="odd"),
    "upload_complete_has_digest": change(Upload, state="complete", sha256=None),
    "upload_direct_whole": change(Upload, parts_id="1"),
    "upload_part_once": copy(UploadPart, offset=7),
    "upload_part_offset_once": copy(UploadPart, number=2),
    "upload_part_number_within_reason": change(UploadPart, number=10_001),
    "upload_part_place_within_reason": change(UploadPart, offset=2**62 + 1),
    "version_state_known": version(state="ODD"),
    "version_committed_has_content": version(state="COMMITTED"),
    "version_digest_whole": version(digest="abc"),
    "version_deleted_has_date": version(state="DELETED"),
    "version_purged_only_when_deleted": version(purged_at=NOW),
    "version_ttl_whole": version(ttl_kind="duration"),
    "version_number_once_per_collection": add(
        lambda r: Membership(
            collection=r.two.collection, version=Version.objects.create(sequence=r.two.collection), number=1
        )
    ),
    "registry_icon_known": change(Registry, icon="flask"),
    "registry_member_is_a_person_or_a_team": change(RegistryMember, user=None),
    "registry_person_once": copy(RegistryMember),
    "registry_team_once": lambda r: RegistryMember.objects.bulk_create(
        RegistryMember(project=r.registry, team=r.people.team) for _ in range(2)
    ),
    "registry_role_known": change(RegistryMember, role="guest"),
    "version_once_per_collection": copy(Membership, number=9),
    "version_tag_once": copy(VersionTag),
    "webhook_name_once_per_project": copy(Webhook),
    "webhook_has_name_and_address": change(Webhook, url=""),
    "webhook_salt_whole": change(Webhook, salt=b"1"),
    "webhook_old_secret_has_an_end": change(Webhook, old_salt=b"1" * 32),
    "webhook_disabled_says_why": change(Webhook, disabled_at=NOW),
    "webhook_cursor_only_one": add(lambda r: WebhookCursor(pk=2, position=0)),
    "delivery_once_per_event": lambda r: [
        WebhookDelivery.objects.create(webhook=r.hook, kind="x", body="{}", position=1, next_at=NOW)
        for _ in range(2)
    ],
    "delivery_waits_or_is_over": change(WebhookDelivery, state="failed"),
    "attempt_was_answered_or_says_why": change(WebhookAttempt, status=None),
    "version_tag_not_empty": change(VersionTag, name=""),
}


# Whichever of the two the database looks at first.
IMPLIED_BY = {
    "reference_state_known": "reference_failure_whole",
    "stored_object_state_known": "stored_object_doomed_has_date",
}


def all_constraints() -> list[str]:
    models = apps.get_app_config("registry").get_models()
    return sorted(constraint.name for model in models for constraint in model._meta.constraints)


def test_every_constraint_has_a_test_that_breaks_it():
    assert all_constraints() == sorted(BREAK)


@pytest.mark.parametrize("name", sorted(BREAK))
def test_the_database_refuses(rows, name):
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BREAK[name](rows)
    said = str(refused.value)
    # SQLite names the columns of what must be unique; the sign of a column is refused by the column's type, too.
    by_name = name in said or IMPLIED_BY.get(name, "?") in said
    assert by_name or "UNIQUE constraint failed" in said or name.endswith("_not_negative")


@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(
            lambda r: Entity.objects.create(name="X", folded=r.people.bob.username, kind="user"), id="entity"
        ),
        pytest.param(copy(ApiKey), id="key"),
        pytest.param(copy(StoredObject), id="object"),
        pytest.param(copy(TtlPolicy), id="policy"),
        pytest.param(
            lambda r: Membership.objects.filter(pk=r.one.pk)._raw_delete("default"), id="held-membership"
        ),
        pytest.param(
            lambda r: Version.objects.filter(pk=r.one.version_id)._raw_delete("default"), id="held-version"
        ),
    ],
)
def test_unique_columns_and_links_are_the_databases_too(rows, break_it):
    def end_of_transaction():
        break_it(rows)
        # Links are looked at when a transaction ends, which that of a test never does.
        connection.check_constraints()

    with pytest.raises(IntegrityError), transaction.atomic():
        end_of_transaction()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has none of its conditions from Django")
def test_a_plain_sqlite_checks_and_copies_the_database(rows, tmp_path):
    written = bytearray(connection.connection.serialize())
    written[18:20] = b"\1\1"  # not in WAL mode, whose log would be missed
    (tmp_path / "plain.sqlite3").write_bytes(written)
    with closing(sqlite3.connect(tmp_path / "plain.sqlite3")) as plain:
        assert plain.execute("SELECT count(*) FROM registry_version").fetchone()[0] == 3
        assert plain.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        plain.execute("VACUUM INTO ?", [str(tmp_path / "copy.sqlite3")])


@pytest.mark.parametrize("name", ["v", "v1a", "V1", "vv1", "1", "v 1", "v1.0"])
def test_an_alias_may_look_a_little_like_a_version_number(rows, name):
    Alias.objects.filter(pk=Alias.objects.first().pk).update(name=name)


@pytest.mark.parametrize("digest", ["a" * 31, "A" * 32, "g" + "a" * 31, "a" * 31 + "\n"])
def test_a_digest_is_32_digits_of_lower_case(rows, digest):
    for model, kept in ((Manifest, Manifest.objects.first()), (Version, rows.draft)):
        with pytest.raises(IntegrityError, match="digest_whole"), transaction.atomic():
            model.objects.filter(pk=kept.pk).update(digest=digest)
