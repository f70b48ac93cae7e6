"""What the libraries of buckets complain of, told in sentences: the answers are what the real services send."""

from __future__ import annotations

import ssl
import sys

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import check, expand
from strongroom.core.references.failures import told
from strongroom.errors import (
    ExtraMissing,
    InvalidUri,
    ReferenceChanged,
    ReferenceMissing,
    ReferenceUnreachable,
)

from tests.client.scripted import Answer
from tests.references.support import paths


@pytest.fixture
def s3_at(scripted_s3, monkeypatch):
    """Say what an endpoint of S3 answers."""
    return scripted_s3


@pytest.fixture
def scripted_s3(site, monkeypatch):
    """An endpoint of S3 with one answer for everything; to HEAD, none has a body."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", site.server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def answer(status: int, code: str, more: str = "", **headers: str) -> None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>So it is</Message>{more}</Error>"
        site.web.odd = lambda request: Answer(
            body.encode(), status, {"Content-Type": "application/xml", **headers}
        )

    return answer


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (400, "ExpiredToken", "the credentials for S3 have expired; renew them"),
        (403, "RequestExpired", "have expired"),
        (403, "InvalidAccessKeyId", r"the credentials for S3 are wrong \(InvalidAccessKeyId\)"),
        (403, "SignatureDoesNotMatch", "are wrong"),
        (400, "InvalidToken", "are wrong"),
        (403, "AccessDenied", r"do not permit it \(AccessDenied\)"),
        (503, "SlowDown", "has too much to do at the moment"),
        (500, "InternalError", "answered with status 500"),
        (403, "InvalidObjectState", "lies in an archive"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("uri", ["s3://bucket/key", "s3://bucket"])
def test_s3_says_what_is_wrong(scripted_s3, reach, status, code, words, uri):
    scripted_s3(status, code)
    with pytest.raises(ReferenceUnreachable, match=words):
        paths(uri, reach)
    if uri.endswith("key"):
        found = check(Entry("a", "x", 5, None, uri, None), reach)
        assert found.state == "unreachable"


def test_a_bucket_of_another_region_is_named_with_its_region(scripted_s3, reach):
    scripted_s3(301, "PermanentRedirect", "<Endpoint>x</Endpoint>", **{"x-amz-bucket-region": "eu-west-1"})
    with pytest.raises(ReferenceUnreachable, match="in the region eu-west-1; set AWS_REGION"):
        paths("s3://bucket/key", reach)


def test_a_signature_for_another_region_is_that_too(scripted_s3, reach):
    scripted_s3(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")
    with pytest.raises(ReferenceUnreachable, match="in the region eu-west-1"):
        paths("s3://bucket", reach)


def test_nobody_listens_at_an_endpoint(site, scripted_s3, reach):
    site.server.close()
    with pytest.raises(ReferenceUnreachable, match="gives no answer"):
        paths("s3://bucket/key", reach)


def test_no_credentials_for_s3(site, monkeypatch, reach):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", site.server.url)
    with pytest.raises(ReferenceUnreachable, match="there are no credentials for S3; set AWS_ACCESS_KEY_ID"):
        paths("s3://bucket/key", reach)


def test_a_name_that_no_bucket_has(scripted_s3, reach):
    scripted_s3(404, "NoSuchKey")
    with pytest.raises(InvalidUri, match="names nothing that S3 can have"):
        paths("s3://b c/key", reach)


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "are wrong"), (403, "do not permit it"), (404, "is not there")],
)
def test_google_says_what_is_wrong(site, reach, monkeypatch, status, words):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", site.server.url)
    body = b'{"error": {"code": %d, "message": "So it is"}}' % status
    site.web.odd = lambda request: Answer(body, status, {"Content-Type": "application/json"})
    with pytest.raises((ReferenceUnreachable, ReferenceMissing), match=words):
        paths("gs://bucket/key", reach)


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "AuthenticationFailed", "are wrong"),
        (403, "AuthorizationPermissionMismatch", "do not permit it"),
        (404, "ContainerNotFound", "is not there"),
        (409, "BlobArchived", "lies in an archive"),
    ],
)
def test_azure_says_what_is_wrong(site, reach, monkeypatch, status, code, words):
    connection = f"AccountName=acc;AccountKey=c2VjcmV0;BlobEndpoint={site.server.url}/acc;"
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", f"DefaultEndpointsProtocol=http;{connection}")
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>So it is</Message></Error>".encode()
    headers = {"Content-Type": "application/xml", "x-ms-error-code": code}
    site.web.odd = lambda request: Answer(body, status, headers)
    with pytest.raises((ReferenceUnreachable, ReferenceMissing), match=words):
        paths("https://acc.blob.core.windows.net/box/blob", reach)


@pytest.mark.parametrize(
    ("uri", "module", "extra"),
    [
        ("s3://bucket/key", "boto3", "s3"),
        ("gs://bucket/key", "google.cloud.storage", "gcs"),
        ("https://acc.blob.core.windows.net/box/blob", "azure.storage.blob", "azure"),
    ],
)
def test_a_library_that_is_missing_is_named_by_what_to_install(monkeypatch, reach, uri, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ExtraMissing, match=rf"pip install 'strongroom\[{extra}\]'"):
        paths(uri, reach)


def test_without_a_checksum_no_library_is_needed(monkeypatch, reach):
    monkeypatch.setitem(sys.modules, "boto3", None)
    assert len(list(expand("s3://bucket/key", checksum=False, reach=reach))) == 1


def test_a_certificate_that_has_expired_is_no_credential():
    with pytest.raises(ReferenceUnreachable, match="gives no answer"), told("s3://bucket/key", "S3"):
        raise ssl.SSLError("certificate has expired")


def test_other_errors_go_on_their_way():
    for error in (KeyError("x"), OSError("a full disk"), ReferenceChanged("ours")):
        with pytest.raises(type(error)), told("s3://bucket/key", "S3"):
            raise error
