"""`manage.py storage check`: what it says of storages that work, and of those that don't."""

from __future__ import annotations

import io
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from registry.storage import backends
from registry.storage.advice import S3_ACTIONS
from registry.storage.trouble import StoreError, Trouble
from tests.support.stores import AZURE_ACCOUNT

pytestmark = pytest.mark.django_db
ORIGIN = "https://artifacts.example.org"


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("storage", "check", *arguments, stdout=out)
    return out.getvalue()


def failing(*arguments: str) -> str:
    out = StringIO()
    with pytest.raises(CommandError, match=r"of these fail|1 of these"):
        call_command("storage", "check", *arguments, stdout=out)
    return out.getvalue()


def test_a_storage_that_works_is_said_to_work_and_left_as_it_was(anywhere):
    backends.current().put("packs/ab/1", io.BytesIO(b"x"))
    told = said()
    assert "FAILS" not in told
    assert "The storage works." in told
    assert [found.name for found in backends.current().walk()] == ["packs/ab/1"]
    assert list(backends.current().walk_parts()) == []


def test_the_local_disk_is_checked_too(settings, tmp_path):
    settings.INCOMING_DIR = tmp_path / "incoming"
    local = {
        "BACKEND": "registry.storage.backends.local.LocalBlobStorage",
        "OPTIONS": {"location": tmp_path / "blobs"},
    }
    settings.STORAGES = {**settings.STORAGES, "blobs": local}
    told = said()
    assert "The storage works." in told
    assert "signs none" in told


def test_the_bucket_that_is_missing_is_named(anywhere, kept_in, request):
    store = request.getfixturevalue(f"{anywhere}_store")
    kept_in(anywhere, store, STRONGROOM_BLOBS_BUCKET="there-is-no-such")
    told = failing()
    assert "correct STRONGROOM_BLOBS_BUCKET" in told
    assert "there-is-no-such" in told
    assert "read it" not in told


def test_a_store_that_nobody_answers_for_is_told_from_one_that_refuses(kept_in, s3_store):
    kept_in("s3", s3_store, STRONGROOM_BLOBS_ENDPOINT="http://127.0.0.1:9")
    assert "Check STRONGROOM_BLOBS_ENDPOINT" in failing()


@pytest.mark.parametrize(
    ("method", "need"),
    [
        ("put", "write"),
        ("open", "read"),
        ("walk", "list"),
        ("walk_parts", "unfinished"),
        ("begin_parts", "abort"),
        ("list_parts", "parts"),
        ("delete", "delete"),
    ],
)
def test_the_permission_that_is_missing_is_named_with_a_policy_to_paste(
    kept_in, s3_store, monkeypatch, method, need
):
    kept_in("s3", s3_store, STRONGROOM_BLOBS_PREFIX="ours")
    backend = backends.current()

    def refuse(*_, **__):
        raise StoreError(Trouble.DENIED, "AccessDenied")

    monkeypatch.setattr(backend, method, refuse)
    told = failing()
    assert f"The credentials lack {S3_ACTIONS[need]}." in told
    assert f'"arn:aws:s3:::{s3_store.bucket}/ours/*"' in told
    assert all(f'"{action}"' in told for action in S3_ACTIONS.values())


@pytest.mark.parametrize(
    ("why", "advice"),
    [
        ("HeadObject: InvalidAccessKeyId", "check the keys"),
        ("PutObject: RequestTimeTooSkewed", "clock of this machine"),
        ("PutObject: PermanentRedirect", "STRONGROOM_BLOBS_REGION"),
    ],
)
def test_credentials_clock_and_region_are_told_apart(kept_in, s3_store, monkeypatch, why, advice):
    kept_in("s3", s3_store)

    def refuse(*_, **__):
        raise StoreError(Trouble.DENIED, why)

    monkeypatch.setattr(backends.current(), "put", refuse)
    assert advice in failing()


def test_a_wrong_key_of_azure_is_no_missing_role(kept_in, azure_store):
    keys = {"STRONGROOM_BLOBS_KEY_ID": AZURE_ACCOUNT, "STRONGROOM_BLOBS_KEY": "d3Jvbmc="}
    kept_in("azure", azure_store, STRONGROOM_BLOBS_ENDPOINT=azure_store.endpoint, **keys)
    told = failing()
    assert "does not know these credentials" in told
    assert "role assignment" not in told
    assert "storage check" not in told, "who runs it need not be told to run it"


def test_where_there_are_no_credentials_it_says_how_to_give_some(kept_in, s3_store, monkeypatch):
    kept_in("s3", s3_store)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert "finds no credentials: set STRONGROOM_BLOBS_KEY_ID" in failing()


def test_a_browser_is_played_where_the_rule_allows_it(kept_in, s3_store):
    # The server that speaks S3 here lets every origin in.
    kept_in("s3", s3_store)
    told = said("--origin", ORIGIN)
    assert f"ok  let pages of {ORIGIN} send (preflight)" in told
    assert f"ok  let pages of {ORIGIN} fetch" in told


def rule(store, origins, methods, headers):
    from azure.storage.blob import CorsRule

    store.client.set_service_properties(
        cors=[
            CorsRule(origins, methods, allowed_headers=headers, exposed_headers=["*"], max_age_in_seconds=1)
        ]
    )


@pytest.fixture
def azure(azure_store, kept_in):
    kept_in("azure", azure_store)
    yield azure_store
    azure_store.client.set_service_properties(cors=[])


def test_a_rule_that_is_missing_is_named_once_and_ready_to_paste(azure):
    told = failing("--origin", ORIGIN)
    assert f"FAILS  let pages of {ORIGIN} send (preflight)" in told
    assert told.count("az storage cors add") == 1
    assert f"--origins {ORIGIN}" in told


def test_the_right_rule_is_enough(azure):
    rule(azure, [ORIGIN], ["GET", "HEAD", "PUT", "OPTIONS"], ["*"])
    assert "The storage works." in said("--origin", ORIGIN)


def test_a_rule_for_another_origin_or_without_a_header_is_not(azure):
    rule(azure, ["https://other.example.org"], ["GET", "PUT"], ["*"])
    assert f"FAILS  let pages of {ORIGIN} send (PUT)" in failing("--origin", ORIGIN)
    rule(azure, [ORIGIN], ["GET", "PUT"], ["content-type"])
    assert f"FAILS  let pages of {ORIGIN} send (preflight)" in failing("--origin", ORIGIN)


def test_google_s_rule_is_written_as_its_tool_takes_it(kept_in, gcs_store):
    kept_in("gcs", gcs_store)
    told = failing("--origin", ORIGIN)
    assert f"gcloud storage buckets update gs://{gcs_store.bucket} --cors-file=cors.json" in told
    assert '"x-goog-content-length-range"' in told


def test_the_other_storage_is_checked_when_asked_for(kept_in, s3_store, azure_store):
    kept_in("s3", s3_store)
    with pytest.raises(CommandError, match="STRONGROOM_OTHER_BLOBS is not set"):
        said("--other")
    kept_in("azure", azure_store, other=True)
    assert f"azure, {azure_store.bucket}" in said("--other")


def test_what_is_wrong_with_the_other_storage_names_its_own_settings(kept_in, s3_store):
    kept_in("s3", s3_store)
    kept_in("s3", s3_store, other=True, STRONGROOM_OTHER_BLOBS_BUCKET="there-is-no-such")
    assert "correct STRONGROOM_OTHER_BLOBS_BUCKET" in failing("--other")
