"""References to entries of other artifacts."""

from __future__ import annotations

import base64

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import check
from strongroom.core.references.artifacts import uri_of
from strongroom.errors import ReferenceMissing, ReferenceUnreachable

from tests.references.conftest import Artifacts
from tests.references.support import added, read

MD5 = "XUFAKrxLKna5cZ2REBfFkg=="


def an_id(number: int) -> str:
    return base64.b64encode(f"Artifact:{number}".encode()).decode()


def test_the_address_is_the_id_in_hexadecimal_and_the_path():
    assert uri_of(an_id(7), "d/a.txt") == "wandb-artifact://41727469666163743a37/d/a.txt"


def test_a_file_of_another_artifact_is_recorded_by_its_digest():
    file = Entry("d/a?#%.txt", MD5, 5, "0" * 64)
    reach = Artifacts({(an_id(7), "d/a?#%.txt"): file})
    uri = uri_of(an_id(7), "d/a?#%.txt")
    entry = added(uri, reach)
    assert entry == Entry("a?#%.txt", MD5, 5, None, uri, None)
    assert check(entry, reach).state == "ok"
    with pytest.raises(ReferenceUnreachable, match="file of another artifact"):
        read(entry, reach)


def test_a_chain_is_followed_until_something_lies_there():
    there = Entry("c", MD5, 5, "0" * 64)
    reach = Artifacts(
        {
            (an_id(1), "a"): Entry("a", MD5, 5, None, uri_of(an_id(2), "b")),
            (an_id(2), "b"): Entry("b", MD5, 5, None, uri_of(an_id(3), "c")),
            (an_id(3), "c"): there,
        }
    )
    entry = added(uri_of(an_id(1), "a"), reach, "mine")
    assert entry == Entry("mine", MD5, 5, None, uri_of(an_id(3), "c"), None)


def test_a_reference_to_the_outside_is_read_where_it_lies(site):
    site.put("/x", b"hello", '"abc"')
    outside = Entry("a", "abc", 5, None, site.url("/x"), {"etag": '"abc"'})
    reach = Artifacts({(an_id(1), "a"): outside})
    entry = added(uri_of(an_id(1), "a"), reach)
    assert (entry.ref, entry.digest, entry.extra) == (uri_of(an_id(1), "a"), "abc", None)
    assert read(entry, reach) == b"hello"


def test_what_is_not_there_or_leads_in_circles():
    reach = Artifacts({(an_id(1), "a"): Entry("a", MD5, 5, None, uri_of(an_id(1), "a"))})
    with pytest.raises(ReferenceMissing):
        added(uri_of(an_id(1), "b"), reach)
    assert check(Entry("b", MD5, 5, None, uri_of(an_id(1), "b")), reach).state == "missing"
    with pytest.raises(ReferenceUnreachable, match="without an end"):
        added(uri_of(an_id(1), "a"), reach)
