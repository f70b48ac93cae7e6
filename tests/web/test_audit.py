"""The audit log: every act of a place, narrowed by its address, in detail, and as a file."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.actor import system
from registry.http import event_lines
from registry.models import Event, EventSeal
from registry.services import aliases, audit, collections, keys, retention, teams, versions
from tests import factories
from tests.support.sealing import seal_now
from tests.web.test_activity import acts

pytestmark = pytest.mark.django_db


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def made(people):
    alice, bob = factories.actor(people.alice), factories.actor(people.bob, "command")
    place = factories.project(people, "optics")
    one = factories.log(people.alice, place, "lenses", {"a": b"1"}, metadata={"loss": 0.5})
    other = factories.log(people.bob, factories.project(people, "sound"), "voices", {"a": b"2"})
    aliases.move(alice, membership=one, name="gold")
    versions.edit(bob, membership=other, metadata={"loss": 0.25})
    teams.add_member(alice, place=people.team, user=people.olga, role="viewer")
    retention.expire_due()
    seal_now()
    return one


@pytest.fixture
def path(people):
    return reverse("teams:audit", args=[people.team.entity.name])


def body(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status
    return answer.content.decode()


def lines(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def test_it_tells_every_act_of_a_team_and_of_its_projects(as_user, people, made, path):
    told = acts(as_user(people.alice), path)
    assert told[:3] == ["role changed", "version edited", "alias set"]
    assert {"version logged", "project created", "team made"} <= set(told)
    others = factories.people()
    factories.log(others.bob, factories.project(others))
    assert acts(as_user(people.alice), path) == told
    assert "every act in this team and its projects" in body(as_user(people.alice), path).lower()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?kind=aliases", ["alias set"]),
        ("?kind=people&by={alice}", ["role changed"]),
        ("?project=sound&kind=logged", ["version logged"]),
        ("?project=optics&collection=lenses&by={bob}", []),
        ("?collection=voices", ["version edited", "version logged", "collection created"]),
        ("?door=command&kind=edited", ["version edited"]),
        ("?door=worker", []),
        ("?project=nothing", []),
        ("?project=optics&collection=voices", []),
        ("?until=2020-01-01", []),
        ("?key={key}", ["alias moved"]),
    ],
)
def test_it_is_narrowed_by_who_what_where_when_and_how(as_user, people, made, path, query, told):
    _, secret = keys.create(factories.actor(people.alice), user=people.alice, name="k")
    new = factories.log(people.alice, made.collection.project, "lenses", {"a": b"9"})
    by_key = factories.actor(people.alice, "api")
    held = people.alice.api_keys.get(name="k")
    aliases.move(type(by_key)(user=people.alice, door="wandb", key=held), membership=new, name="gold")
    query = query.format(alice=people.alice.username, bob=people.bob.username, key=secret)
    found = acts(as_user(people.alice), path, query)
    if query == "?kind=aliases":
        told = ["alias moved", *told]
    assert found == told


def test_filters_stay_in_the_address_of_the_next_page_of_the_details_and_of_the_files(
    as_user, people, made, path
):
    for n in range(30):
        aliases.move(factories.actor(people.alice), membership=made, name=f"a{n}")
    page = body(as_user(people.alice), f"{path}?kind=aliases&by={people.alice.username}")
    links = [link for link in re.findall(r'href="([^"]+)"', page) if "kind=aliases" in link]
    assert len([link for link in links if "event=" in link]) == 25
    for kind in ("after=", "audit.csv?", "audit.jsonl?"):
        assert any(kind in link and f"by={people.alice.username}" in link for link in links), kind


def test_the_names_that_are_known_are_offered(as_user, people, made, path):
    page = body(as_user(people.alice), f"{path}?project=optics")
    for name in (people.bob.username, "strongroom", "optics", "sound", "lenses"):
        assert f'<option value="{name}"></option>' in page
    assert '<option value="voices"></option>' not in page


def test_what_no_filter_understands_is_said_and_gives_no_file(as_user, people, made, path):
    client = as_user(people.alice)
    for query in ("?since=yesterday", "?door=window", "?kind=odd"):
        assert 'role="alert"' in body(client, f"{path}{query}", 400)
        assert client.get(f"{path}.csv{query}").status_code == 400
        assert client.get(f"{path}.jsonl{query}").status_code == 400


def test_the_details_of_an_event_tell_all_that_is_known_of_it(as_user, people, made, path):
    event = Event.objects.get(act="version.edit")
    seal = EventSeal.objects.get(event_id=event.pk)
    page = body(as_user(people.alice), f"{path}?event={event.pk}")
    assert page.count('aria-expanded="true"') == 1
    for told in (event.address, event.digest.hex(), bytes(seal.hash).hex(), "&quot;loss&quot;: 0.25"):
        assert told in page
    assert re.search(rf'<span class="mono">{seal.position}</span>', page)
    assert event.digest.hex() not in body(as_user(people.alice), path)
    for odd in ("0", "x", "9999999999999999999999"):
        assert 'aria-expanded="true"' not in body(as_user(people.alice), f"{path}?event={odd}")


def test_what_the_installation_did_by_itself_is_told_as_its_own(as_user, people, made, path):
    versions.edit(factories.actor(people.alice), membership=made, ttl=1)
    aliases.remove(factories.actor(people.alice), collection=made.collection, name="gold")
    newer = factories.log(people.alice, made.collection.project, "lenses", {"a": b"3"})
    assert newer.number == 1
    assert retention.expire_due(at=made.version.created_at.replace(year=2090)) == 1
    assert acts(as_user(people.alice), path, "?door=worker&by=strongroom") == ["expired"]


def test_a_person_reads_of_their_own_space_and_admins_of_everything(as_user, people, made):
    own = acts(as_user(people.bob), reverse("teams:audit", args=[people.bob.username]))
    assert own == ["account made"]
    everywhere = reverse("installation:audit")
    told = acts(as_user(people.root), everywhere)
    assert {"role changed", "account made"} <= set(told)
    name = people.team.entity.name
    assert acts(as_user(people.root), everywhere, f"?entity={name.upper()}&project=sound&kind=logged") == [
        "version logged"
    ]
    assert acts(as_user(people.root), everywhere, "?entity=nobody-of-this-name") == []
    page = body(as_user(people.root), f"{everywhere}?entity={name}")
    assert '<option value="sound"></option>' in page
    assert str(EventSeal.objects.latest("position")) in page


def test_an_organization_tells_of_itself_and_leaves_teams_to_themselves(as_user, people, made):
    path = reverse("teams:audit", args=[people.organization.entity.name])
    told = acts(as_user(people.root), path)
    assert "organization made" in told
    assert "version logged" not in told
    assert as_user(people.alice).get(path).status_code == 403


def test_a_file_has_every_event_that_the_filters_leave(as_user, people, made, path, monkeypatch):
    monkeypatch.setattr(event_lines, "_BATCH", 3)
    client = as_user(people.alice)
    rows = [json.loads(line) for line in lines(client, f"{path}.jsonl").splitlines()]
    wanted = Event.objects.filter(entity_id=people.team.entity_id).order_by("-id")
    assert [row["id"] for row in rows] == list(wanted.values_list("id", flat=True))
    table = list(csv.DictReader(io.StringIO(lines(client, f"{path}.csv"))))
    assert [int(row["id"]) for row in table] == [row["id"] for row in rows]
    assert tuple(table[0]) == event_lines.COLUMNS
    edited = next(row for row in table if row["act"] == "version.edit")
    assert json.loads(edited["after"]) == {"metadata": {"loss": 0.25}}
    assert (edited["project"], edited["collection"], edited["version"]) == ("sound", "voices", "v0")
    seal = EventSeal.objects.get(event_id=edited["id"])
    assert (edited["position"], edited["hash"]) == (str(seal.position), bytes(seal.hash).hex())
    few = list(csv.DictReader(io.StringIO(lines(client, f"{path}.csv?kind=edited&door=command"))))
    assert [row["act"] for row in few] == ["version.edit"]
    assert lines(client, f"{path}.jsonl?project=nothing") == ""


def test_a_file_says_what_it_is_and_is_made_while_it_is_read(as_user, people, made, path, monkeypatch):
    answer = as_user(people.alice).get(f"{path}.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith(f'attachment; filename="audit-{people.team.entity.name}-')
    assert as_user(people.alice).get(f"{path}.jsonl")["Content-Type"] == "application/x-ndjson"
    monkeypatch.setattr(event_lines, "_BATCH", 2)
    pieces = event_lines.as_json_lines(audit.everywhere(system()))
    for _ in range(2):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert next(pieces).count(b"\n") == 2
        assert len(asked) <= 7


def test_no_cell_of_a_file_is_a_formula(as_user, people, made, path):
    actor = factories.actor(people.alice)
    collections.edit(actor, collection=made.collection, description="=HYPERLINK(1)")
    teams.edit_settings(actor, team=people.team, ttl_editors="admins")
    Event.objects.bulk_create(
        [Event(act="x", actor_name="=cmd", subject="@x", entity_id=people.team.entity_id, digest=bytes(32))]
    )
    table = list(csv.reader(io.StringIO(lines(as_user(people.alice), f"{path}.csv"))))
    assert [cell for cell in table[1] if cell.startswith("'")] == ["'=cmd", "'@x"]
    assert not [cell for row in table for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_the_page_asks_as_often_for_many_events_as_for_few(as_user, people, made, path):
    client = as_user(people.alice)
    event = Event.objects.filter(entity_id=people.team.entity_id).latest("id").pk

    def asked():
        client.get(path)
        with CaptureQueriesContext(connection) as seen:
            client.get(f"{path}?event={event}&project=optics")
        return len(seen)

    few = asked()
    for n in range(50):
        aliases.move(factories.actor(people.alice), membership=made, name=f"a{n}")
    assert asked() == few
