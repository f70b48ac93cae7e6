"""Clients of buckets: whose credentials they carry, whom they speak to, and what they never tell."""

from __future__ import annotations

import json
import logging
import ssl
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from strongroom.core import references

from artifacts_site.stores import Store
from registry.errors import ReferenceRefused
from registry.models import Entity
from registry.outbound import Outside, outside_of
from tests.client.scripted import ScriptedServer
from tests.outbound.servers import reply
from tests.outbound.test_tls import certificate
from tests.references import keepers
from tests.support.installation import ROOT, clean_environment
from tests.support.stores import AZURE_ACCOUNT, AZURE_KEY

S3 = Store("vision", "s3", ("training-*",), key_id="AKIATEAM", secret="s3-hunter2")
AZURE = Store("vision", "azure", ("account/photos",), secret="YXp1cmUtaHVudGVyMg==")
GCS = Store("vision", "gcs", ("training-*",), anonymous=True)
PROXIES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


@pytest.fixture
def reach(policy) -> Iterator[Outside]:
    with outside_of(Entity(name="vision")) as reach:
        yield reach


def ask_s3(reach: Outside, bucket: str = "training-1") -> object:
    return reach.s3(bucket).list_objects_v2(Bucket=bucket)


def ask_gcs(reach: Outside, bucket: str = "training-1") -> object:
    return list(reach.gcs(bucket).list_blobs(bucket, retry=None))


def ask_azure(reach: Outside, account: str = "account", container: str = "photos") -> object:
    return list(reach.azure(account, container).list_blobs(retry_total=0))


ASK = {"s3": (ask_s3, S3), "gcs": (ask_gcs, GCS), "azure": (ask_azure, AZURE)}


# --- What works -----------------------------------------------------------------------------------------
def test_a_team_reads_its_bucket_of_s3(s3_store, reach, policy):
    s3_store.client.put_object(Bucket=s3_store.bucket, Key="a/b", Body=b"bytes")
    policy(stores=(replace(S3, buckets=(s3_store.bucket,), endpoint=s3_store.endpoint),))
    client = reach.s3(s3_store.bucket)
    assert client is reach.s3(s3_store.bucket)
    assert [each["Key"] for each in ask_s3(reach, s3_store.bucket)["Contents"]] == ["a/b"]
    assert client.get_object(Bucket=s3_store.bucket, Key="a/b")["Body"].read() == b"bytes"


def test_a_team_reads_its_bucket_of_google(gcs_store, reach, policy):
    gcs_store.client.bucket(gcs_store.bucket).blob("a/b").upload_from_string(b"bytes")
    policy(stores=(replace(GCS, buckets=("bucket-*",), endpoint=gcs_store.endpoint),))
    assert [blob.name for blob in ask_gcs(reach, gcs_store.bucket)] == ["a/b"]
    assert reach.gcs(gcs_store.bucket).bucket(gcs_store.bucket).blob("a/b").download_as_bytes() == b"bytes"


def test_a_team_reads_its_container_of_azure(azure_store, reach, policy):
    azure_store.client.get_container_client(azure_store.bucket).upload_blob("a/b", b"bytes")
    endpoint = azure_store.endpoint.replace(AZURE_ACCOUNT, "{account}")
    policy(stores=(replace(AZURE, buckets=(f"{AZURE_ACCOUNT}/*",), secret=AZURE_KEY, endpoint=endpoint),))
    assert [blob.name for blob in ask_azure(reach, AZURE_ACCOUNT, azure_store.bucket)] == ["a/b"]
    assert reach.azure(AZURE_ACCOUNT, azure_store.bucket).download_blob("a/b").readall() == b"bytes"


@pytest.mark.parametrize("kind", ["gcs", "azure"])
def test_versions_that_a_store_keeps_are_told_and_read(kind, reach, policy):
    keeper = keepers.Google() if kind == "gcs" else keepers.Azure()
    with closing(ScriptedServer(keeper)) as server:
        endpoint = server.url if kind == "gcs" else f"{server.url}/{{account}}"
        policy(stores=(replace(ASK[kind][1], buckets=("training-1", "account/photos"), endpoint=endpoint),))
        old = keeper.put("d/a", b"hello")
        uri = "gs://training-1/d" if kind == "gcs" else "https://account.blob.core.windows.net/photos/d"
        (entry,) = references.expand(uri, reach=reach)
        assert str(entry.extra["versionID"]) == old.id
        keeper.put("d/a", b"newer bytes")
        assert [each.path for each in references.expand(uri, reach=reach)] == ["a"]
        found = references.check(entry, reach)
        assert (found.state, "is still there" in found.why) == ("changed", True)
        with references.open_reference(entry, reach) as stream:
            assert stream.read(100) == b"hello"


# --- Whose credentials ----------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ASK)
@pytest.mark.parametrize(
    "given", [{"team": "speech"}, {"buckets": ("other-*", "account/other")}, {"kind": "none"}]
)
def test_a_team_without_credentials_is_told_what_the_operator_has_to_set(kind, given, reach, policy):
    ask, store = ASK[kind]
    policy(stores=(replace(store, **given),))
    with pytest.raises(ReferenceRefused, match=r"\[\[vision\]\].*STRONGROOM_REFERENCE_STORES") as refused:
        ask(reach)
    assert refused.value.details["uri"].endswith(("://training-1", "://account/photos"))


def test_an_entry_for_every_team_is_every_teams_and_the_first_that_fits_is_taken(reach, policy, serve):
    server = serve(lambda path: reply(200))
    other = replace(S3, team="*", key_id="AKIAOTHER", endpoint=server.url)
    policy(stores=(replace(S3, team="speech"), replace(S3, buckets=("training-2",)), other, S3))
    ask_s3(reach)
    assert "Credential=AKIAOTHER/" in server.requests[0]


@pytest.mark.parametrize(
    "bucket",
    [
        "", "a", "..", "a/b", "a/../b", "training-1/../other", "training-1?x", "training-1#",
        "training-1@evil.example", "training-1.", "training-1..x", "training-1:80", "training-1\n",
        "arn:aws:s3:us-east-1:1:accesspoint/x", "training-1%2f", "training-1\\x",
        "training-" + "x" * 300,
    ],
)  # fmt: skip
def test_what_is_no_name_of_a_bucket_becomes_no_part_of_an_address(bucket, reach, policy):
    policy(stores=tuple(replace(store, buckets=("*",), anonymous=True) for _, store in ASK.values()))
    for ask in (
        reach.s3,
        reach.gcs,
        lambda name: reach.azure(name, "photos"),
        lambda name: reach.azure("account", name),
    ):
        with pytest.raises(ReferenceRefused, match="not the name of a bucket"):
            ask(bucket)


@pytest.fixture
def environment(monkeypatch, canary, tmp_path):
    """What the server's own environment may hold, all of it leading to the canary."""
    there = f"http://127.0.0.1:{canary.port}"
    for name in (*PROXIES, "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "STORAGE_EMULATOR_HOST", "API_ENDPOINT_OVERRIDE",
                 "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):  # fmt: skip
        monkeypatch.setenv(name, there)
    for name in ("GCE_METADATA_HOST", "GCE_METADATA_IP", "GCE_METADATA_ROOT"):
        monkeypatch.setenv(name, f"127.0.0.1:{canary.port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASERVER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the server")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token of the server")
    monkeypatch.setenv("AWS_PROFILE", "server")
    monkeypatch.setenv("AWS_DEFAULTS_MODE", "auto")
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING", f"BlobEndpoint={there};SharedAccessSignature=sig=server"
    )
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login server password of-the-server")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.mark.parametrize("kind", ASK)
@pytest.mark.parametrize("anonymous", [True, False])
def test_the_servers_own_credentials_and_proxies_are_never_used(
    kind, anonymous, environment, reach, policy, serve
):
    server = serve(lambda path: reply(403, b"<Error><Code>AccessDenied</Code></Error>"))
    ask, store = ASK[kind]
    proof = {"anonymous": True, "key_id": "", "secret": ""} if anonymous or kind == "gcs" else {}
    policy(stores=(replace(store, endpoint=server.url, **proof),))
    with pytest.raises(Exception, match="(?i)forbidden|denied|403|authoriz"):
        ask(reach)
    said = "".join(server.requests)
    assert said
    assert "server" not in said.lower().replace(f"127.0.0.1:{server.port}", "")
    own = {"s3": "AKIATEAM/", "azure": "SharedKey account:"}.get(kind, "")
    assert (
        (own in said)
        if not proof
        else not any(line.lower().startswith("authorization") for line in said.split("\r\n"))
    )


def test_a_key_of_google_fetches_its_token_and_nothing_else_does(
    environment, reach, policy, serve, names, tmp_path
):
    file = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    tokens = serve(
        lambda path: reply(200, json.dumps({"access_token": "of-the-team", "expires_in": 3600}).encode()),
        tls=context,
    )
    server = serve(lambda path: reply(200, b'{"items": []}', Content_Type="application/json"))
    names(data_example_org=[["127.0.0.1"]])
    key = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    told = {"type": "service_account", "client_email": "team@example.org", "private_key": key.decode(),
            "token_uri": f"https://data.example.org:{tokens.port}/token"}  # fmt: skip
    (tmp_path / "key.json").write_text(json.dumps(told))
    policy(
        stores=(
            replace(
                GCS,
                anonymous=False,
                key_file=str(tmp_path / "key.json"),
                ca_file=str(file),
                endpoint=server.url,
            ),
        )
    )
    assert ask_gcs(reach) == []
    assert "Bearer of-the-team" in server.requests[0]


# --- Whom they speak to ---------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ASK)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_answer_of_a_store_leads_to_another_host(kind, status, reach, policy, serve, canary):
    there = f"127.0.0.1:{canary.port}"
    body = f"<Error><Code>PermanentRedirect</Code><Endpoint>{there}</Endpoint><Region>evil.example/#</Region></Error>"
    server = serve(
        lambda path: reply(
            status, body.encode(), Location=f"http://{there}/x", Content_Type="application/xml",
            x_amz_bucket_region=f"{there}/#",
        )
    )  # fmt: skip
    ask, store = ASK[kind]
    policy(stores=(replace(store, endpoint=server.url),))
    with pytest.raises(Exception):  # noqa: B017  # each library has its own
        ask(reach)
    assert server.requests


@pytest.mark.parametrize("region", ["evil.example/#", "evil.example", "us-east-1.evil", "eu-central-1"])
def test_amazon_is_asked_at_amazon(region, reach, policy, monkeypatch):
    """Another region is Amazon's, too; whatever else a region is said to be never becomes a host."""
    import botocore.httpsession
    from botocore.awsrequest import AWSResponse

    asked = []

    def send(self, request):
        asked.append(request.url)
        headers = {"x-amz-bucket-region": region}
        body = b"<Error><Code>PermanentRedirect</Code><Message>x</Message></Error>"
        return AWSResponse(
            request.url,
            301,
            headers,
            type("Raw", (), {"stream": lambda self: [body], "read": lambda self: body})(),
        )

    monkeypatch.setattr(botocore.httpsession.URLLib3Session, "send", send)
    policy(stores=(S3,))
    with pytest.raises(Exception):  # noqa: B017  # the library's, or ours
        ask_s3(reach)
    assert asked
    for url in asked:
        assert url.partition("/?")[0].endswith(".amazonaws.com")


# --- What is never told ---------------------------------------------------------------------------------
def secrets_of(store: Store) -> tuple[str, ...]:
    return tuple(each for each in (store.secret, store.sas, store.session_token) if each)


HIDDEN = {
    "s3": replace(S3, session_token="s3-token-hunter2"),
    "azure": AZURE,
    "sas": replace(AZURE, secret="", sas="sv=2024&sig=sas%2Bhunter2%3D"),
}


@pytest.mark.parametrize("kind", HIDDEN)
@pytest.mark.parametrize("answer", ["refused", "closed", "gone"])
def test_no_secret_is_told_by_an_error_a_log_or_the_settings(
    kind, answer, reach, policy, serve, settings, caplog
):
    body = b"<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>"
    server = serve((lambda path: reply(403, body)) if answer == "refused" else (lambda path: iter([])))
    endpoint = server.url if answer != "gone" else "http://127.0.0.2:9"
    store = replace(HIDDEN[kind], endpoint=endpoint)
    policy(stores=(store,))
    ask = ask_s3 if kind == "s3" else ask_azure
    caplog.set_level(logging.DEBUG)
    for name, logger in settings.LOGGING["loggers"].items():
        caplog.set_level(logger["level"], name)
    with pytest.raises(Exception) as wrong:  # noqa: PT011  # each library has its own
        ask(reach)
    told = [repr(settings.OUTBOUND), repr(store), str(store), repr(reach), caplog.text]
    told += traceback.format_exception(wrong.value)
    told += [repr(getattr(wrong.value, "message", "")), repr(wrong.value.args)]
    for secret in secrets_of(store):
        for form in (secret, secret.partition("sig=")[2] or secret, "hunter2"):
            assert [each for each in told if form in each] == []


def test_the_address_of_a_client_holds_no_token(reach, policy):
    policy(stores=(HIDDEN["sas"],))
    client = reach.azure("account", "photos")
    assert "hunter2" not in client.url + client.get_blob_client("a").url + repr(vars(client).keys())


def test_nothing_of_the_libraries_is_imported_before_it_is_needed(tmp_path):
    code = (
        "import django, sys; django.setup(); import registry.outbound;"
        "print({'boto3', 'botocore', 'azure', 'google', 'requests'} & {m.partition('.')[0] for m in sys.modules})"
    )
    environment = clean_environment(
        STRONGROOM_DATA=str(tmp_path), DJANGO_SETTINGS_MODULE="artifacts_site.settings"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    assert ran.stdout.strip() == "set()"
