"""Quotas: near the soft limit pages warn, at the hard one uploads are refused before their bytes are sent."""

from __future__ import annotations

import hashlib

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.errors import Forbidden, InvalidInput, QuotaExceeded
from registry.models import Blob, Event, Team, Version
from registry.services import drafts, quotas, survey, uploads
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def entity(people):
    return people.team.entity


@pytest.fixture
def root(people):
    return make.actor(people.root)


@pytest.fixture
def full(people, project, root):
    """A team that stores 100 of 150 bytes."""
    make.log(people.bob, project, files={"a": b"x" * 100})
    quotas.assign(root, team=people.team, soft=120, hard=150)


def begin(bob, project):
    return drafts.begin(bob, project=project, collection="resnet", type="model")[0]


def test_a_manifest_that_lacks_too_much_is_refused_and_what_is_there_counts_nothing(project, bob, full):
    draft = begin(bob, project)
    lines = make.manifest_lines({"a": b"x" * 100, "b": b"y" * 51})
    with pytest.raises(QuotaExceeded, match="Delete versions") as refused:
        drafts.stage(bob, draft=draft, lines=lines)
    assert (refused.value.code, refused.value.status) == ("quota_exceeded", 507)
    assert refused.value.details == {"limit": 150, "stored": 100, "coming": 51}
    assert Version.objects.get(pk=draft.pk).manifest is None
    drafts.stage(bob, draft=draft, lines=make.manifest_lines({"a": b"x" * 100, "b": b"y" * 50}))


def test_bundles_and_large_files_are_refused_before_they_are_read(people, project, bob, full):
    draft = begin(bob, project)

    class Unread:
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("a byte was read")

    with pytest.raises(QuotaExceeded):
        uploads.begin(bob, draft=draft, size=51, sha256=hashlib.sha256(b"z").hexdigest())
    uploads.begin(bob, draft=draft, size=50)
    entries = [{"path": "b", "size": 60, "sha256": hashlib.sha256(b"y" * 60).hexdigest()}]
    with pytest.raises(QuotaExceeded):
        drafts.log_small(
            bob,
            project=project,
            collection="c",
            type="model",
            entries=entries,
            bundle=make.frames([b"y" * 60]),
        )
    assert Blob.objects.count() == 1
    Team.objects.update(quota_hard=100)
    with pytest.raises(QuotaExceeded):
        uploads.receive_bundle(bob, draft=draft, stream=Unread(), length=51)


def test_what_was_freed_since_the_count_is_room(people, project, entity, bob, full):
    survey.count(entity)
    Team.objects.update(quota_hard=100)
    with pytest.raises(QuotaExceeded):
        quotas.refuse_beyond(entity, 1)
    Blob.objects.update(size=10)
    quotas.refuse_beyond(entity, 1)


def test_what_came_since_the_count_is_counted(people, project, entity, bob, full):
    survey.count(entity)
    make.log(people.bob, project, files={"b": b"y" * 45})
    quotas.refuse_beyond(entity, 5)
    with pytest.raises(QuotaExceeded):
        quotas.refuse_beyond(entity, 6)


def test_the_settings_count_where_a_team_has_no_limits_and_zero_is_none(
    people, project, entity, root, settings
):
    make.log(people.bob, project, files={"a": b"x" * 100})
    quotas.refuse_beyond(entity, 10**15)
    settings.QUOTA_HARD = 100
    with pytest.raises(QuotaExceeded):
        quotas.refuse_beyond(entity, 1)
    quotas.assign(root, team=people.team, soft=None, hard=0)
    quotas.refuse_beyond(entity, 10**15)


def test_pages_warn_near_the_limits(people, project, entity, root):
    assert quotas.warning(entity) is None
    make.log(people.bob, project, files={"a": b"x" * 100})
    for soft, hard, warned in (
        (200, 0, False),
        (110, 0, True),
        (0, 200, False),
        (0, 105, True),
    ):
        quotas.assign(root, team=people.team, soft=soft, hard=hard)
        assert (quotas.warning(entity) is not None) is warned
    quotas.assign(root, team=people.team, soft=0, hard=100)
    assert quotas.warning(entity).is_full


def test_limits_are_set_by_admins_of_the_installation_and_told(people, root):
    quotas.assign(root, team=people.team, soft=1, hard=2)
    told = Event.objects.get(act="team.edit")
    assert told.after == {"quota_soft": 1, "quota_hard": 2}
    quotas.assign(root, team=people.team, soft=1, hard=2)
    assert Event.objects.filter(act="team.edit").count() == 1
    for wrong in ({"soft": 3, "hard": 2}, {"soft": -1, "hard": None}, {"soft": None, "hard": 2**63}):
        with pytest.raises(InvalidInput):
            quotas.assign(root, team=people.team, **wrong)
    with pytest.raises(Forbidden):
        quotas.assign(make.actor(people.alice), team=people.team, soft=1, hard=2)


def test_an_upload_costs_one_query_without_a_limit_and_three_with_one(people, project, entity, full):
    survey.count(entity)
    with CaptureQueriesContext(connection) as done:
        quotas.refuse_beyond(entity, 1)
    assert len(done) == 3
    Team.objects.update(quota_hard=0)
    with CaptureQueriesContext(connection) as done:
        quotas.refuse_beyond(entity, 1)
    assert len(done) == 1


def test_uploads_on_their_way_count_together(project, bob, full):
    first, second = begin(bob, project), begin(bob, project)
    digests = [hashlib.sha256(bytes([at])).hexdigest() for at in range(2)]
    upload, _ = uploads.begin(bob, draft=first, size=30, sha256=digests[0])
    with pytest.raises(QuotaExceeded):
        uploads.begin(bob, draft=second, size=30, sha256=digests[1])
    # Going on with the same one is no second one.
    assert uploads.begin(bob, draft=first, size=30, sha256=digests[0]) == (upload, False)
    uploads.begin(bob, draft=second, size=20, sha256=digests[1])
