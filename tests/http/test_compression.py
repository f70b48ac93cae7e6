"""Pages are compressed for who takes it; what holds a secret that is shown once is not."""

from __future__ import annotations

import gzip

import pytest
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db
TAKES = {"Accept-Encoding": "gzip, br"}


@pytest.fixture
def people(db):
    return factories.people()


@pytest.fixture
def client(people):
    client = Client()
    client.force_login(people.alice)
    return client


def test_a_page_is_compressed_for_who_takes_it(client):
    plain, small = client.get("/api-keys"), client.get("/api-keys", headers=TAKES)
    assert "Content-Encoding" not in plain
    assert small["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in small["Vary"]
    assert b"<h1>" in gzip.decompress(small.content)
    assert len(small.content) < len(plain.content) / 2


def test_the_length_of_a_page_says_nothing(client):
    """The same page, and each time another length."""
    assert len({len(client.get("/sign-in/forgotten", headers=TAKES).content) for _ in range(12)}) > 1


def test_the_answer_that_shows_a_key_is_not_compressed(client):
    answer = client.post("/api-keys", {"name": "cluster", "lasting": "30"}, headers=TAKES)
    assert answer.context["secret"] in answer.content.decode()
    assert "Content-Encoding" not in answer


def test_what_is_no_page_stays_as_it_is(client, people):
    held = factories.log(people.alice, factories.project(people), files={"page.html": b"<p>x</p>" * 500})
    for path in (f"{held.get_absolute_url()}/download/page.html", "/api/v1/me"):
        answer = client.get(path, headers=TAKES)
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer
