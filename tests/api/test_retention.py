"""Retention through REST: what is set, what it would delete, which versions, and that a preview is confirmed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.models import Event, Version
from registry.services import aliases
from tests.api.support import refused
from tests.factories import actor, log

pytestmark = pytest.mark.django_db
DAY = 86400


@pytest.fixture
def entity(people):
    return f"/entities/{people.team.entity.name}/ttl"


@pytest.fixture
def team(people):
    return f"/teams/{people.team.entity.name}/retention"


@pytest.fixture
def old(people, project):
    made = [log(people.bob, project, "resnet", {"a": str(at).encode()}) for at in range(3)]
    for at, row in enumerate(made):
        born = timezone.now() - timedelta(days=100 - at)
        Version.objects.filter(pk=row.version_id).update(created_at=born)
    return made


def test_a_teams_retention_is_shown_and_set_at_once(alice, bob, team):
    first = {
        "ttl": "inherit",
        "ttl_editors": "members",
        "inherited_ttl_spares_aliased": True,
        "kept_newest": 0,
        "ttl_grace_until": None,
    }
    assert bob.get(team).json() == first
    until = (timezone.now() + timedelta(days=30)).isoformat(timespec="seconds").replace("+00:00", "Z")
    wanted = {"ttl": 90 * DAY, "kept_newest": 3, "ttl_grace_until": until, "ttl_editors": "admins"}
    assert alice.put(team, wanted).json() == {**first, **wanted}
    assert alice.put(team, {"ttl_grace_until": None, "seen": {"ttl_grace_until": until}}).status_code == 200
    refused(alice.put(team, {"kept_newest": 1, "seen": {"kept_newest": 9}}), 409, "changed_meanwhile")
    refused(bob.put(team, {"kept_newest": 1}), 403, "forbidden")
    refused(alice.put(team, {"ttl_grace_until": "soon"}), 400, "invalid_input")
    refused(alice.put(team, {"kept_newest": -1}), 400, "invalid_input")


def test_a_preview_tells_and_confirms(alice, bob, people, team, entity, old):
    asked = {"ttl": 90 * DAY, "kept_newest": 1}
    said = alice.post(f"{entity}/preview", asked).json()
    assert (said["versions"], said["on_grace_date"], said["size"], said["freed"]) == (2, 2, 2, 2)
    assert said["kept"] == {"linked": 0, "alias": 0, "newest": 1, "never": 0}
    assert [each["collection"] for each in said["collections"]] == ["resnet"]
    aliases.move(actor(people.bob), membership=old[0], name="gold")
    refused(alice.put(team, {**asked, "preview": said["preview"]}), 409, "preview_changed")
    said = alice.post(f"{entity}/preview", asked).json()
    assert said["versions"] == 1
    refused(alice.put(team, {"ttl": 80 * DAY, "preview": said["preview"]}), 409, "preview_changed")
    refused(alice.put(team, {**asked, "preview": "made up"}), 409, "preview_changed")
    assert alice.put(team, {**asked, "preview": said["preview"]}).status_code == 200
    assert Event.objects.get(act="ttl_policy.set").after["preview"]["versions"] == 1
    refused(bob.post(f"{entity}/preview", asked), 403, "forbidden")


def test_policies_of_projects_and_collections_are_previewed_and_confirmed(alice, bob, home, old):
    for place in (f"{home}/ttl", f"{home}/collections/resnet/ttl"):
        said = alice.post(f"{place}/preview", {"ttl": 90 * DAY}).json()
        assert (said["versions"], said["freed"]) == (3, 3)
        refused(bob.post(f"{place}/preview", {"ttl": DAY}), 403, "forbidden")
    answer = alice.put(f"{home}/collections/resnet/ttl", {"ttl": 90 * DAY, "preview": said["preview"]})
    assert answer.status_code == 200
    told = Event.objects.get(act="ttl_policy.set")
    assert (told.before, told.after["preview"]["versions"]) == ({"ttl": "inherit"}, 3)


def test_what_would_expire_is_listed_page_by_page_and_as_a_file(alice, bob, entity, old):
    query = {"ttl": str(90 * DAY), "kept_newest": "1", "limit": "1"}
    found, cursor = [], {}
    while True:
        page = alice.get(f"{entity}/expiring", {**query, **cursor}).json()
        found += [each["version"] for each in page["results"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == ["v0", "v1"]
    assert alice.get(f"{entity}/expiring", {**query, "q": "zzz"}).json()["results"] == []
    lines = b"".join(alice.get(f"{entity}/expiring.csv", query).streaming_content).decode().splitlines()
    assert len(lines) == 3
    assert ",resnet,v0," in lines[1]
    refused(bob.get(f"{entity}/expiring", query), 403, "forbidden")
    refused(alice.get(f"{entity}/expiring", {"ttl": "soon"}), 400, "invalid_query")
    refused(alice.get(f"{entity}/expiring", {"ttl": "0"}), 400, "invalid_ttl")


def test_a_default_outside_of_the_bounds_is_refused_at_each_door(alice, entity, team, home, settings):
    settings.TTL_LEAST_DAYS, settings.TTL_MOST_DAYS = 7, 100
    for ttl in (DAY, 101 * DAY):
        for path in (entity, team, f"{home}/ttl"):
            refused(alice.put(path, {"ttl": ttl}), 400, "ttl_out_of_bounds")
        refused(alice.post(f"{entity}/preview", {"ttl": ttl}), 400, "ttl_out_of_bounds")
        refused(alice.get(f"{entity}/expiring", {"ttl": str(ttl)}), 400, "ttl_out_of_bounds")
    assert alice.put(entity, {"ttl": "never"}).status_code == 200
