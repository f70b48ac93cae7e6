"""A request that is repeated changes nothing: whoever repeats it has only not seen the answer."""

import hashlib

import pytest

from registry import manifests
from registry.errors import Gone, ManifestMissing
from registry.models import Alias, Event
from registry.services import drafts, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


def begun(bob, project, data):
    draft, _ = drafts.begin(bob, project=project, collection="c", type="model")
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"a": data}))
    make.send(bob, draft, {"a": data})
    return draft


def test_a_commit_that_is_repeated_takes_no_alias_from_a_newer_version(project, bob):
    one, two = begun(bob, project, b"1"), begun(bob, project, b"2")
    first = drafts.commit(bob, draft=one, aliases=["prod"], tags=["t"])
    drafts.commit(bob, draft=two, aliases=["prod"])
    before = Event.objects.count()
    again = drafts.commit(
        bob, draft=drafts.find(bob, one.public_id), aliases=["prod", "other"], tags=["more"]
    )
    assert (again.membership.pk, again.created) == (first.membership.pk, True)
    assert Alias.objects.get(name="prod").membership.number == 1
    assert not Alias.objects.filter(name="other").exists()
    assert again.membership.version.held_tags() == ["t"]
    assert Event.objects.count() == before


def test_a_manifest_staged_anew_while_the_commit_ran_is_not_what_was_checked(project, bob, monkeypatch):
    draft, seal = begun(bob, project, b"1"), manifests.seal

    def staged_anew(manifest):
        sealed = seal(manifest)
        drafts.stage(bob, draft=drafts.find(bob, draft.public_id), lines=make.manifest_lines({"b": b"other"}))
        return sealed

    monkeypatch.setattr(manifests, "seal", staged_anew)
    with pytest.raises(ManifestMissing, match="staged anew"):
        drafts.commit(bob, draft=draft)
    assert drafts.find(bob, draft.public_id).state == "PENDING"


def test_a_commit_whose_version_was_deleted_since_says_so(project, bob):
    draft = begun(bob, project, b"1")
    done = drafts.commit(bob, draft=draft)
    versions.delete(bob, membership=done.membership, delete_aliases=True)
    with pytest.raises(Gone) as refused:
        drafts.commit(bob, draft=drafts.find(bob, draft.public_id))
    assert refused.value.details["restorable"] is True


def test_a_small_log_that_is_repeated_neither(project, bob):
    def log(name, digest, **more):
        entry = {"path": "x", "ref": f"s3://b/{digest}", "digest": digest, "size": 1}
        return drafts.log_small(
            bob, project=project, collection="c", type="m", entries=[entry], client_id=name, **more
        )

    first = log("one-client-id", hashlib.md5(b"1", usedforsecurity=False).hexdigest(), aliases=["prod"])
    log("two-client-id", hashlib.md5(b"2", usedforsecurity=False).hexdigest(), aliases=["prod"])
    again = log("one-client-id", hashlib.md5(b"1", usedforsecurity=False).hexdigest(), aliases=["prod"])
    assert again.membership.pk == first.membership.pk
    assert Alias.objects.get(name="prod").membership.number == 1
