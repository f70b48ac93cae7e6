"""Every list is searched, narrowed, sorted and paged: by fixed maps, never by what a request names."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from registry.actor import system
from registry.http import paging
from registry.models import Event
from registry.services import aliases, audit, collections, keys, projects, runs, teams, versions
from tests.api.support import refused
from tests.factories import actor, log, unique


def names(response, field="name"):
    assert response.status_code == 200, response.content
    return [row[field] for row in response.json()["results"]]


def walked(api, path, query, field):
    """Follow a list by cursor, one row a page."""
    found, cursor = [], None
    while True:
        page = api.get(path, {**query, "limit": 1, **({"cursor": cursor} if cursor else {})}).json()
        found += [row[field] for row in page["results"]]
        cursor = page["next"]
        if cursor is None:
            return found


def check_orders(api, path, orders, field, query=None):
    """Each order sorts, its opposite is its reverse, and cursors give the same rows."""
    for order in orders:
        there = names(api.get(path, {**(query or {}), "order": order}), field)
        assert len(there) > 1
        assert walked(api, path, {**(query or {}), "order": order}, field) == there
        opposite = order.removeprefix("-") if order.startswith("-") else f"-{order}"
        assert names(api.get(path, {**(query or {}), "order": opposite}), field) == there[::-1]
    refused(api.get(path, {"order": "pk--"}), 400, "invalid_query")
    refused(api.get(path, {"q": "x" * 257}), 400, "invalid_query")


def test_projects_of_an_entity_and_of_all(alice, people, project):
    who = actor(people.alice)
    opened = projects.create(who, entity=people.team.entity, name=unique("Open"), visibility="organization")
    own = projects.create(who, entity=people.alice.entity, name=unique("own"))
    team = f"/entities/{project.entity.name}/projects"
    assert set(names(alice.get(team))) == {project.name, opened.name}
    assert names(alice.get(team, {"q": "open"})) == [opened.name]
    assert names(alice.get(team, {"visibility": "private"})) == [project.name]
    refused(alice.get(team, {"visibility": "secret"}), 400, "invalid_query")
    assert names(alice.get("/projects"))[0] == own.name
    assert names(alice.get("/projects", {"entity": people.alice.username.upper()})) == [own.name]
    assert names(alice.get("/projects", {"entity": "nobody"})) == []
    assert set(names(alice.get("/projects", {"q": "o", "visibility": "organization"}))) == {opened.name}
    check_orders(alice, "/projects", ("name", "-created_at", "updated_at"), "name")


def test_strangers_find_nothing_of_others(charlie, people, project):
    log(people.alice, project)
    for path, query in (("/projects", {}), ("/collections", {}), ("/search", {"q": "e"})):
        body = charlie.get(path, query).json()
        assert (body["results"] if "results" in body else body["projects"]["results"]) == []
    assert names(charlie.get("/entities")) == [people.charlie.username]


def test_collections_of_all_projects(alice, people, project):
    other = projects.create(actor(people.alice), entity=people.alice.entity, name=unique("own"))
    log(people.alice, project, "resnet")
    log(people.alice, other, "digits", type="dataset")
    assert names(alice.get("/collections")) == ["digits", "resnet"]
    assert names(alice.get("/collections", {"type": "model"})) == ["resnet"]
    assert names(alice.get("/collections", {"q": "DIG"})) == ["digits"]
    check_orders(alice, "/collections", ("name", "-updated_at", "created_at"), "name")


def test_a_search_finds_both_and_says_where_it_goes_on(alice, people, project):
    for n in range(3):
        log(people.alice, project, f"find-{n}")
        projects.create(actor(people.alice), entity=people.alice.entity, name=f"find-{n}")
    found = alice.get("/search", {"q": "FIND", "limit": 2}).json()
    for kind, path in (("projects", "/projects"), ("collections", "/collections")):
        rest = alice.get(path, {"q": "FIND", "limit": 2, "cursor": found[kind]["next"]}).json()
        both = [row["name"] for row in found[kind]["results"] + rest["results"]]
        assert (both, rest["next"]) == (["find-2", "find-1", "find-0"], None)
    refused(alice.get("/search"), 400, "invalid_query")


def test_the_entities_that_one_belongs_to_with_ones_roles(people, alice, charlie, project):
    club = teams.create_team(system(), name=unique("club"), organization=people.organization)
    teams.add_member(system(), place=club, user=people.alice, role="viewer")
    teams.add_member(system(), place=people.organization, user=people.alice, role="member")
    rows = alice.get("/entities").json()["results"]
    assert {(row["name"], row["kind"], row["role"]) for row in rows} == {
        (people.alice.username, "user", "admin"),
        (people.team.entity.name, "team", "admin"),
        (club.entity.name, "team", "viewer"),
        (people.organization.entity.name, "organization", "viewer"),
    }
    assert names(alice.get("/entities", {"kind": "organization"})) == [people.organization.entity.name]
    assert names(alice.get("/entities", {"q": "CLUB"})) == [club.entity.name]
    refused(alice.get("/entities", {"kind": "robot"}), 400, "invalid_query")
    check_orders(alice, "/entities", ("name", "created_at"), "name")


def test_runs_by_state_job_type_and_maker(alice, people, project, home):
    train, _ = runs.create(actor(people.alice), project=project, name="a-train", job_type="train")
    runs.create(actor(people.bob), project=project, name="b-eval", job_type="eval", display_name="Judge")
    runs.edit(actor(people.alice), run=train, state="finished")
    path = f"{home}/runs"
    assert names(alice.get(path, {"state": "finished"})) == ["a-train"]
    assert names(alice.get(path, {"job_type": "eval"})) == ["b-eval"]
    assert names(alice.get(path, {"user": people.bob.username.upper()})) == ["b-eval"]
    assert names(alice.get(path, {"user": "nobody"})) == []
    assert names(alice.get(path, {"q": "judge"})) == ["b-eval"]
    assert names(alice.get(path, {"q": "A-TRAIN", "state": "running"})) == []
    refused(alice.get(path, {"state": "asleep"}), 400, "invalid_query")
    check_orders(alice, path, ("-created_at", "name"), "name")


def test_the_trash_by_name_and_type(alice, people, project, home):
    for name, kind in (("bin", "model"), ("old-data", "dataset")):
        held = log(people.alice, project, name, type=kind)
        versions.delete(actor(people.alice), membership=held, delete_aliases=True)
    path = f"{home}/trash"
    assert names(alice.get(path)) == ["old-data:v0", "bin:v0"]
    assert names(alice.get(path, {"q": "DATA"})) == ["old-data:v0"]
    assert names(alice.get(path, {"type": "model"})) == ["bin:v0"]
    check_orders(alice, path, ("-deleted_at", "size"), "name")


def test_deleted_collections_by_name_and_type(alice, people, project, home):
    for name, kind in (("bin", "model"), ("old-data", "dataset")):
        held = log(people.alice, project, name, type=kind)
        collections.delete(actor(people.alice), collection=held.collection, delete_aliases=True)
    path = f"{home}/trash/collections"

    def found(**query):
        return [row["collection"]["name"] for row in alice.get(path, query).json()["results"]]

    assert found() == found(order="-name") == ["old-data", "bin"]
    assert found(q="DATA") == ["old-data"]
    assert found(type="model") == ["bin"]


def test_members_keys_types_and_aliases(alice, people, project, home):
    members = f"/teams/{people.team.entity.name}/members"
    assert names(alice.get(members, {"role": "viewer"}), "username") == [people.vera.username]
    assert names(alice.get(members, {"q": people.bob.username[:-1].upper()}), "username")
    refused(alice.get(members, {"role": "king"}), 400, "invalid_query")
    check_orders(alice, members, ("name", "created_at"), "username")
    keys.create(actor(people.alice), user=people.alice, name="Cluster")
    assert names(alice.get("/me/keys", {"q": "clu"})) == ["Cluster"]
    check_orders(alice, "/me/keys", ("-created_at", "name"), "name")
    held = log(people.alice, project, aliases=["prod", "canary"])
    log(people.alice, project, "set", type="dataset")
    assert names(alice.get(f"{home}/types", {"q": "DATA"})) == ["dataset"]
    check_orders(alice, f"{home}/types", ("name", "-created_at"), "name")
    there = f"{home}/collections/{held.collection.name}/aliases"
    assert names(alice.get(there, {"q": "PRO"}), "alias") == ["prod"]
    check_orders(alice, there, ("-name", "created_at"), "alias")


@pytest.fixture
def history(people, project):
    """Two versions, an alias that moved between them, and another collection."""
    v0 = log(people.bob, project, files={"a": b"0"}, aliases=["prod"])
    v1 = log(people.alice, project, files={"a": b"1"})
    aliases.move(actor(people.alice), membership=v1, name="prod")
    log(people.bob, project, "other")
    return v0, v1


def test_an_event_says_what_it_is_about(alice, project, home, history):
    v0, v1 = history
    moved = alice.get(f"{home}/events", {"act": "alias.move"}).json()["results"][0]
    told = {name: moved[name] for name in ("entity", "project", "collection", "version", "subject")}
    assert told == {
        "entity": project.entity.name,
        "project": project.name,
        "collection": "resnet",
        "version": "v1",
        "subject": "prod",
    }
    assert (moved["version_id"], moved["taken_from"]) == (v1.version.public_id, v0.version.public_id)
    assert (moved["before"], moved["after"], moved["address"]) == ("v0", "v1", "192.0.2.1")
    made = alice.get(f"{home}/events", {"act": "project.create"}).json()["results"][0]
    assert (made["project"], made["collection"], made["version"], made["version_id"]) == (
        project.name, None, None, None,
    )  # fmt: skip


def test_events_are_narrowed(alice, people, home, history):
    path = f"{home}/events"
    every = names(alice.get(path), "id")
    assert names(alice.get(path, {"actor": people.bob.username}), "actor") == [people.bob.username] * 5
    only = alice.get(path, {"collection": "other"}).json()["results"]
    assert [row["act"] for row in only] == ["version.log", "collection.create"]
    lost = alice.get(path, {"collection": "resnet", "version": "v0"}).json()["results"]
    assert [row["act"] for row in lost] == ["alias.move", "version.log", "alias.move", "version.log"]
    assert names(alice.get(path, {"collection": "nothing"})) == []
    for wrong in ({"version": "v0"}, {"collection": "resnet", "version": "prod"}, {"since": "yesterday"}):
        refused(alice.get(path, wrong), 400, "invalid_query")
    for wrong in ("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:00", "2026-01-01T00:00:00"):
        refused(alice.get(path, {"until": wrong}), 400, "invalid_query")
    assert every == sorted(every, reverse=True)
    assert names(alice.get(path, {"order": "id"}), "id") == every[::-1]
    assert walked(alice, path, {"collection": "resnet", "version": "v0"}, "id") == [row["id"] for row in lost]


def test_events_of_a_time(alice, project, home, db):
    day = datetime(2026, 3, 1, tzinfo=UTC)
    for n in range(5):
        Event.objects.create(
            at=day + timedelta(days=n),
            act=f"day.{n}",
            actor_name="x",
            project_id=project.pk,
            digest=bytes(32),
        )
    path = f"{home}/events"
    span = {"since": "2026-03-02T00:00:00Z", "until": "2026-03-04T01:00:00+01:00"}
    assert names(alice.get(path, span), "act") == ["day.3", "day.2", "day.1"]
    assert names(alice.get(path, {"until": "2026-03-01T12:00:00Z"}), "act") == ["day.0"]


def test_what_a_list_is_narrowed_to_is_read_by_an_index(people, project):
    who = actor(people.alice)
    held = log(people.alice, project)
    now = datetime.now(UTC)
    plans = {
        "event_by_act": audit.of_project(who, project, act="alias.move"),
        "event_by_actor": audit.of_project(who, project, by="bob"),
        "event_by_loser": audit.of_version(who, held).all(),
        "event_by_version": audit.of_version(who, held).all(),
        "event_by_time": Event.objects.filter(at__lt=now).order_by("-at").values("id"),
        "run_by_state": runs.listing(who, project=project, state="failed").order_by("-created_at", "-pk"),
        "run_by_job_type": runs.listing(who, project=project, job_type="x").order_by("-created_at", "-pk"),
        "run_by_maker": runs.listing(who, project=project, user=people.alice.username).order_by(
            "-created_at", "-pk"
        ),
    }
    everywhere = collections.everywhere(actor(people.root)).order_by("-updated_at", "-pk")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Tables as small as these are read whole, and sorted, unless that is forbidden.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")
            cursor.execute("SET LOCAL enable_sort = off")
            # Among a handful of events, walking all of them back is as cheap as any index.
            Event.objects.bulk_create(
                Event(act="alias.set", actor_name="nobody", digest=bytes(32)) for _ in range(3000)
            )
            cursor.execute("ANALYZE registry_event")
            # SQLite goes by the projects that one sees, and sorts: it is for fewer collections.
            plans["collection_live_by_change"] = everywhere
        for index, rows in plans.items():
            plan = rows[:51].explain()
            assert index in plan, (index, plan)
            assert "TEMP B-TREE FOR ORDER BY" not in plan, (index, plan)


def test_events_of_a_collection_and_of_a_version(alice, home, history):
    resnet = f"{home}/collections/resnet"
    acts = names(alice.get(f"{resnet}/events", {"act": "version.log"}), "version")
    assert acts == ["v1", "v0"]
    assert names(alice.get(f"{resnet}/versions/v0/events"), "act") == [
        "alias.move", "version.log", "alias.move", "version.log",
    ]  # fmt: skip
    assert names(alice.get(f"{resnet}/versions/v1/events"), "act") == ["alias.move", "version.log"]
    assert len(walked(alice, f"{resnet}/versions/v0/events", {}, "id")) == 4


def test_from_where_somebody_acted_is_for_those_who_may_audit(alice, bob, vera, home, history):
    path = f"{home}/events"
    for reader in (bob, vera):
        rows = reader.get(path).json()["results"]
        assert {(row["address"], row["key_prefix"]) for row in rows} == {(None, None)}
    assert all(row["address"] for row in alice.get(path).json()["results"])


def test_a_page_of_large_cards_ends_early_and_goes_on(alice, people, project, home, monkeypatch):
    monkeypatch.setattr(paging, "BUDGET_BYTES", 10_000)
    for n in range(5):
        log(people.alice, project, files={"a": b"%d" % n}, metadata={"text": "x" * 4000})
    path = f"{home}/collections/resnet/versions"
    first = alice.get(path).json()
    assert [row["version"] for row in first["results"]] == ["v4", "v3"]
    assert first["results"][0]["metadata"] == {"text": "x" * 4000}
    second = alice.get(path, {"cursor": first["next"]}).json()
    assert [row["version"] for row in second["results"]] == ["v2", "v1"]
    # One that is larger than the budget still comes, by itself.
    monkeypatch.setattr(paging, "BUDGET_BYTES", 10)
    assert walked(alice, path, {}, "version") == ["v4", "v3", "v2", "v1", "v0"]
    assert len(alice.get(path).json()["results"]) == 1
    runs.create(actor(people.alice), project=project, config={"a": "x" * 100})
    runs.create(actor(people.alice), project=project, config={"a": "x" * 100})
    found = alice.get(f"{home}/runs").json()
    assert (len(found["results"]), found["next"] is None) == (1, False)


def test_what_gives_no_bytes_away_is_no_download(alice, people, project, home):
    log(people.alice, project, files={"a": b"x"})
    told = Event.objects.filter(act="version.download")
    version = f"{home}/collections/resnet/versions/v0"
    assert alice("head", f"{version}/content?path=a").status_code == 200
    assert alice.get(f"{version}/manifest").status_code == 200
    assert alice.post(f"{version}/links", {"path": "a"}).status_code == 201
    assert not told.exists()
    answer = alice.get(f"{version}/content", {"path": "a"})
    assert told.count() == 1
    told_before = told.latest("id").pk
    again = alice.get(f"{version}/content", {"path": "a"}, headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, told.latest("id").pk) == (304, told_before)
