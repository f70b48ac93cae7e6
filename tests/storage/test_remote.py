"""What servers for tests do not prove: signatures and their bounds, broken connections, errors by their names."""

from __future__ import annotations

import io
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest

from artifacts_site import buckets
from registry.storage import backends
from registry.storage.backends.remote import Answer, RemoteRange
from registry.storage.trouble import StoreError, Trouble
from tests.support.bucket_settings import environment
from tests.support.google_key import google_key
from tests.support.installation import ROOT, clean_environment
from tests.support.stores import Store

NAME = "large/ab/1"
SUM = bytes(range(32))


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@pytest.fixture
def s3(kept_in):
    kept_in(
        "s3",
        Store("", "rooms", None, {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}),
        STRONGROOM_BLOBS_REGION="us-east-1",
        STRONGROOM_BLOBS_PREFIX="ours",
        STRONGROOM_BLOBS_ADDRESSING="virtual",
    )
    return backends.current()


@pytest.fixture
def gcs(kept_in):
    kept_in("gcs", Store("", "rooms", None), STRONGROOM_BLOBS_KEY=google_key())
    return backends.current()


@pytest.fixture
def azure(kept_in):
    key = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
    kept_in("azure", Store("", "rooms", None), STRONGROOM_BLOBS_KEY_ID="ours", STRONGROOM_BLOBS_KEY=key)
    return backends.current()


# --- Signed links -------------------------------------------------------------------------------------------------
def test_a_link_to_s3_is_signed_the_new_way_for_this_object_and_a_quarter_of_an_hour(s3):
    url = s3.presign_get(NAME, disposition='attachment; filename="a"', content_type="a/b")
    assert urlsplit(url).netloc == "rooms.s3.amazonaws.com"
    assert urlsplit(url).path == "/ours/large/ab/1"
    told = query(url)
    assert told["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert told["X-Amz-Expires"] == "900"
    assert told["X-Amz-Credential"].startswith("AKIDEXAMPLE/")
    assert told["X-Amz-Credential"].endswith("/us-east-1/s3/aws4_request")
    assert told["response-content-disposition"] == 'attachment; filename="a"'
    assert "AWSAccessKeyId" not in told


def test_a_link_for_a_part_binds_method_size_and_checksum(s3):
    link = s3.presign_part(NAME, "upload", 3, size=5, checksum=SUM, seconds=60)
    told = query(link.url)
    assert link.method == "PUT"
    assert (told["partNumber"], told["uploadId"], told["X-Amz-Expires"]) == ("3", "upload", "60")
    assert set(told["X-Amz-SignedHeaders"].split(";")) == {"content-length", "host", "x-amz-checksum-sha256"}
    assert link.headers == {
        "x-amz-checksum-sha256": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "Content-Length": "5",
    }
    other = s3.presign_part(NAME, "upload", 3, size=6, checksum=SUM, seconds=60)
    assert query(other.url)["X-Amz-Signature"] != told["X-Amz-Signature"]


def test_stores_of_other_makers_can_be_bound_by_md5(s3, kept_in):
    kept_in("s3", Store("", "rooms", None), STRONGROOM_BLOBS_CHECKSUM="md5")
    link = backends.current().presign_part(NAME, "upload", 1, size=5, checksum=SUM[:16])
    assert "content-md5" in query(link.url)["X-Amz-SignedHeaders"].split(";")
    assert link.headers["Content-MD5"] == "AAECAwQFBgcICQoLDA0ODw=="


def test_links_name_the_address_that_others_reach_the_store_by(s3, kept_in):
    kept_in(
        "s3",
        Store("", "rooms", None),
        STRONGROOM_BLOBS_ENDPOINT="http://minio:9000",
        STRONGROOM_BLOBS_PUBLIC_ENDPOINT="https://s3.example.org",
        STRONGROOM_BLOBS_ADDRESSING="path",
    )
    url = backends.current().presign_get(NAME, disposition="attachment", content_type="a/b")
    assert url.startswith("https://s3.example.org/rooms/large/ab/1?")


def test_the_origin_is_the_one_that_links_lead_to(s3, kept_in):
    assert s3.origin == "https://rooms.s3.amazonaws.com"
    public = {"STRONGROOM_BLOBS_PUBLIC_ENDPOINT": "https://files.example.org:8443"}
    for kind, more in (
        ("s3", {"STRONGROOM_BLOBS_REGION": "us-east-1", "STRONGROOM_BLOBS_ADDRESSING": "path"}),
        ("gcs", {"STRONGROOM_BLOBS_KEY": google_key()}),
        ("azure", {"STRONGROOM_BLOBS_KEY_ID": "ours", "STRONGROOM_BLOBS_KEY": "c2VjcmV0"}),
    ):
        kept_in(kind, Store("", "rooms", None), **more)
        backend = backends.current()
        link = backend.presign_get(NAME, disposition="attachment", content_type="a/b")
        assert link.startswith(f"{backend.origin}/"), kind
        kept_in(kind, Store("", "rooms", None), **more, **public)
        backend = backends.current()
        link = backend.presign_part(NAME, "0" * 49, 1, size=5, checksum=SUM[:16]).url
        assert backend.origin == "https://files.example.org:8443"
        assert link.startswith(f"{backend.origin}/"), kind


def test_a_link_to_google_binds_size_and_md5(gcs):
    id = gcs.begin_parts(NAME)
    link = gcs.presign_part(NAME, id, 2, size=5, checksum=SUM[:16])
    told = query(link.url)
    assert urlsplit(link.url).netloc == "storage.googleapis.com"
    assert urlsplit(link.url).path == f"/rooms/.parts/{id}/{NAME}/00002"
    assert told["X-Goog-Algorithm"] == "GOOG4-RSA-SHA256"
    assert told["X-Goog-Expires"] == "900"
    bound = {"content-md5", "content-type", "host", "x-goog-content-length-range"}
    assert set(told["X-Goog-SignedHeaders"].split(";")) == bound
    assert link.headers["x-goog-content-length-range"] == "5,5"
    assert link.headers["Content-MD5"] == "AAECAwQFBgcICQoLDA0ODw=="


def test_a_link_to_azure_writes_to_a_place_of_its_own_and_nowhere_else(azure):
    id = azure.begin_parts(NAME)
    link = azure.presign_part(NAME, id, 2, size=5, checksum=SUM[:16], seconds=60)
    told = query(link.url)
    assert urlsplit(link.url).path == f"/rooms/.parts/{id}/{NAME}"
    # One blob, and writing only: it can't be read, listed or deleted by it.
    assert (told["sr"], told["sp"], told["comp"]) == ("b", "w", "block")
    url = azure.presign_get(NAME, disposition="attachment", content_type="a/b")
    assert (query(url)["sp"], query(url)["rscd"]) == ("r", "attachment")


@pytest.mark.parametrize("kind", ["gcs", "azure"])
@pytest.mark.parametrize(
    "id", ["", "../..", "20261130T162747Z-../../../../../../../../../../../../", "x" * 49 + "/"]
)
def test_no_id_of_parts_leads_elsewhere(kind, id, request):
    backend = request.getfixturevalue(kind)
    with pytest.raises(FileNotFoundError):
        backend.presign_part(NAME, id, 1, size=1, checksum=SUM[:16])


# --- Broken connections -------------------------------------------------------------------------------------------
class Breaking(io.BytesIO):
    """A body that gives so many bytes, then ends or fails."""

    def __init__(self, data: bytes, error: Exception | None = None) -> None:
        super().__init__(data)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if not data and self._error is not None:
            raise self._error
        return data


DATA = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.mark.parametrize("error", [None, StoreError(Trouble.SILENT)])
def test_a_read_goes_on_where_the_connection_broke(error):
    asked = []

    def fetch(offset: int, length: int) -> Answer:
        asked.append((offset, length))
        return Answer(Breaking(DATA[offset : offset + 1000], error), length)

    opened = RemoteRange(fetch, fetch(100, 5000), 100)
    assert b"".join(iter(lambda: opened.read(700), b"")) == DATA[100:5100]
    assert asked == [(100 + n * 1000, 5000 - n * 1000) for n in range(5)]


def test_a_store_that_stays_silent_ends_the_read_and_is_no_short_object():
    def fetch(offset: int, length: int) -> Answer:
        return Answer(Breaking(b""), length)

    opened = RemoteRange(fetch, Answer(Breaking(DATA[:10]), 5000), 0)
    with pytest.raises(StoreError) as caught:
        opened.read(100)
    assert caught.value.trouble is Trouble.SILENT


def test_what_will_not_pass_is_not_asked_again():
    asked = []

    def fetch(offset: int, length: int) -> Answer:
        asked.append(offset)
        raise StoreError(Trouble.DENIED)

    opened = RemoteRange(fetch, Answer(Breaking(DATA[:10]), 5000), 0)
    with pytest.raises(StoreError):
        opened.read(100)
    assert asked == [10]


# --- Errors by their names ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("code", "status", "trouble"),
    [
        ("SlowDown", 503, Trouble.THROTTLED),
        ("AccessDenied", 403, Trouble.DENIED),
        ("403", 403, Trouble.DENIED),
        ("ExpiredToken", 400, Trouble.DENIED),
        ("NoSuchBucket", 404, Trouble.NO_BUCKET),
        ("QuotaExceeded", 403, Trouble.FULL),
        ("RequestTimeout", 400, Trouble.SILENT),
        ("ServiceUnavailable", 503, Trouble.SILENT),
        ("InternalError", 500, Trouble.FAILED),
        ("WhoKnows", 400, Trouble.FAILED),
    ],
)
def test_errors_of_s3_are_named(s3, code, status, trouble):
    from botocore.exceptions import ClientError

    said = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    found = s3.trouble(ClientError(said, "PutObject"))
    assert isinstance(found, StoreError)
    assert found.trouble is trouble


@pytest.mark.parametrize(
    ("status", "said", "trouble"),
    [
        (429, "slow down", Trouble.THROTTLED),
        (403, "does not have storage.objects.get access", Trouble.DENIED),
        (403, "The user's storage quota has been exceeded", Trouble.FULL),
        (404, "The specified bucket does not exist", Trouble.NO_BUCKET),
        (503, "backend error", Trouble.SILENT),
        (500, "backend error", Trouble.FAILED),
    ],
)
def test_errors_of_google_are_named(gcs, status, said, trouble):
    from google.api_core.exceptions import from_http_status

    found = gcs.trouble(from_http_status(status, said))
    assert isinstance(found, StoreError)
    assert found.trouble is trouble


@pytest.mark.parametrize(
    ("status", "code", "trouble"),
    [
        (503, "ServerBusy", Trouble.THROTTLED),
        (403, "AuthorizationFailure", Trouble.DENIED),
        (404, "ContainerNotFound", Trouble.NO_BUCKET),
        (409, "AccountLimitExceeded", Trouble.FULL),
        (500, "InternalError", Trouble.FAILED),
    ],
)
def test_errors_of_azure_are_named(azure, status, code, trouble):
    from azure.core.exceptions import HttpResponseError

    class Answered:
        status_code, reason, headers = status, "", {}

        def body(self) -> bytes:
            return b""

        text = body

    error = HttpResponseError("said", response=Answered())
    error.error_code = code
    found = azure.trouble(error)
    assert isinstance(found, StoreError)
    assert found.trouble is trouble


@pytest.mark.parametrize("kind", ["s3", "gcs", "azure"])
def test_what_is_no_error_of_a_store_stays_what_it_is(kind, request):
    backend = request.getfixturevalue(kind)
    with pytest.raises(ZeroDivisionError), backend.asked():
        raise ZeroDivisionError


# --- Settings -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"STRONGROOM_BLOBS": "ftp"}, "must be one of local, s3, gcs, azure"),
        ({"STRONGROOM_BLOBS": "s3"}, "STRONGROOM_BLOBS=s3 needs STRONGROOM_BLOBS_BUCKET"),
        ({"STRONGROOM_BLOBS_BUCKET": "b"}, "STRONGROOM_BLOBS_BUCKET is for s3 or gcs or azure"),
        (
            {"STRONGROOM_BLOBS": "gcs", "STRONGROOM_BLOBS_BUCKET": "b", "STRONGROOM_BLOBS_REGION": "x"},
            "STRONGROOM_BLOBS_REGION is for s3, and STRONGROOM_BLOBS is gcs",
        ),
        (
            {
                "STRONGROOM_BLOBS": "s3",
                "STRONGROOM_BLOBS_BUCKET": "b",
                "STRONGROOM_BLOBS_ENDPOINT": "s3.x.org",
            },
            "must look like https://s3.example.org",
        ),
        (
            {"STRONGROOM_BLOBS": "s3", "STRONGROOM_BLOBS_BUCKET": "b", "STRONGROOM_BLOBS_KEY": "x"},
            "belong together",
        ),
        (
            {"STRONGROOM_BLOBS": "gcs", "STRONGROOM_BLOBS_BUCKET": "b", "STRONGROOM_BLOBS_KEY": "{}"},
            "JSON of a service account",
        ),
        ({"STRONGROOM_BLOBS": "azure", "STRONGROOM_BLOBS_BUCKET": "b"}, "needs the account"),
        ({"STRONGROOM_OTHER_BLOBS": "local"}, "names the same place"),
    ],
)
def test_a_wrong_setting_ends_with_a_sentence(tmp_path, given, said):
    done = subprocess.run(
        [sys.executable, "-c", "from artifacts_site import settings"],
        cwd=ROOT,
        env=clean_environment(STRONGROOM_DATA=str(tmp_path), **given),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_no_library_of_buckets_is_loaded_while_blobs_lie_on_the_disk(tmp_path):
    """They cost a second and many MB; a process of a bucket loads its own alone."""
    look = (
        "import django, sys; django.setup(); from registry.storage import backends; backends.current();"
        "from registry.management.commands import storage; import celery_worker.tasks, registry.api.urls;"
        "heavy = {'boto3', 'botocore', 'google', 'azure', 'storages'};"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & heavy))"
    )
    given = {"STRONGROOM_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "artifacts_site.settings"}

    def loaded(**more: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", look],
            cwd=ROOT,
            env=clean_environment(**given | more),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip().splitlines()[-1]

    assert loaded() == "[]"
    assert loaded(**environment("s3", Store("", "rooms", None))) == "['boto3', 'botocore', 'storages']"


def test_secrets_of_stores_are_read_from_files_too(monkeypatch, tmp_path):
    (tmp_path / "key").write_text("from the file\n")
    for name, value in {
        "STRONGROOM_BLOBS": "s3",
        "STRONGROOM_BLOBS_BUCKET": "rooms",
        "STRONGROOM_BLOBS_KEY_ID": "AKID",
        "STRONGROOM_BLOBS_KEY_FILE": str(tmp_path / "key"),
    }.items():
        monkeypatch.setenv(name, value)
    assert buckets.blobs(tmp_path)["OPTIONS"]["secret_key"] == "from the file"
