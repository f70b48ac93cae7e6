"""Pages stay true when the holder of `latest` is deleted, or nobody holds it."""

from __future__ import annotations

import pytest

from registry.services import aliases, versions
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(people):
    return factories.project(people)


@pytest.fixture
def two(people, place):
    return [factories.log(people.alice, place, files={"a": b"%d" % n}) for n in range(2)]


def text(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_after_a_deletion_the_next_newest_is_shown_and_opened(as_user, people, place, two):
    client, collection = as_user(people.alice), two[0].collection
    asked = text(client, f"{two[1].get_absolute_url()}/delete")
    assert "v0 will hold it" in asked
    versions.delete(factories.actor(people.alice), membership=two[1], delete_aliases=True)
    assert two[0].get_absolute_url() in text(client, place.get_absolute_url())
    page = text(client, collection.get_absolute_url())
    link = f"{collection.get_absolute_url()}/aliases/latest"
    assert link in page
    assert client.get(link)["Location"] == two[0].get_absolute_url()
    assert "nothing will hold it" in text(client, f"{two[0].get_absolute_url()}/delete")
    versions.delete(factories.actor(people.alice), membership=two[0], delete_aliases=True)
    assert link not in text(client, collection.get_absolute_url())
    assert "none yet" in text(client, place.get_absolute_url())


def test_where_nobody_holds_latest_the_newest_is_shown_and_no_link_leads_nowhere(as_user, people, place, two):
    client, collection = as_user(people.alice), two[0].collection
    aliases.remove(factories.actor(people.alice), collection=collection, name="latest")
    assert two[1].get_absolute_url() in text(client, place.get_absolute_url())
    assert "Open latest" not in text(client, collection.get_absolute_url())
