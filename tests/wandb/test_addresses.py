"""The addresses that the client prints lead to pages."""

from __future__ import annotations

import pytest

from registry.services import runs
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(people):
    return factories.project(people, "with space")


def test_what_the_client_prints_is_there(people, project, client):
    factories.log(people.bob, project, "data", {"a.txt": b"a"}, type="data set", aliases=["raw"])
    runs.create(factories.actor(people.bob), project=project, name="abc123")
    home = f"/{project.entity.name}/with%20space"
    client.force_login(people.bob)
    for path in (
        home,
        f"{home}/runs/abc123",
        f"{home}/artifacts/data%20set/data/v0",
        f"{home}/artifacts/data%20set/data/raw",
        f"{home}/artifacts/data%20set/data/v0/files/a.txt",
        "/authorize?ref=models",
        "/authorize?signup=true",
    ):
        assert client.get(path, follow=True).status_code == 200, path


def test_a_key_is_made_by_who_signs_in_first(client):
    answer = client.get("/authorize")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=%2Fauthorize")
