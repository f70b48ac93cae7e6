"""Places that the server may not reach cost a row each, however many references lie there, and every count is exact."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from artifacts_site.outbound import Outbound, Root
from registry import queue
from registry.models import ReferenceDrift
from registry.services import drift, drifts, files, looking
from tests import factories as make
from tests.support.drifting import log, watch_of
from tests.support.website import reaching, website

pytestmark = pytest.mark.django_db
NOW = timezone.now() + timedelta(hours=1)
DAY = timedelta(days=1)
# The MD5 of other bytes.
OTHER = "A" * 22 + "=="


@pytest.fixture(autouse=True)
def _small(settings, monkeypatch):
    settings.OUTBOUND = Outbound()
    monkeypatch.setattr(drift, "BATCH", 10)
    monkeypatch.setattr(queue, "send", lambda *given: None)


@pytest.fixture
def bob(people):
    return make.actor(people.bob)


def entry(path: str, uri: str) -> dict[str, object]:
    return {"path": path, "ref": uri, "digest": OTHER, "size": 3}


@pytest.fixture
def logged(people, project):
    """References to three places that are out of reach, mixed, with one between them that only says where it is."""
    entries = [
        entry(f"{n:03}", uri.format(n))
        for n, uri in enumerate(("file:///data/{}", "s3://bucket/{}", "http://127.0.0.1:9/{}") * 15)
    ]
    entries.insert(7, {"path": "006x", "ref": "hdfs://c/x", "digest": "hdfs://c/x", "size": None})
    return log(people.bob, project, entries)


def rows() -> list[tuple[str, int]]:
    found = ReferenceDrift.objects.order_by("position").values_list("uri", "others")
    return list(found)


def standings(who, made) -> dict[str, str]:
    found = drifts.standings(who, made, list(files.entries(who, made)))
    return {path: each.state for path, each in found.items()}


EACH = [("file:///data/0", 14), ("s3://bucket/1", 14), ("http://127.0.0.1:9/2", 14)]


def test_each_place_has_one_row_and_all_counts_are_exact(bob, logged):
    drift.run(NOW + DAY)
    assert rows() == EACH
    watch = watch_of(logged)
    assert (watch.unreachable, watch.ok, watch.unwatched, watch.state) == (45, 0, 1, "unreachable")
    found = standings(bob, logged)
    assert (found["006x"], set(found.values())) == ("unwatched", {"unreachable", "unwatched"})
    assert len(found) == 46
    whys = list(ReferenceDrift.objects.order_by("position").values_list("why", flat=True))
    assert [
        word in why for word, why in zip(("ROOTS", "STORES", "http://127.0.0.1:9:"), whys, strict=True)
    ] == [True] * 3


def test_only_the_first_batch_asks_and_later_looks_ask_for_none(bob, logged, monkeypatch):
    asked = []
    real = looking._check
    monkeypatch.setattr(
        looking, "_check", lambda entry, *given: asked.append(entry.path) or real(entry, *given)
    )
    drift.run(NOW + DAY)
    assert len(asked) == 9
    first = {row.uri: row.since for row in ReferenceDrift.objects.all()}
    drift.run(NOW + 3 * DAY)
    assert len(asked) == 9
    assert rows() == EACH
    # When somebody asks, and once in seven periods, they are looked at anew.
    drifts.ask(bob, membership=logged, at=NOW + 5 * DAY)
    drift.run(NOW + 5 * DAY)
    drift.run(NOW + 14 * DAY)
    assert len(asked) == 27
    assert rows() == EACH
    assert {row.uri: row.since for row in ReferenceDrift.objects.all()} == first
    assert watch_of(logged).unreachable == 45


def test_counts_stay_true_while_a_look_goes_on(bob, logged, settings):
    drift.run(NOW + DAY)
    settings.DRIFT_MOST = 10
    drifts.ask(bob, membership=logged, at=NOW + 2 * DAY)
    drift.look(logged.version_id, NOW + 2 * DAY)
    watch = watch_of(logged)
    assert (watch.begun_at is None, watch.seen, watch.unreachable) == (False, 10, 45)
    for _ in range(6):
        drift.look(logged.version_id, NOW + 2 * DAY)
    assert watch_of(logged).begun_at is None
    assert (rows(), watch_of(logged).unreachable) == (EACH, 45)


def test_a_place_that_is_opened_is_looked_at_one_by_one(bob, people, project, settings, tmp_path):
    for n in range(25):
        (tmp_path / f"f{n:02}").write_bytes(b"one")
    made = log(people.bob, project, [entry(f"f{n:02}", (tmp_path / f"f{n:02}").as_uri()) for n in range(30)])
    drift.run(NOW + DAY)
    assert (len(rows()), watch_of(made).unreachable) == (1, 30)
    settings.OUTBOUND = Outbound(roots=(Root(str(tmp_path)),))
    drifts.ask(bob, membership=made, at=NOW + 2 * DAY)
    drift.run(NOW + 2 * DAY)
    watch = watch_of(made)
    assert (watch.unreachable, watch.changed, watch.missing) == (0, 25, 5)
    assert len(rows()) == 30
    settings.OUTBOUND = Outbound()
    drift.run(NOW + 4 * DAY)
    watch = watch_of(made)
    assert (watch.unreachable, watch.changed, watch.missing) == (30, 0, 0)
    assert [others for _, others in rows()] == [29]


def test_a_policy_that_changes_within_a_look_leaves_true_counts_at_its_end(
    bob, people, project, settings, tmp_path
):
    made = log(people.bob, project, [entry(f"f{n:02}", (tmp_path / f"f{n:02}").as_uri()) for n in range(30)])
    settings.DRIFT_MOST = 10
    drift.look(made.version_id, NOW + DAY)
    drift.run(NOW + DAY)
    settings.OUTBOUND = Outbound(roots=(Root(str(tmp_path)),))
    while watch_of(made).begun_at is not None:
        drift.run(NOW + DAY)
    settings.DRIFT_MOST = 1000
    drifts.ask(bob, membership=made, at=NOW + 2 * DAY)
    drift.run(NOW + 2 * DAY)
    watch = watch_of(made)
    assert (watch.unreachable, watch.missing, ReferenceDrift.objects.count()) == (0, 30, 30)


def test_a_redirect_that_is_refused_says_nothing_of_the_host(people, project, settings):
    with website() as site:
        settings.OUTBOUND = reaching(site, settings.OUTBOUND)
        site.put(a=b"one", b=b"two")
        made = log(people.bob, project, [site.entry("a"), site.entry("b")])
        site.troubles = {"a": (302, {"Location": "http://169.254.169.254/"})}
        drift.run(NOW + DAY)
    row = ReferenceDrift.objects.get()
    assert (row.path, row.refused, row.place_sha256, row.others) == ("a", True, None, 0)
    assert watch_of(made).ok == 1
