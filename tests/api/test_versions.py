"""Versions and what is around them: list, show, edit, aliases, tags, delete, restore, runs."""

import pytest

from registry.models import ApiKey, Event
from registry.services import retention
from tests import factories
from tests.api.support import refused
from tests.factories import log


@pytest.fixture
def three(people, project):
    """v0 (tagged old), v1, v2 (latest, prod)."""
    log(people.alice, project, "resnet", tags=["old"], description="the first one")
    log(people.alice, project, "resnet")
    return log(people.alice, project, "resnet", aliases=["prod"])


@pytest.fixture
def resnet(home, three):
    return f"{home}/collections/resnet"


def names(response):
    assert response.status_code == 200, response.content
    return [row["version"] for row in response.json()["results"]]


def test_the_newest_version_comes_first(alice, resnet):
    assert names(alice.get(f"{resnet}/versions")) == ["v2", "v1", "v0"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"order": "version"}, ["v0", "v1", "v2"]),
        ({"order": "created_at"}, ["v0", "v1", "v2"]),
        ({"order": "-created_at"}, ["v2", "v1", "v0"]),
        ({"tag": "old"}, ["v0"]),
        ({"tag": "none"}, []),
        ({"alias": "prod"}, ["v2"]),
        ({"q": "first"}, ["v0"]),
        ({"q": "%_%_%"}, []),
        ({"q": "v1"}, ["v1"]),
        ({"state": "DELETED"}, []),
        ({"limit": "1"}, ["v2"]),
        ({"_connector": "OR", "tag": "old"}, ["v0"]),
    ],
)
def test_a_list_is_filtered_and_sorted(alice, resnet, query, found):
    assert names(alice.get(f"{resnet}/versions", query)) == found


@pytest.mark.parametrize(
    "query",
    [
        {"order": 'version"--'},
        {"order": "metadata__x"},
        {"limit": "0"},
        {"limit": "1000000000"},
        {"cursor": "x"},
        {"state": "PENDING"},
        {"q": "x" * 1001},
        {"q": "a\0b"},
        {"tag\0": "x"},
    ],
)
def test_a_query_that_the_list_does_not_know_is_refused(alice, resnet, query):
    refused(alice.get(f"{resnet}/versions", query), 400, "invalid_query")


def test_pages_follow_each_other(alice, resnet):
    first = alice.get(f"{resnet}/versions", {"limit": "2"}).json()
    second = alice.get(f"{resnet}/versions", {"limit": "2", "cursor": first["next"]}).json()
    assert [row["version"] for row in first["results"] + second["results"]] == ["v2", "v1", "v0"]
    assert second["next"] is None


def test_a_version_is_found_by_number_alias_and_id(alice, resnet):
    by_number = alice.get(f"{resnet}/versions/v2").json()
    assert alice.get(f"{resnet}/versions/prod").json() == by_number
    assert alice.get(f"/versions/{by_number['id']}").json() == by_number
    assert by_number["source"]["qualified_name"] == by_number["qualified_name"]
    assert by_number["url"].startswith("http://testserver/")


@pytest.mark.parametrize("ref", ["v9", "nothing", "v99999999999999999999999", "PROD", "v-1", "%20", "v2%0a"])
def test_a_version_that_is_not_there_is_404(alice, resnet, ref):
    refused(alice.get(f"{resnet}/versions/{ref}"), 404, "not_found")


@pytest.mark.parametrize(
    "given", ["x", "QXJ0aWZhY3Q6OTk5", "QXJ0aWZhY3Q6MQ", "QXJ0aWZhY3Q6LTE=", "====", "é"]
)
def test_an_id_that_is_none_is_404(alice, resnet, given):
    refused(alice.get(f"/versions/{given}"), 404, "not_found")


def test_nul_in_an_address_is_404(alice, resnet):
    refused(alice.get(f"{resnet}/versions/a%00b"), 404, "not_found")


def test_a_strangers_look_finds_nothing(charlie, alice, resnet, home):
    public = alice.get(f"{resnet}/versions/v0").json()["id"]
    for path in (
        home,
        resnet,
        f"{resnet}/versions",
        f"{resnet}/versions/v0",
        f"/versions/{public}",
        f"{home}/trash",
        f"{home}/events",
        f"{home}/runs",
        f"{home}/types",
        f"{home}/collections",
        f"{resnet}/aliases",
    ):
        refused(charlie.get(path), 404, "not_found")


def test_the_card_is_edited_all_or_nothing(alice, resnet):
    changes = {
        "description": "new",
        "metadata": {"k": [1, None]},
        "ttl": 3600,
        "aliases": ["staging"],
        "tags": ["a", "b"],
    }
    edited = alice.patch(f"{resnet}/versions/v1", changes).json()
    for field in ("description", "metadata", "ttl", "aliases", "tags"):
        assert edited[field] == changes[field]
    refused(
        alice.patch(f"{resnet}/versions/v1", {"description": "x", "tags": ["no/slash"]}), 400, "invalid_tag"
    )
    assert alice.get(f"{resnet}/versions/v1").json()["description"] == "new"


def test_what_is_not_given_stays(alice, resnet):
    alice.patch(f"{resnet}/versions/v0", {"ttl": "never"})
    shown = alice.get(f"{resnet}/versions/v0").json()
    assert (shown["description"], shown["tags"], shown["ttl"]) == ("the first one", ["old"], "never")


def test_every_field_of_the_answer_sent_back_changes_nothing_that_is_not_the_cards(alice, resnet):
    shown = alice.get(f"{resnet}/versions/v0").json()
    writable = {"description", "metadata", "ttl", "aliases", "tags"}
    for field, value in shown.items():
        if field not in writable:
            refused(alice.patch(f"{resnet}/versions/v0", {field: value}), 400, "invalid_input")
    assert alice.get(f"{resnet}/versions/v0").json() == shown


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"metadata": []}, "invalid_input"),
        ({"metadata": None}, "invalid_input"),
        ({"ttl": -1}, "invalid_ttl"),
        ({"ttl": 1.5}, "invalid_input"),
        ({"aliases": ["latest:x"]}, "invalid_alias"),
        ({"aliases": ["v1"]}, "invalid_alias"),
        ({"description": 5}, "invalid_input"),
        ({"description": "a\0b"}, "invalid_input"),
        ([], "invalid_input"),
    ],
)
def test_a_wrong_change_is_refused(alice, resnet, changes, code):
    refused(alice.patch(f"{resnet}/versions/v0", changes), 400, code)


def test_an_alias_moves_and_goes(alice, resnet):
    moved = alice.put(f"{resnet}/aliases/prod", {"version": "v0"})
    assert (moved.json()["alias"], moved.json()["version"]) == ("prod", "v0")
    listed = alice.get(f"{resnet}/aliases").json()["results"]
    assert {row["alias"]: row["version"] for row in listed} == {"latest": "v2", "prod": "v0"}
    assert alice.delete(f"{resnet}/aliases/prod").status_code == 204
    refused(alice.delete(f"{resnet}/aliases/prod"), 404, "not_found")
    refused(alice.put(f"{resnet}/aliases/v7", {"version": "v0"}), 400, "invalid_alias")
    refused(alice.put(f"{resnet}/aliases/x", {"version": "v9"}), 404, "not_found")


def test_a_tag_comes_and_goes(alice, resnet):
    assert alice.put(f"{resnet}/versions/v1/tags/good one").status_code == 204
    assert alice.put(f"{resnet}/versions/v1/tags/good one").status_code == 204
    assert alice.get(f"{resnet}/versions/v1").json()["tags"] == ["good one"]
    assert alice.delete(f"{resnet}/versions/v1/tags/good one").status_code == 204
    refused(alice.put(f"{resnet}/versions/v1/tags/a+b"), 400, "invalid_tag")


def test_a_version_goes_to_the_trash_and_comes_back_with_its_aliases(alice, resnet, home):
    error = refused(alice.delete(f"{resnet}/versions/v2"), 409, "has_aliases")
    assert "prod" in error["message"]
    assert alice.delete(f"{resnet}/versions/v2?delete_aliases=true").status_code == 204
    gone = refused(alice.get(f"{resnet}/versions/v2"), 410, "gone")
    assert gone["details"]["restorable"] is True
    assert names(alice.get(f"{resnet}/versions")) == ["v1", "v0"]
    assert names(alice.get(f"{resnet}/versions", {"state": "DELETED"})) == ["v2"]
    trashed = alice.get(f"{home}/trash").json()["results"]
    assert [row["version"] for row in trashed] == ["v2"]
    assert trashed[0]["deleted_at"].endswith("Z")

    restored = alice.post(f"{resnet}/versions/v2/restore")
    assert restored.status_code == 200
    assert "prod" in restored.json()["aliases_back"]
    assert alice.get(f"{resnet}/versions/prod").json()["version"] == "v2"
    refused(alice.post(f"{resnet}/versions/v2/restore"), 409, "not_in_trash")
    refused(alice.delete(f"{resnet}/versions/v2?delete_aliases=maybe"), 400, "invalid_query")


def test_a_viewer_sees_and_changes_nothing(vera, resnet, home):
    assert vera.get(f"{resnet}/versions/v0").status_code == 200
    for response in (
        vera.patch(f"{resnet}/versions/v0", {"description": "x"}),
        vera.delete(f"{resnet}/versions/v0"),
        vera.put(f"{resnet}/aliases/mine", {"version": "v0"}),
        vera.delete(f"{resnet}/aliases/prod"),
        vera.put(f"{resnet}/versions/v0/tags/x"),
        vera.patch(resnet, {"description": "x"}),
        vera.delete(resnet),
        vera.patch(home, {"description": "x"}),
        vera.post(f"{home}/collections", {"name": "n", "type": "model"}),
    ):
        error = refused(response, 403, "forbidden")
        assert "needs the role" in error["message"]


def test_a_member_may_not_change_the_projects_settings(bob, home):
    refused(bob.patch(home, {"visibility": "organization"}), 403, "forbidden")


def test_runs_use_versions(alice, charlie, resnet, home):
    made = alice.post(f"{home}/runs", {"display_name": "Train", "config": {"lr": 0.1}})
    assert made.status_code == 201
    run = f"{home}/runs/{made.json()['name']}"
    used = alice.post(f"{run}/inputs", {"artifact": "resnet:prod", "use_as": "base"})
    assert used.json()["version"] == "v2"
    full = f"{home.removeprefix('/projects/')}/resnet:v0"
    assert alice.post(f"{run}/inputs", {"artifact": full}).status_code == 200
    assert {row["version"] for row in alice.get(f"{run}/inputs").json()["results"]} == {"v0", "v2"}
    assert [row["name"] for row in alice.get(f"{resnet}/versions/v2/runs").json()["used_by"]] == [
        made.json()["name"]
    ]
    ended = alice.patch(run, {"state": "finished", "summary": {"loss": 0.5}}).json()
    assert ended["state"] == "finished"
    assert ended["finished_at"] is not None
    refused(alice.patch(run, {"state": "paused"}), 400, "invalid_input")
    refused(alice.post(f"{run}/inputs", {"artifact": "a/b/c/d:e"}), 400, "invalid_reference")
    refused(alice.post(f"{run}/inputs", {"artifact": "nothing:v0"}), 404, "not_found")
    refused(alice.get(f"{home}/runs/none"), 404, "not_found")
    refused(charlie.post(f"{run}/inputs", {"artifact": "resnet:v0"}), 404, "not_found")


def test_a_run_logs_what_is_there_already_once_and_only_in_its_project(alice, resnet, home):
    run = f"{home}/runs/{alice.post(f'{home}/runs', {}).json()['name']}"
    for _ in range(2):
        assert alice.post(f"{run}/outputs", {"artifact": "resnet:v0"}).json()["version"] == "v0"
    assert [row["version"] for row in alice.get(f"{run}/outputs").json()["results"]] == ["v0"]
    assert Event.objects.filter(act="version.log_unchanged").count() == 1
    project = f"/projects/{alice.user.username}/elsewhere"
    elsewhere = f"{project}/runs/{alice.post(f'{project}/runs', {}).json()['name']}"
    full = f"{home.removeprefix('/projects/')}/resnet:v0"
    refused(alice.post(f"{elsewhere}/outputs", {"artifact": full}), 409, "conflict")
    refused(alice.post(f"{run}/outputs", {"artifact": "nothing:v0"}), 404, "not_found")


def test_a_run_named_again_is_the_same_run_and_nobody_elses(alice, bob, home):
    assert alice.post(f"{home}/runs", {"name": "mine"}).status_code == 201
    assert alice.post(f"{home}/runs", {"name": "mine"}).status_code == 200
    refused(bob.post(f"{home}/runs", {"name": "mine"}), 409, "name_taken")
    assert alice.post(f"{home}/runs").status_code == 201


def test_events_tell_who_did_what_from_where(alice, resnet, home):
    alice.put(f"{resnet}/aliases/prod", {"version": "v0"})
    event = alice.get(f"{home}/events").json()["results"][0]
    assert event["actor"] == alice.user.username
    assert event["door"] == "api"
    assert event["address"] == "127.0.0.1"
    assert event["act"].startswith("alias.")
    assert alice.headers["Authorization"].startswith(f"Bearer {event['key_prefix']}")


def test_nothing_changed_is_304(alice, resnet):
    tag = alice.get(f"{resnet}/versions")["ETag"]
    again = alice.get(f"{resnet}/versions", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.content == b""
    assert alice.get(f"{resnet}/versions", {"limit": "1"}, headers={"If-None-Match": tag}).status_code == 200
    alice.put(f"{resnet}/versions/v0/tags/fresh")
    assert alice.get(f"{resnet}/versions", headers={"If-None-Match": tag}).status_code == 200


def test_a_policy_of_the_team_changes_the_tag_of_what_it_makes_expire(alice, people, resnet):
    tag = alice.get(f"{resnet}/versions")["ETag"]
    retention.set_policy(factories.actor(people.alice), target=people.team.entity, ttl=86400)
    assert alice.get(f"{resnet}/versions", headers={"If-None-Match": tag}).status_code == 200


def test_the_use_of_a_key_changes_the_tag_of_the_list_of_keys(alice):
    tag = alice.get("/me/keys")["ETag"]
    ApiKey.objects.filter(user=alice.user).update(last_used_at=None)
    assert alice.get("/me/keys", headers={"If-None-Match": tag}).status_code == 200


# --- Two scripts at once ------------------------------------------------------------------------------


def test_what_changed_since_it_was_seen_is_refused_with_what_it_is_now(alice, resnet):
    path = f"{resnet}/versions/v2"
    seen = {name: alice.get(path).json()[name] for name in ("description", "metadata", "ttl", "tags")}
    assert alice.patch(path, {"metadata": {"theirs": 1}, "seen": seen}).status_code == 200
    mine = {"metadata": {"mine": 1}, "description": "mine", "seen": seen}
    error = refused(alice.patch(path, mine), 409, "changed_meanwhile")
    assert error["details"] == {"field": "metadata", "now": {"theirs": 1}}
    assert alice.get(path).json()["description"] == ""
    again = mine | {"seen": seen | {"metadata": error["details"]["now"]}}
    assert alice.patch(path, again).json()["metadata"] == {"mine": 1}


@pytest.mark.parametrize("seen", [1, [], {"size": 1}, {"seen": {}}])
def test_what_was_seen_is_of_the_fields_that_can_be_changed(alice, resnet, seen):
    refused(alice.patch(f"{resnet}/versions/v2", {"description": "x", "seen": seen}), 400, "invalid_input")


@pytest.mark.parametrize("seen", [{"tags": [{"a": 1}, 2, None]}, {"metadata": {"a": [1, {}]}}, {"ttl": {}}])
def test_odd_values_that_were_seen_are_only_not_what_is_there(alice, resnet, seen):
    given = {"tags": ["x"], "metadata": {"x": 1}, "ttl": "never"}
    refused(alice.patch(f"{resnet}/versions/v2", {**given, "seen": seen}), 409, "changed_meanwhile")


def test_an_alias_is_taken_only_from_where_it_was_seen(alice, resnet):
    path = f"{resnet}/aliases/prod"
    error = refused(alice.put(path, {"version": "v0", "seen": "v1"}), 409, "changed_meanwhile")
    assert error["details"]["now"] == "v2"
    refused(alice.put(path, {"version": "v0", "seen": None}), 409, "changed_meanwhile")
    assert alice.put(path, {"version": "v0", "seen": "v2"}).json()["version"] == "v0"


def test_settings_and_policies_that_changed_since_are_refused(alice, resnet, home):
    for path, given, seen in (
        (resnet, {"tags": ["mine"]}, {"tags": ["theirs"]}),
        (home, {"description": "mine"}, {"description": "theirs"}),
    ):
        refused(alice.patch(path, {**given, "seen": seen}), 409, "changed_meanwhile")
    for path in (f"{resnet}/ttl", f"{home}/ttl"):
        assert alice.put(path, {"ttl": 60, "seen": {"ttl": "inherit"}}).status_code == 200
        error = refused(alice.put(path, {"ttl": 61, "seen": {"ttl": "inherit"}}), 409, "changed_meanwhile")
        assert error["details"] == {"field": "ttl", "now": 60}
