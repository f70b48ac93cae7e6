"""Names in buckets that would lead elsewhere, listings that are no listings: what a store says is not believed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from strongroom.core import references
from strongroom.core.entries import Entry
from strongroom.core.references.base import State

from artifacts_site.stores import Store
from registry.errors import InvalidPath, InvalidUri, ReferenceUnreachable, RegistryError
from registry.models import Entity
from registry.outbound import Outside, buckets, outside_of
from tests.outbound.conftest import place
from tests.outbound.servers import reply, to
from tests.outbound.test_buckets import GCS, S3

SIGNED = Store("vision", "azure", ("account/allowed",), sas="sv=2020&sig=hunter2")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch) -> None:
    monkeypatch.setitem(buckets._AZURE, "retry_total", 0)
    monkeypatch.setattr(buckets, "ATTEMPTS", 1)


@pytest.fixture
def reach(policy) -> Iterator[Outside]:
    with outside_of(Entity(name="vision")) as reach:
        yield reach


def look(uri: str, reach: Outside, **more: object) -> list[Entry]:
    return list(references.expand(uri, "x", reach=reach, **more))


@pytest.mark.parametrize(
    "name", ["%2E%2E/private/secret", "../private/secret", "a/%2e%2e/%2e%2e/private/secret"]
)
def test_no_name_leads_out_of_a_container(name, reach, policy, serve):
    server = serve(lambda path: reply(200, b"secret", ETag='"x"'))
    policy(stores=(replace(SIGNED, endpoint=server.url),))
    with pytest.raises(InvalidUri, match=r"\.\."):
        look(f"https://account.blob.core.windows.net/allowed/{name}", reach)
    entry = Entry("x", "x", 6, None, f"https://account.blob.core.windows.net/allowed/{name}")
    with pytest.raises(InvalidUri):
        references.check(entry, reach)
    assert server.connections == 0


@pytest.mark.parametrize("key", ["../private/secret", "a/../../private/secret", "..", "./a"])
def test_no_key_leads_out_of_a_bucket(key, reach, policy, serve):
    server = serve(lambda path: reply(200, b"secret", ETag='"x"'))
    policy(stores=(replace(S3, endpoint=server.url),))
    entry = Entry("x", "x", 6, None, f"s3://training-1/{key}")
    with pytest.raises(RegistryError):
        look(entry.ref, reach)
    assert references.check(entry, reach).state is State.UNREACHABLE
    assert all("/.." not in request and "/./" not in request for request in server.requests)


@pytest.mark.parametrize("name", [".", ".."])
def test_no_name_leads_out_of_a_bucket_of_google(name, reach, policy, serve):
    server = serve(lambda path: reply(200, b"{}", ETag='"x"'))
    policy(stores=(replace(GCS, endpoint=server.url),))
    with pytest.raises(InvalidUri):
        look(f"gs://training-1/{name}", reach)
    assert server.connections == 0


# --- Listings -------------------------------------------------------------------------------------------
def listing(inside: str, head: str = "") -> bytes:
    body = f"<?xml version='1.0'?>{head}<ListBucketResult>{inside}</ListBucketResult>"
    return reply(200, body.encode(), Content_Type="application/xml")


def line(key: str, etag: str = "<ETag>&quot;e&quot;</ETag>") -> str:
    return f"<Contents><Key>{key}</Key>{etag}<Size>1</Size></Contents>"


@pytest.fixture
def store(reach, policy, serve):
    """A store of which a test says the pages."""

    def start(*pages: bytes) -> Outside:
        left = list(pages)

        def script(path: str) -> bytes:
            if "versioning" in path:
                return reply(200, b"<VersioningConfiguration/>", Content_Type="application/xml")
            return left.pop(0) if len(left) > 1 else left[0]

        policy(stores=(replace(S3, endpoint=serve(script).url),))
        return reach

    return start


@pytest.mark.parametrize("token", ["", "<NextContinuationToken>t</NextContinuationToken>"])
def test_a_listing_that_never_ends_is_refused(token, store):
    page = listing(f"<IsTruncated>true</IsTruncated>{token}")
    with pytest.raises(ReferenceUnreachable, match="does not go on"):
        look("s3://training-1/p/", store(page))


def test_a_listing_that_repeats_a_page_ends_at_the_limit_or_is_refused(store):
    page = listing(
        f"<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>{line('p/a')}"
    )
    with pytest.raises(ReferenceUnreachable, match="does not go on"):
        look("s3://training-1/p/", store(page))


BOMB = "<!DOCTYPE b [<!ENTITY a0 'aaaaaaaaaa'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("head", "key"),
    [
        (f"{BOMB}]>", "p/&a9;"),
        ("<!DOCTYPE b [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>", "p/&x;"),
        ("<!DOCTYPE b SYSTEM 'http://127.0.0.1:1/x.dtd'>", "p/&x;"),
    ],
)
def test_entities_of_a_listing_are_not_followed(head, key, store):
    with pytest.raises(ReferenceUnreachable):
        look("s3://training-1/p/", store(listing(line(key), head)))


@pytest.mark.parametrize(
    "key", ["p/../../etc/passwd", "p//etc/passwd", "p/a%0Ab", "p/a%00b", "p/%E2%80%AEb", "p/."]
)
def test_names_of_a_listing_that_are_no_paths_are_refused(key, store):
    page = listing(f"<EncodingType>url</EncodingType>{line(key)}")
    with pytest.raises(InvalidPath, match="cannot be an entry"):
        look("s3://training-1/p/", store(page))


def test_a_key_that_reads_as_another_with_a_version_is_never_taken_for_that(store):
    [entry] = look("s3://training-1/p/", store(listing(line("p/a?versionId=b"))))
    place = references.scheme_of(entry.ref).place_of(entry)
    assert (place.key, place.version) == ("p/a?versionId=b", None)


def test_a_listing_without_etags_records_addresses(store):
    [entry] = look("s3://training-1/p/", store(listing(line("p/a", ""))))
    assert (entry.digest, entry.size, entry.extra) == ("s3://training-1/p/a", 1, None)


@pytest.mark.parametrize("target", ["http://[", "//[", "http://]/", "//[::1"])
def test_a_redirect_to_no_address_is_a_reason(target, reach, policy, serve):
    server = serve(lambda path: to(target))
    policy(private=(place("127.0.0.1", server.port),))
    with pytest.raises(RegistryError):
        look(f"{server.url}/a", reach)
