"""Signed links: one person, one method, one object, one purpose, fifteen minutes at the most."""

from datetime import timedelta

import pytest
from django.core import signing as django_signing
from django.utils import timezone
from strongroom.core.errors import NotFound

from registry.http.signing import DOWNLOAD, LONGEST, sign, verify


def token(**given):
    return sign(
        **{"purpose": DOWNLOAD, "user_id": 7, "method": "GET", "object": ["QXJ0", "a/b.txt"], **given}
    )


def test_a_link_reads_back_what_was_signed():
    link = verify(token(), purpose=DOWNLOAD, method="GET")
    assert (link.user_id, link.key_id, link.object) == (7, None, ["QXJ0", "a/b.txt"])
    assert verify(token(key_id=3), purpose=DOWNLOAD, method="GET").key_id == 3
    assert link.expires_at <= timezone.now() + LONGEST


def test_head_may_use_a_link_for_get():
    assert verify(token(), purpose=DOWNLOAD, method="HEAD").user_id == 7


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "get"])
def test_another_method_is_refused(method):
    with pytest.raises(NotFound):
        verify(token(), purpose=DOWNLOAD, method=method)


def test_a_link_for_upload_does_not_download():
    with pytest.raises(NotFound):
        verify(token(method="PUT"), purpose=DOWNLOAD, method="GET")


def test_another_purpose_is_refused():
    with pytest.raises(NotFound):
        verify(token(purpose="invite"), purpose=DOWNLOAD, method="GET")


def test_an_expired_link_is_refused():
    made = token(lasting=timedelta(minutes=1))
    with pytest.raises(NotFound):
        verify(made, purpose=DOWNLOAD, method="GET", at=timezone.now() + timedelta(minutes=1, seconds=1))


def test_no_link_lasts_longer_than_fifteen_minutes():
    for lasting in (timedelta(minutes=15, seconds=1), timedelta(0), timedelta(seconds=-1)):
        with pytest.raises(ValueError):
            token(lasting=lasting)


def test_a_changed_link_is_refused():
    made = token()
    for forged in (made[:-1] + ("a" if made[-1] != "a" else "b"), "", "x", "a:b:c", made.replace(":", "")):
        with pytest.raises(NotFound):
            verify(forged, purpose=DOWNLOAD, method="GET")


def test_a_signature_of_something_else_is_refused():
    odd = django_signing.dumps({"user": 1}, salt="strongroom.link.download")
    with pytest.raises(NotFound):
        verify(odd, purpose=DOWNLOAD, method="GET")
