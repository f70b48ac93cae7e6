"""Teams by REST: members, settings, TTL policies, what happened to them, and the runs that used a version."""

import pytest

from registry.services import runs
from tests.api.support import Api, refused
from tests.factories import actor, log, unique

DAY = 86400


@pytest.fixture
def team(people):
    return f"/teams/{people.team.entity.name}"


def roles(answer):
    assert answer.status_code == 200, answer.content
    return {row["username"]: row["role"] for row in answer.json()["results"]}


def test_members_are_listed_a_page_at_a_time(alice, team, people):
    first = alice.get(f"{team}/members", {"limit": "2"})
    rest = alice.get(f"{team}/members", {"limit": "2", "cursor": first.json()["next"]})
    assert rest.json()["next"] is None
    assert roles(first) | roles(rest) == {
        people.alice.username: "admin",
        people.bob.username: "member",
        people.vera.username: "viewer",
    }


def test_an_admin_adds_changes_and_removes_members(alice, team, people):
    path = f"{team}/members/{people.olga.username}"
    assert alice.put(path, {"role": "viewer"}).json()["role"] == "viewer"
    assert alice.put(path, {"role": "member"}).json()["role"] == "member"
    assert roles(alice.get(f"{team}/members"))[people.olga.username] == "member"
    assert alice.delete(path).status_code == 204
    refused(alice.delete(path), 404, "not_found")
    refused(alice.put(f"{team}/members/nobody-here", {"role": "viewer"}), 404, "not_found")
    refused(alice.put(path, {"role": "owner"}), 400, "invalid_input")


def test_a_team_admin_brings_nobody_into_the_organization(alice, team, people):
    path = f"{team}/members/{people.charlie.username}"
    refused(alice.put(path, {"role": "viewer"}), 409, "conflict")
    assert Api(people.root).put(path, {"role": "viewer"}).json()["role"] == "viewer"
    assert alice.put(path, {"role": "member"}).json()["role"] == "member"


def test_the_last_admin_stays(alice, team, people):
    refused(alice.put(f"{team}/members/{people.alice.username}", {"role": "member"}), 409, "conflict")
    refused(alice.delete(f"{team}/members/{people.alice.username}"), 409, "conflict")


def test_a_member_leaves_and_learns_no_names_of_others(bob, team, people):
    refused(bob.put(f"{team}/members/nobody-here", {"role": "viewer"}), 403, "forbidden")
    refused(bob.delete(f"{team}/members/nobody-here"), 403, "forbidden")
    assert bob.delete(f"{team}/members/{people.bob.username}").status_code == 204
    assert people.bob.username not in roles(bob.get(f"{team}/members")), "still of the organization"


def test_what_happened_to_a_team_is_told_to_its_admins(alice, bob, team, people):
    alice.put(f"{team}/members/{people.olga.username}", {"role": "viewer"})
    events = alice.get(f"/entities/{people.team.entity.name}/events").json()["results"]
    assert (events[0]["act"], events[0]["subject"], events[0]["after"]) == (
        "member.role",
        people.olga.username,
        "viewer",
    )
    refused(bob.get(f"/entities/{people.team.entity.name}/events"), 403, "forbidden")
    mine = bob.get(f"/entities/{people.bob.username}/events").json()["results"]
    assert {event["act"] for event in mine} == {"user.create", "key.create"}
    refused(alice.get(f"/entities/{people.bob.username}/events"), 404, "not_found")


def test_a_policy_counts_below_its_place_until_a_nearer_one(alice, people, home, project):
    log(people.alice, project, "resnet")
    entity, resnet = f"/entities/{people.team.entity.name}/ttl", f"{home}/collections/resnet"
    assert alice.get(entity).json() == {"ttl": "inherit", "inherited": "never", "origin": "none"}
    assert alice.put(entity, {"ttl": 90 * DAY}).json()["ttl"] == 90 * DAY
    inherited = {"ttl": "inherit", "inherited": 90 * DAY, "origin": "team"}
    assert alice.get(f"{home}/ttl").json() == alice.get(f"{resnet}/ttl").json() == inherited
    assert alice.put(f"{home}/ttl", {"ttl": 7 * DAY}).status_code == 200
    assert alice.put(f"{resnet}/ttl", {"ttl": "never"}).json() == {
        "ttl": "never",
        "inherited": 7 * DAY,
        "origin": "project",
    }
    effective = alice.get(f"{resnet}/versions/v0").json()["effective_ttl"]
    assert (effective["seconds"], effective["origin"]) == (None, "collection")
    alice.put(f"{resnet}/ttl", {"ttl": "inherit"})
    effective = alice.get(f"{resnet}/versions/v0").json()["effective_ttl"]
    assert (effective["seconds"], effective["origin"]) == (7 * DAY, "project")


@pytest.mark.parametrize(
    ("ttl", "code"),
    [(0, "invalid_ttl"), (-1, "invalid_ttl"), ("soon", "invalid_input"), (1.5, "invalid_input")],
)
def test_a_wrong_policy_is_refused(alice, home, ttl, code):
    refused(alice.put(f"{home}/ttl", {"ttl": ttl}), 400, code)


def test_only_admins_set_policies(bob, people, home):
    refused(bob.put(f"{home}/ttl", {"ttl": "never"}), 403, "forbidden")
    refused(bob.put(f"/entities/{people.team.entity.name}/ttl", {"ttl": "never"}), 403, "forbidden")


def test_a_team_says_who_may_change_the_ttl_of_versions(alice, bob, team, people, home, project):
    log(people.alice, project, "resnet")
    version = f"{home}/collections/resnet/versions/v0"
    assert bob.patch(version, {"ttl": DAY}).status_code == 200
    changed = alice.patch(f"{team}/settings", {"ttl_editors": "admins"})
    assert changed.json() == {
        "ttl_editors": "admins",
        "inherited_ttl_spares_aliased": True,
        "trash_days": None,
    }
    refused(bob.patch(version, {"ttl": "never"}), 403, "forbidden")
    refused(bob.patch(f"{team}/settings", {"ttl_editors": "members"}), 403, "forbidden")
    refused(alice.patch(f"{team}/settings", {"ttl_editors": "all"}), 400, "invalid_input")


def test_every_run_that_used_a_version_is_found(alice, people, home, project):
    held = log(people.alice, project, "resnet")
    who = actor(people.alice)
    names = [unique("run") for _ in range(5)]
    for name in names:
        run, _ = runs.create(who, project=project, name=name)
        runs.use(who, run=run, membership=held)
    path, query, found = f"{home}/collections/resnet/versions/v0/used-by", {"limit": "2"}, []
    while True:
        page = alice.get(path, query).json()
        found += [row["name"] for row in page["results"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert found == names[::-1]


def test_the_short_list_of_runs_says_where_to_go_on(alice, people, home, project, monkeypatch):
    monkeypatch.setattr("registry.api.views.versions.USED_BY_FIRST", 2)
    held = log(people.alice, project, "resnet")
    who = actor(people.alice)
    for _ in range(3):
        run, _ = runs.create(who, project=project)
        runs.use(who, run=run, membership=held)
    version = f"{home}/collections/resnet/versions/v0"
    short = alice.get(f"{version}/runs").json()
    assert len(short["used_by"]) == 2
    rest = alice.get(f"{version}/used-by", {"cursor": short["next"]}).json()
    assert [row["name"] for row in rest["results"]] not in ([row["name"] for row in short["used_by"]], [])
    assert rest["next"] is None


def test_the_members_of_an_organization_are_managed_by_its_admins(people, alice, home):
    place = f"/organizations/{people.organization.entity.name}/members"
    root = Api(people.root)
    everyone = (people.olga, people.alice, people.bob, people.vera)
    assert roles(alice.get(place)) == {person.username: "member" for person in everyone}
    refused(alice.put(f"{place}/{people.olga.username}", {"role": "admin"}), 403, "forbidden")
    assert root.put(f"{place}/{people.olga.username}", {"role": "admin"}).json()["role"] == "admin"
    refused(root.put(f"{place}/{people.olga.username}", {"role": "viewer"}), 400, "invalid_input")


def test_a_key_of_who_is_taken_out_of_the_organization_opens_nothing_of_its_teams(people, bob, home):
    olga = Api(people.olga)
    place = f"/organizations/{people.organization.entity.name}/members"
    root = Api(people.root)
    root.put(f"{place}/{people.olga.username}", {"role": "admin"})
    assert bob.get(home).status_code == 200
    assert olga.delete(f"{place}/{people.bob.username}").status_code == 204
    refused(bob.get(home), 404, "not_found")
    refused(bob.get(place), 404, "not_found")
    refused(olga.delete(f"{place}/{people.bob.username}"), 404, "not_found")
