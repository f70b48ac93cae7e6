"""Stars, and what the home page tells apart since the last visit."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Star, User
from registry.services import accounts, aliases
from tests import factories

HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


def test_what_is_starred_is_on_the_home_page_until_the_star_is_taken_away(client, sample):
    collection = sample.newest.collection
    for place in (sample.project.get_absolute_url(), collection.get_absolute_url()):
        assert client.post(f"{place}/star", {"on": "1"}).status_code == 302
        client.post(f"{place}/star", {"on": "1"})
        assert 'aria-pressed="true"' in client.get(place).content.decode()
    assert Star.objects.count() == 2
    home = client.get("/").content.decode()
    assert "The star beside a project" not in home
    answer = client.post(f"{collection.get_absolute_url()}/star", {"on": "0"}, headers=HTMX)
    assert 'aria-pressed="false"' in answer.content.decode()
    client.post(f"{sample.project.get_absolute_url()}/star", {"on": "0"})
    assert "The star beside a project" in client.get("/").content.decode()


def test_nobody_stars_what_they_do_not_see(as_user, sample, people):
    stranger = as_user(people.charlie)
    assert stranger.post(f"{sample.project.get_absolute_url()}/star", {"on": "1"}).status_code == 404
    assert not Star.objects.exists()


def test_a_star_on_what_one_no_longer_sees_is_not_shown(client, sample):
    place = sample.newest.collection.get_absolute_url()
    client.post(f"{place}/star", {"on": "1"})
    client.post(
        f"{place}/delete",
        {
            "typed": sample.newest.collection.name,
            "delete_aliases": "on",
            "seen_aliases": "latest/best/paper-2026/gold/prod",
        },
    )
    assert "The star beside a project" in client.get("/").content.decode()


def test_home_marks_what_was_there_before_the_last_visit(client, sample, monkeypatch):
    bob = factories.actor(sample.people.bob)
    aliases.move(bob, membership=sample.newest, name="stale")
    assert "Before you were last here" not in client.get("/").content.decode()
    User.objects.filter(pk=sample.alice.pk).update(home_seen_at=timezone.now())
    aliases.move(bob, membership=sample.newest, name="fresh")
    with monkeypatch.context() as later:
        later.setattr(accounts, "_A_WHILE", timedelta(0))
        shown = client.get("/").content.decode()
    assert shown.count("Before you were last here") == 1
    mark = shown.index("Before you were last here")
    assert shown.index(">fresh<") < mark < shown.index(">stale<")
    assert "Before you were last here" in client.get("/").content.decode(), "a reload hides nothing"
