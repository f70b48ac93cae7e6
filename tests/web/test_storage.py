"""The pages on storage and trash of a team."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from registry import queue
from registry.models import Event, Team, Version
from registry.services import project_trash, recounting, retention, survey, versions
from tests import factories


@pytest.fixture
def client(as_user, people):
    return as_user(people.alice)


@pytest.fixture
def project(people):
    return factories.project(people)


@pytest.fixture
def here(people):
    return f"/teams/{people.team.entity.name}"


@pytest.fixture
def gone(people, project):
    row = factories.log(people.bob, project, files={"a": b"12345"}, aliases=["gold"])
    versions.delete(factories.actor(people.bob), membership=row, delete_aliases=True)
    return row


def text(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_the_overview_says_what_is_stored_and_who_uses_it(client, people, project, here, gone):
    assert "counted within the hour" in text(client.get(f"{here}/storage"))
    factories.log(people.bob, project, "bert", files={"a": b"1234567"})
    assert client.post(f"{here}/storage").status_code == 302
    page = text(client.get(f"{here}/storage"))
    assert "12 B stored" in page
    assert (
        'aria-label="Of 12 B: 7 B used by one version, 0 B shared by several, 5 B only in the trash' in page
    )
    assert "The longest unused" in page
    assert "bert" in text(client.get(f"{here}/storage/collections"))


def test_growth_is_drawn_from_the_second_day_on(client, people, project, here, gone):
    at = timezone.now()
    survey.count(people.team.entity, at - timedelta(days=3))
    assert "Growth" not in text(client.get(f"{here}/storage"))
    survey.count(people.team.entity, at)
    assert "Stored bytes: 5 B on" in text(client.get(f"{here}/storage"))


def test_members_see_the_pages_and_count_nothing(as_user, people, here, gone):
    viewer = as_user(people.vera)
    assert "Count again" not in text(viewer.get(f"{here}/storage"))
    assert "Delete all versions" not in text(viewer.get(f"{here}/trash"))
    assert viewer.post(f"{here}/storage").status_code == 403


def test_the_trash_is_searched_and_narrowed(client, here, gone):
    assert "resnet" in text(client.get(f"{here}/trash"))
    assert "gold" in text(client.get(f"{here}/trash?q=resnet:v0&cause=person&order=purged"))
    assert (
        "resnet" not in text(client.get(f"{here}/trash?cause=expiry")).split("<main")[1].split("<tbody")[-1]
    )


def test_the_trash_of_a_project_is_narrowed_and_sorted_too(client, project, gone):
    here = f"{project.get_absolute_url()}/trash"
    for order in ("-deleted", "deleted", "-size", "purged", "-alone"):
        assert "resnet" in text(client.get(f"{here}?order={order}&cause=person"))


def test_ticked_versions_come_back(client, here, gone):
    asked = text(client.get(f"{here}/trash/selected?act=restore&v={gone.version_id}"))
    assert "Restore 1 version?" in asked
    answer = client.post(f"{here}/trash/selected", {"act": "restore", "v": gone.version_id})
    assert answer.status_code == 302
    assert Version.objects.get().state == "COMMITTED"
    assert client.post(f"{here}/trash/selected", {"act": "restore", "v": gone.version_id}).status_code == 404


def test_deleting_for_good_takes_the_typed_name(client, here, gone):
    asked = {"act": "purge", "v": gone.version_id}
    assert 'Type <span class="mono">resnet:v0</span>' in text(client.get(f"{here}/trash/selected", asked))
    answer = client.post(f"{here}/trash/selected", {**asked, "typed": "resnet"})
    assert answer.status_code == 422
    assert not Version.objects.exclude(purged_at=None)
    answer = client.post(f"{here}/trash/selected", {**asked, "typed": "resnet:v0"})
    assert answer.status_code == 302
    assert Version.objects.get().purged_at
    assert "resnet:v0" in text(client.get(f"{here}/storage/freed"))


def test_the_whole_trash_takes_the_name_of_the_team(client, people, here, gone):
    assert "1 version" in text(client.get(f"{here}/trash/empty"))
    assert client.post(f"{here}/trash/empty", {"typed": "no"}).status_code == 422
    assert client.post(f"{here}/trash/empty", {"typed": people.team.entity.name}).status_code == 302
    assert Event.objects.get(act="version.purge").actor_id == people.alice.pk


@pytest.mark.parametrize(("sent", "kept"), [({"kind": "days", "days": "30"}, 30), ({"kind": "whole"}, None)])
def test_the_trash_period_is_set(client, here, sent, kept):
    Team.objects.update(trash_days=3)
    assert client.post(f"{here}/trash/period", sent).status_code == 302
    assert Team.objects.get().trash_days == kept


@pytest.mark.parametrize("days", ["", "x", "-1", "99999999"])
def test_a_wrong_trash_period_is_said(client, here, days):
    answer = client.post(f"{here}/trash/period", {"kind": "days", "days": days})
    assert answer.status_code == 422
    assert Team.objects.get().trash_days is None


@pytest.mark.parametrize("asked", ["", "act=purge", "act=purge&v=x", "act=other&v=1"])
def test_what_cannot_be_asked_is_said(client, here, asked):
    assert client.get(f"{here}/trash/selected?{asked}").status_code == 400


def test_pages_cost_the_same_for_one_and_for_many(
    client, people, project, here, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def cost() -> list[int]:
        survey.count(people.team.entity)
        found = []
        for path in ("storage", "storage/collections", "storage/versions", "storage/freed", "trash"):
            with CaptureQueriesContext(connection) as done:
                text(client.get(f"{here}/{path}"))
            found.append(len(done))
        return found

    def more(numbers):
        who = factories.actor(people.alice)
        for n in numbers:
            row = factories.log(people.bob, project, f"c{n}", files={"a": b"%d" % n})
            versions.delete(who, membership=row, delete_aliases=True)
            factories.log(people.bob, project, f"c{n}", files={"b": b"%d" % n})

    more([0])
    few = cost()
    more(range(1, 12))
    assert cost() == few


def test_what_is_not_counted_yet_is_said_and_is_no_zero(as_user, people, project):
    row = factories.log(people.bob, project, files={"a": b"a" * 100})
    versions.delete(factories.actor(people.bob), membership=row, delete_aliases=True)
    client, team = as_user(people.alice), people.team.entity.name
    pages = (f"/teams/{team}/storage", f"/teams/{team}/trash", f"{project.get_absolute_url()}/trash")
    assert all("not counted yet" in client.get(page).content.decode() for page in pages)
    survey.count(people.team.entity)
    assert not any("not counted yet" in client.get(page).content.decode() for page in pages)


def test_a_deleted_project_counts_in_the_trash_which_is_not_empty_then(client, people, project, here):
    factories.log(people.bob, project, files={"a": b"123"})
    project_trash.delete(factories.actor(people.alice), project=project, delete_aliases=True)
    page = text(client.get(f"{here}/trash"))
    assert "The trash is empty" not in page
    assert "No single versions are in the trash" in page
    assert 'Trash <span class="count">1</span>' in page


def test_deleting_a_project_for_good_says_what_goes_and_is_told_with_its_bytes(client, people, project, here):
    factories.log(people.bob, project, files={"a": b"123"})
    factories.log(people.bob, project, files={"a": b"4567"})
    survey.count(people.team.entity)
    project_trash.delete(factories.actor(people.alice), project=project, delete_aliases=True)
    place = f"{project.get_absolute_url()}/purge"
    page = text(client.get(place))
    assert "1 collection, 2 versions, 7 B" in page
    assert "at least 7 B of the store" in page
    assert client.post(place, {"typed": project.name}).status_code == 302
    assert Event.objects.get(act="project.purge").before == {"versions": 2, "size": 7}
    assert "versions: 2, size: 7 B" in text(client.get(f"{here}/storage/freed"))


def test_restoring_what_expired_says_that_it_has_no_time_to_live_any_more(client, people, project, here):
    row = factories.log(people.bob, project, files={"a": b"123"}, ttl=60)
    hour = timedelta(hours=1)
    Version.objects.update(created_at=timezone.now() - 2 * hour, expires_at=timezone.now() - hour)
    assert retention.expire_due() == 1
    answer = client.post(f"{here}/trash/selected", {"act": "restore", "v": row.version_id}, follow=True)
    assert "1 version has no time to live any more" in text(answer)


def test_a_count_by_a_worker_is_watched(client, people, project, here, monkeypatch):
    cache.clear()
    factories.log(people.bob, project, files={"a": b"123"})
    survey.count(people.team.entity)
    monkeypatch.setattr(survey, "NODES", 0)
    monkeypatch.setattr(queue, "send", lambda *words: None)
    assert "counted again" not in text(client.get(f"{here}/storage"))
    assert "Counting has begun." in text(client.post(f"{here}/storage", follow=True))
    page = text(client.get(f"{here}/storage"))
    assert "counted again: 0 %" in page
    assert "Count again" not in page
    watched = f"{here}/storage/counting"
    assert client.get(watched).status_code == 302
    piece = text(client.get(watched, headers={"HX-Request": "true"}))
    assert "every 2s" in piece
    assert "<html" not in piece
    recounting.work(people.team.entity_id)
    done = client.get(watched, headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true"


def test_every_version_is_listed_by_its_bytes_and_by_its_use(client, people, project, here):
    assert "Nothing is counted yet" in text(client.get(f"{here}/storage/versions"))
    factories.log(people.bob, project, "big", files={"a": b"x" * 3000, "b": b"same"})
    factories.log(people.bob, project, "small", files={"a": b"y" * 200, "b": b"same"})
    factories.log(people.bob, project, "small", files={"a": b"z" * 100})
    survey.count(people.team.entity)

    def listed(query=""):
        rows = text(client.get(f"{here}/storage/versions{query}")).split("<tbody")[-1]
        return re.findall(r'class="name" href="[^"]*/(\w+/v\d)"', rows)

    for order in ("", "?order=-alone", "?order=-size"):
        assert listed(order) == ["big/v0", "small/v0", "small/v1"]
    assert listed("?order=idle") == ["big/v0", "small/v0", "small/v1"]
    assert listed("?q=SMALL") == ["small/v0", "small/v1"]
    assert listed("?q=small:v1") == ["small/v1"]
    assert "Nothing found" in text(client.get(f"{here}/storage/versions?q=zzz"))
