"""Without the queue's server people read, download and edit as ever; only signing in waits for it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from django.core.cache import cache
from redis.exceptions import ConnectionError as RedisGone

from artifacts_site.environment import redis_cache_url
from registry.http import markdown, problems
from registry.models import Event
from registry.services import versions
from tests import factories
from tests.api.support import Api, content
from tests.support.redis import redis_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def stopped_redis(settings):
    """A Redis that the cache was connected to, and that is gone."""
    with tempfile.TemporaryDirectory(prefix="sr-") as folder:
        with redis_server(Path(folder)) as address:
            settings.CACHES = {
                "default": {
                    "BACKEND": "django.core.cache.backends.redis.RedisCache",
                    "LOCATION": redis_cache_url(address),
                }
            }
            cache.set("there", 1)
        with pytest.raises(RedisGone):
            cache.get("there")
        yield


@pytest.fixture
def held():
    people = factories.people()
    made = factories.log(people.alice, factories.project(people), files={"a": b"bytes"})
    versions.edit(factories.actor(people.alice), membership=made, description="# A *card*")
    return people.alice, made


def test_markdown_is_rendered(stopped_redis):
    assert "<em>card</em>" in markdown.render("A *card*")


def test_a_page_with_a_card_is_shown(held, stopped_redis, client):
    person, made = held
    client.force_login(person)
    answer = client.get(made.get_absolute_url())
    assert answer.status_code == 200
    assert "<em>card</em>" in answer.content.decode()


def test_a_download_is_given_and_recorded(held, stopped_redis, client):
    person, made = held
    client.force_login(person)
    assert b"".join(client.get(f"{made.get_absolute_url()}/download/a").streaming_content) == b"bytes"
    place = f"/projects/{made.collection.project}/collections/{made.collection.name}/versions/v0"
    assert content(Api(person).get(f"{place}/content", {"path": "a"})) == b"bytes"
    assert set(Event.objects.filter(act="version.download").values_list("door", flat=True)) == {"web", "api"}


def test_signing_in_says_that_it_has_to_wait(stopped_redis, client):
    answer = client.post("/sign-in", {"username": "alice", "password": "correct horse battery"})
    assert answer.status_code == 503
    assert "Try again in a moment" in answer.content.decode()
    assert "Retry-After" in answer


def test_any_other_door_answers_unavailable():
    answer = problems.respond(RedisGone("Connection refused."))
    assert answer.status_code == 503
    assert json.loads(answer.content)["error"]["code"] == "unavailable"
