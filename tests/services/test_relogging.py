"""A new version from what is there now has what was found in place of what was recorded, or is none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.errors import Forbidden, NothingFound, PreviewChanged
from registry.models import Membership, ReferenceDrift, ReferenceWatch
from registry.services import drift, files, relogging
from tests import factories as make
from tests.support.drifting import drifted, find, log, watch_of
from tests.support.website import reaching, website

pytestmark = pytest.mark.django_db
NOW = timezone.now() + timedelta(hours=1)


@pytest.fixture
def site(settings):
    with website() as running:
        settings.OUTBOUND = reaching(running, settings.OUTBOUND)
        yield running


def entries(who, membership) -> dict[str, tuple]:
    return {entry.path: (entry.digest, entry.size, entry.extra) for entry in files.entries(who, membership)}


def test_it_records_what_a_look_found(people, project, site, bob):
    site.put(a=b"one", b=b"two", c=b"three")
    made = log(people.bob, project, [site.entry(path) for path in "abc"], files={"z": b"bytes"})
    site.put(a=b"another")
    del site.files["c"]
    at = NOW + timedelta(days=1)
    drift.run(at)
    wanted = relogging.plan(bob, membership=made, at=at)
    assert (wanted.changed, wanted.missing, wanted.kept, wanted.obstacle) == (1, 1, 2, "")
    done = relogging.log(bob, membership=made, mark=wanted.mark, at=at)
    assert (done.created, done.membership.number) == (True, 1)
    before, after = entries(bob, made), entries(bob, done.membership)
    assert set(after) == {"a", "b", "z"}
    assert after["a"] == (site.etag("a"), 7, {"etag": f'"{site.etag("a")}"'})
    assert (after["b"], after["z"]) == (before["b"], before["z"])
    # The new version is watched, and sound.
    drift.run(at + timedelta(days=2))
    assert watch_of(done.membership).state == "ok"
    # The same again is `latest` already.
    find(made, at + timedelta(days=2))
    ReferenceWatch.objects.filter(version=made.version_id).update(checked_at=at)
    assert Membership.objects.filter(collection=made.collection).count() == 2


def test_the_card_goes_with_it_and_nothing_else(people, project, bob):
    made = drifted(people.bob, project)
    made.version.description, made.version.metadata = "A card.", {"a": 1}
    made.version.save()
    new = relogging.log(bob, membership=made).membership
    assert (new.version.description, new.version.metadata) == ("A card.", {"a": 1})
    assert new.held_aliases() == ["latest"]
    assert set(entries(bob, new)) == {"changed/000.png", "ok.png", "unreachable.png", "plain"}


def test_logging_it_twice_is_one_version(people, project, bob):
    made = drifted(people.bob, project)
    first, second = (relogging.log(bob, membership=made) for _ in range(2))
    assert (first.created, second.created) == (True, False)
    assert first.membership.pk == second.membership.pk


def test_nothing_is_logged_where_all_is_as_recorded(people, project, bob):
    plain = make.log(people.bob, project)
    assert relogging.plan(bob, membership=plain).is_empty
    assert relogging.log(bob, membership=plain).created is False
    sound = log(people.bob, project, [{"path": "x", "ref": "https://a.example/x", "digest": "d", "size": 1}])
    find(sound)
    assert relogging.log(bob, membership=sound).created is False


def test_another_look_since_is_refused(people, project, bob):
    made = drifted(people.bob, project)
    mark = relogging.plan(bob, membership=made).mark
    find(made, timezone.now() + timedelta(minutes=1))
    with pytest.raises(PreviewChanged, match="checked again"):
        relogging.log(bob, membership=made, mark=mark)


def test_what_was_found_long_ago_is_checked_first(people, project, bob):
    made = drifted(people.bob, project)
    later = timezone.now() + timedelta(hours=2)
    assert "Check them now" in relogging.plan(bob, membership=made, at=later).obstacle
    with pytest.raises(PreviewChanged, match="more than an hour ago"):
        relogging.log(bob, membership=made, at=later)
    ReferenceWatch.objects.update(asked_at=timezone.now())
    with pytest.raises(PreviewChanged, match="at this moment"):
        relogging.log(bob, membership=made)


def test_nothing_that_is_left_is_no_version(people, project, bob):
    entry = {"path": "missing", "ref": "https://a.example/x", "digest": "d", "size": 1}
    made = log(people.bob, project, [entry])
    find(made)
    with pytest.raises(NothingFound):
        relogging.log(bob, membership=made)


def test_what_changed_into_the_unknown_stays_as_recorded(people, project, bob):
    made = drifted(people.bob, project, many=2)
    ReferenceDrift.objects.filter(path="changed/000.png").update(digest="", size=None, extra={})
    assert relogging.plan(bob, membership=made).unreadable == 1
    new = relogging.log(bob, membership=made).membership
    found = entries(bob, new)
    assert found["changed/000.png"][0] == "recorded"
    assert found["changed/001.png"][0] == "another"


def test_it_needs_the_right_to_log(people, project):
    made = drifted(people.bob, project)
    for act in (relogging.plan, relogging.log):
        with pytest.raises(Forbidden):
            act(make.actor(people.vera), membership=made)
