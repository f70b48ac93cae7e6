"""References to web servers, good ones and odd ones."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import check, vouches
from strongroom.errors import (
    InvalidUri,
    ReferenceChanged,
    ReferenceMissing,
    ReferenceUnreachable,
)

from tests.client.scripted import Answer
from tests.references.support import added, read


def test_size_and_digest_are_what_the_headers_say(site, reach):
    site.put("/d/a.txt", b"hello", '"abc"')
    entry = added(site.url("/d/a.txt?q=1"), reach)
    assert entry == Entry("a.txt", "abc", 5, None, site.url("/d/a.txt?q=1"), {"etag": '"abc"'})
    assert site.asked == ["HEAD /d/a.txt"]
    assert vouches(entry)
    assert read(entry, reach) == b"hello"
    assert check(entry, reach).state == "ok"


def test_no_etag_leaves_the_address_as_the_digest(site, reach):
    site.put("/a", b"hello", None)
    entry = added(site.url("/a"), reach)
    assert (entry.digest, entry.size, entry.extra) == (site.url("/a"), 5, None)
    assert not vouches(entry)
    assert read(entry, reach) == b"hello"
    site.put("/a", b"longer", None)
    assert check(entry, reach).state == "changed"
    with pytest.raises(ReferenceChanged, match="had 5 bytes .* has 6"):
        read(entry, reach)


def test_a_weak_etag_is_recorded_as_it_is_and_vouches_for_nothing(site, reach):
    site.put("/a", b"hello", 'W/"abc"')
    entry = added(site.url("/a"), reach)
    assert (entry.digest, entry.extra) == ('W/"abc', {"etag": 'W/"abc"'})
    assert not vouches(entry)
    assert check(entry, reach).state == "ok"
    assert read(entry, reach) == b"hello"
    site.put("/a", b"hello", '"abc"')  # the same, no longer compressed on its way
    assert check(entry, reach).state == "ok"
    assert read(entry, reach) == b"hello"
    site.put("/a", b"other", 'W/"def"')
    assert check(entry, reach).state == "changed"
    with pytest.raises(ReferenceChanged):
        read(entry, reach)


@pytest.mark.parametrize("status", [400, 403, 405, 501])
def test_a_server_that_refuses_head_is_asked_for_the_first_byte(site, reach, status):
    site.put("/a", b"hello", '"abc"')
    site.web.odd = lambda request: Answer(b"", status) if request.method == "HEAD" else None
    assert added(site.url("/a"), reach).size == 5
    assert site.asked == ["HEAD /a", "GET /a"]
    assert site.server.requests[1].headers["Range"] == "bytes=0-0"
    assert check(added(site.url("/a"), reach), reach).state == "ok"


def test_an_empty_file_has_no_first_byte(site, reach):
    site.put("/a", b"", '"abc"')
    site.web.odd = lambda request: Answer(b"", 405) if request.method == "HEAD" else None
    entry = added(site.url("/a"), reach)
    assert entry.size == 0
    assert read(entry, reach) == b""


def test_no_content_length_means_that_nobody_knows_the_size(site, reach):
    site.web.odd = lambda request: Answer(b"hello", 200, {"Content-Length": None, "ETag": '"x"'})
    entry = added(site.url("/a"), reach)
    assert (entry.size, entry.digest) == (None, "x")
    assert read(entry, reach) == b"hello"


def test_redirects_are_followed_and_the_address_stays_as_it_was_given(site, reach):
    site.put("/new", b"hello", '"abc"')
    site.web.odd = lambda request: Answer(b"", 302, {"Location": "/new"}) if request.path == "/old" else None
    entry = added(site.url("/old"), reach)
    assert (entry.ref, entry.path, entry.digest) == (site.url("/old"), "old", "abc")
    assert read(entry, reach) == b"hello"


def test_redirects_without_an_end_are_an_error(site, reach):
    site.web.odd = lambda request: Answer(
        b"", 301, {"Location": site.url("/b" if request.path == "/a" else "/a")}
    )
    with pytest.raises(ReferenceUnreachable, match="redirect to redirect"):
        added(site.url("/a"), reach)
    assert len(site.asked) < 15


@pytest.mark.parametrize("target", ["file:///etc/passwd", "gopher://x/", "http://"])
def test_redirects_lead_nowhere_but_to_the_web(site, reach, target):
    site.web.odd = lambda request: Answer(b"", 302, {"Location": target})
    with pytest.raises((InvalidUri, ReferenceUnreachable)):
        added(site.url("/a"), reach)


def test_a_fragment_is_not_sent(site, reach):
    site.put("/a", b"hello")
    assert added(site.url("/a#part"), reach).ref == site.url("/a#part")
    assert site.asked == ["HEAD /a"]


def test_a_host_that_does_not_resolve_is_said_to_be_one(reach):
    with pytest.raises(ReferenceUnreachable, match="does not resolve"):
        added("http://no-such-host.invalid/a", reach)


def test_a_port_where_nobody_listens(site, reach):
    site.server.close()
    with pytest.raises(ReferenceUnreachable, match="no answer"):
        added(site.url("/a"), reach)


@pytest.mark.parametrize(("status", "error"), [(404, ReferenceMissing), (410, ReferenceMissing)])
def test_what_is_not_there(site, reach, status, error):
    site.web.odd = lambda request: Answer(b"", status)
    with pytest.raises(error):
        added(site.url("/a"), reach)
    entry = Entry("a", "abc", 5, None, site.url("/a"), None)
    assert check(entry, reach).state == "missing"
    with pytest.raises(error):
        read(entry, reach)


@pytest.mark.parametrize(
    ("status", "words"), [(401, "credentials"), (403, "does not permit"), (500, "status 500")]
)
def test_what_is_not_to_be_had(site, reach, status, words):
    site.web.odd = lambda request: Answer(b"", status)
    with pytest.raises(ReferenceUnreachable, match=words):
        added(site.url("/a"), reach)
    assert check(Entry("a", "abc", 5, None, site.url("/a"), None), reach).state == "unreachable"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_waited_for_as_long_as_it_asks(site, reach, waited, status):
    site.put("/a", b"hello")
    answers = [Answer(b"", status, {"Retry-After": "7"}), Answer(b"", status, {"Retry-After": "0"})]
    site.web.odd = lambda request: answers.pop(0) if answers else None
    assert added(site.url("/a"), reach).size == 5
    assert waited == [7.0, 0.1]


def test_a_date_to_come_back_is_understood(site, reach, waited):
    site.put("/a", b"hello")
    answers = [Answer(b"", 503, {"Retry-After": formatdate(time.time() + 20, usegmt=True)})]
    site.web.odd = lambda request: answers.pop(0) if answers else None
    added(site.url("/a"), reach)
    assert 17 < waited[0] <= 20


def test_nobody_waits_for_ever(site, reach, waited):
    site.web.odd = lambda request: Answer(b"", 429, {"Retry-After": "50"})
    with pytest.raises(ReferenceUnreachable, match="status 429"):
        added(site.url("/a"), reach)
    assert waited == [50.0]
    site.web.odd = lambda request: Answer(b"", 429, {"Retry-After": "86400"})
    with pytest.raises(ReferenceUnreachable):
        added(site.url("/a"), reach)
    assert waited == [50.0]
    site.web.odd = lambda request: Answer(b"", 503)
    with pytest.raises(ReferenceUnreachable):
        added(site.url("/a"), reach)
    assert waited == [50.0, 1.0, 2.0]


def test_a_second_look_does_not_wait(site, reach, waited):
    site.web.odd = lambda request: Answer(b"", 429, {"Retry-After": "7"})
    found = check(Entry("a", "abc", 5, None, site.url("/a"), None), reach)
    assert found.state == "unreachable"
    assert "429" in found.why
    assert waited == []


def test_a_second_look_is_a_conditional_request(site, reach):
    site.put("/a", b"hello", '"abc"')
    entry = added(site.url("/a"), reach)
    assert check(entry, reach).state == "ok"
    assert site.server.requests[-1].headers["If-None-Match"] == '"abc"'
    site.put("/a", b"other", '"def"')
    found = check(entry, reach)
    assert found.state == "changed"
    assert "abc" in found.why
    assert "def" in found.why
    assert found.now.digest == "def"


def test_a_changed_file_is_refused_before_its_first_byte(site, reach):
    site.put("/a", b"hello", '"abc"')
    entry = added(site.url("/a"), reach)
    site.put("/a", b"other", '"def"')
    with pytest.raises(ReferenceChanged) as refused:
        read(entry, reach)
    assert refused.value.details["recorded"] == {"digest": "abc", "size": 5}
    assert refused.value.details["found"] == {"digest": "def", "size": 5}


def test_reading_goes_on_from_an_offset(site, reach):
    site.put("/a", b"0123456789", '"abc"')
    entry = added(site.url("/a"), reach)
    assert read(entry, reach, 4) == b"456789"
    assert site.server.requests[-1].headers["Range"] == "bytes=4-"
    site.web.knows_ranges = False
    assert read(entry, reach, 4) == b"456789"  # the server begins anew, and the start is thrown away
    site.web.odd = lambda request: Answer(b"0", 206, {"ETag": '"abc"', "Content-Range": "bytes 6-6/10"})
    with pytest.raises(ReferenceUnreachable, match="does not go on"):
        read(entry, reach, 4)


def test_a_file_that_became_shorter_than_what_was_read_of_it(site, reach):
    site.put("/a", b"0123456789", None)
    entry = added(site.url("/a"), reach)
    site.put("/a", b"01", None)
    with pytest.raises(ReferenceChanged):
        read(entry, reach, 4)


def test_an_answer_that_breaks_off_is_an_error(site, reach):
    site.put("/a", b"0123456789", '"abc"')
    entry = added(site.url("/a"), reach)
    site.web.odd = lambda request: Answer(b"0123456789", 200, {"ETag": '"abc"'}, cut=4)
    with pytest.raises(ReferenceUnreachable, match="no answer"):
        read(entry, reach)


def test_a_digest_that_no_manifest_can_hold_is_refused(site, reach):
    site.put("/a", b"hello", '"' + "x" * 9000 + '"')
    with pytest.raises(ValueError, match="cannot be an entry"):
        added(site.url("/a"), reach)


def test_numbers_that_are_none_are_no_sizes(site, reach):
    site.web.odd = lambda request: Answer(
        b"", 200, {"Content-Length": "1" * 30 if request.method == "HEAD" else None}
    )
    assert added(site.url("/a"), reach).size is None


@pytest.mark.parametrize(
    "given", ["1000000000", "9" * 400, "-1", "Mon, 01 Jan 2026 00:00:00 +99999999999999999999"]
)
def test_a_retry_after_that_is_none_to_keep_to_is_not_waited_for(given, site, reach, waited):
    site.web.odd = lambda request: Answer(b"", 503, {"Retry-After": given})
    with pytest.raises(ReferenceUnreachable, match="too much to do"):
        added(site.url("/a"), reach)
    assert sum(waited) < 60


@pytest.mark.parametrize(
    "target", ["file:///etc/hostname", "gopher://127.0.0.1/_x", "//", "http://[", "http:///x"]
)
def test_a_redirect_to_what_is_no_web_is_refused(target, site, reach):
    site.web.odd = lambda request: Answer(b"", 302, {"Location": target})
    with pytest.raises((InvalidUri, ReferenceUnreachable)):
        added(site.url("/a"), reach, "name")
