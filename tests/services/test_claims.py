"""What a client says of MD5s: a lie is refused at the staging when the bytes are there, else at the commit."""

from __future__ import annotations

import hashlib
import json

import pytest

from registry.errors import DigestMismatch
from registry.models import Membership
from registry.services import drafts
from tests import factories as make

pytestmark = pytest.mark.django_db
FILES = {"a": b"one", "b": b"two"}


def lines(**claims: bytes) -> list[bytes]:
    """Lines of a manifest; each claim is content whose MD5 is given for the path."""
    found = [json.loads(line) for line in make.manifest_lines(FILES)]
    for entry in found:
        if entry["path"] in claims:
            entry["md5"] = hashlib.md5(claims[entry["path"]], usedforsecurity=False).hexdigest()
    return [(json.dumps(entry) + "\n").encode() for entry in found]


@pytest.fixture
def draft(bob, project):
    return drafts.begin(bob, project=project, collection="resnet", type="model")[0]


def test_a_lie_about_bytes_that_come_later_is_refused_at_the_commit(bob, draft):
    drafts.stage(bob, draft=draft, lines=lines(a=b"one", b=b"a lie"))
    make.send(bob, draft, FILES)
    with pytest.raises(DigestMismatch, match="stage the manifest anew"):
        drafts.commit(bob, draft=drafts.find(bob, draft.public_id))
    assert not Membership.objects.exists()
    with pytest.raises(DigestMismatch):
        drafts.stage(bob, draft=draft, lines=lines(a=b"one", b=b"a lie"))
    drafts.stage(bob, draft=draft, lines=lines(a=b"one", b=b"two"))
    logged = drafts.commit(bob, draft=drafts.find(bob, draft.public_id)).membership
    assert logged.version.digest == make.log(bob.user, draft.sequence.project, "other", FILES).version.digest


def test_claims_that_are_true_or_left_out_are_taken(bob, draft):
    for given in (lines(a=b"one", b=b"two"), lines(a=b"one"), lines()):
        drafts.stage(bob, draft=draft, lines=given)
    make.send(bob, draft, FILES)
    assert drafts.commit(bob, draft=drafts.find(bob, draft.public_id)).created
