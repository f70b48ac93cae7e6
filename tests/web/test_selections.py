"""What is done to several versions at once, and what its pages say first."""

from __future__ import annotations

import pytest

from registry.errors import Conflict
from registry.models import Membership, Version
from registry.services import needed
from tests.web.sample import CONFIRMED

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


@pytest.fixture
def here(sample) -> str:
    return f"{sample.newest.collection.get_absolute_url()}/selected"


def tags(sample) -> list[set[str]]:
    return [{tag.name for tag in row.version.tags.all()} for row in sample.versions]


def test_tags_are_added_to_all_and_taken_from_all(client, sample, here):
    before = tags(sample)
    answer = client.post(here, {"act": "tag", "v": ["0", "1"], "add": "night shift, fp16"})
    assert answer.status_code == 302
    after = tags(sample)
    assert after[0] == before[0] | {"night shift", "fp16"}
    assert after[1] == before[1] | {"night shift", "fp16"}
    assert after[2] == before[2]
    client.post(here, {"act": "tag", "v": ["0", "1", "2"], "remove": "fp16"})
    assert not [names for names in tags(sample) if "fp16" in names]


def test_a_wrong_tag_changes_none(client, sample, here):
    before = tags(sample)
    answer = client.post(here, {"act": "tag", "v": ["0", "1"], "add": "fine, no/slash"})
    assert answer.status_code == 422
    assert "no/slash" in answer.content.decode()
    assert tags(sample) == before


def test_an_alias_goes_to_one_version_only(client, sample, here):
    assert client.post(here, {"act": "alias", "v": ["1"], "name": "best"}).status_code == 302
    assert [alias.name for alias in sample.versions[1].aliases.all()] == ["best"]
    answer = client.post(here, {"act": "alias", "v": ["0", "1"], "name": "gold"})
    assert answer.status_code == 400
    assert "Choose one" in answer.content.decode()


def test_a_time_to_live_is_given_to_all(client, sample, here):
    assert client.post(here, {"act": "ttl", "v": ["0", "2"], "kind": "days", "days": "9"}).status_code == 302
    seconds = [Version.objects.get(pk=row.version_id).ttl_seconds for row in sample.versions]
    assert seconds[0] == seconds[2] == 9 * 86400 != seconds[1]
    answer = client.post(here, {"act": "ttl", "v": ["0", "2"], "kind": "days", "days": ""})
    assert answer.status_code == 422


def test_deletion_names_what_goes_and_needs_a_yes_for_aliases_and_is_undone(client, sample, here):
    asked = client.get(here, {"act": "delete", "v": ["0", "2"]}).content.decode()
    assert "paper-2026" in asked
    assert "best" in asked
    refused = client.post(here, {"act": "delete", "v": ["0", "2"]})
    assert refused.status_code == 422
    assert Membership.objects.committed().filter(collection=sample.newest.collection).count() == 3
    done = client.post(
        here,
        {"act": "delete", "v": ["0", "2"], **CONFIRMED},
        follow=True,
    )
    assert "v2 and v0 are in the trash." in done.content.decode()
    left = Membership.objects.committed().filter(collection=sample.newest.collection)
    assert [row.number for row in left] == [1]
    assert [alias.name for alias in left.get().aliases.all()] == ["latest"]
    back = here.replace("/selected", "/restore-versions")
    undone = client.post(f"{back}?v=0&v=2", follow=True)
    assert "v0 and v2 are back." in undone.content.decode()
    assert {alias.name for alias in sample.newest.aliases.all()} == {"best", "latest"}
    again = client.post(f"{back}?v=0&v=2", follow=True)
    assert "They are there already." in again.content.decode()


def test_two_lead_to_their_comparison_the_older_first(client, sample, here):
    answer = client.get(here, {"act": "compare", "v": ["2", "0"]})
    assert answer["Location"].endswith("/compare?a=resnet50-defects%3Av0&b=resnet50-defects%3Av2")
    assert client.get(here, {"act": "compare", "v": ["2", "0", "1"]}).status_code == 400


@pytest.mark.parametrize(
    ("asked", "status", "said"),
    [
        ({"act": "delete"}, 400, "Tick the versions first"),
        ({"act": "delete", "v": ["x"]}, 400, "by its number"),
        ({"act": "delete", "v": ["²"]}, 400, "by its number"),
        ({"act": "delete", "v": ["99"]}, 404, "no version v99"),
        ({"act": "paint", "v": ["0"]}, 400, "Choose what to do"),
        ({"v": ["0"]}, 400, "Choose what to do"),
        ({"act": "delete", "v": [str(n) for n in range(201)]}, 400, "from 1 to 200"),
    ],
)
def test_what_cannot_be_done_is_said(client, here, asked, status, said):
    for answer in (client.get(here, asked), client.post(here, asked)):
        assert answer.status_code == status
        assert said in answer.content.decode()


def test_one_that_was_deleted_meanwhile_stops_all(client, sample, here):
    client.post(f"{sample.versions[1].get_absolute_url()}/delete", {})
    answer = client.post(here, {"act": "tag", "v": ["0", "1"], "add": "late"})
    assert answer.status_code == 404
    assert not [names for names in tags(sample) if "late" in names]


def test_a_protected_alias_stops_the_deletion_of_all(client, sample, here, monkeypatch):
    def refuse(*_: object) -> None:
        raise Conflict("It is protected.")

    monkeypatch.setattr(needed, "refuse", refuse)
    answer = client.post(here, {"act": "delete", "v": ["0", "1"], **CONFIRMED})
    assert answer.status_code == 422
    assert Membership.objects.committed().filter(collection=sample.newest.collection).count() == 3


def test_a_viewer_ticks_and_compares_only(as_user, sample, here):
    viewer = as_user(sample.people.vera)
    text = viewer.get(sample.newest.collection.get_absolute_url()).content.decode()
    assert 'value="compare"' in text
    assert 'value="delete"' not in text
    assert 'value="tag"' not in text
