"""The chain of events: what was written is proved, and each way to tamper with it is found where it happened."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.actor import system
from registry.errors import Forbidden, InvalidInput
from registry.models import Event, EventSeal, Project, Star, guards
from registry.models.chain import FIELDS, digest_of, link
from registry.services import aliases, chain, events, tags, teams
from registry.services.chain import START, Head
from tests import factories as make
from tests.support.sealing import seal_now

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    people = make.people()
    project = make.project(people)
    for n in range(3):
        made = make.log(people.bob, project, files={"a": b"%d" % n}, metadata={"loss": n / 7})
        aliases.move(make.actor(people.alice), membership=made, name="gold")
    seal_now()
    return people


def found(**asked):
    return chain.verify(system(), **asked)


def faults(**asked):
    return [(fault.position, fault.kind) for fault in found(**asked).faults]


def tamper(sql, *values):
    """Change the tables as somebody would who is master of the database."""
    with connection.cursor() as cursor:
        guards.remove(cursor, connection.vendor)
        cursor.execute(sql, values)
        guards.apply(cursor, connection.vendor)


def run(*words):
    out, told = io.StringIO(), io.StringIO()
    call_command("audit", *words, stdout=out, stderr=told)
    return out.getvalue().splitlines()


def test_every_event_is_sealed_in_the_order_of_the_commits(world):
    report = found()
    assert (report.faults, report.count) == ([], Event.objects.count())
    assert list(EventSeal.objects.order_by("position").values_list("position", flat=True)) == list(
        range(1, report.count + 1)
    )
    assert report.head == chain.head(system())


def test_an_installation_without_events_has_an_empty_chain():
    assert found().count == 0
    assert chain.head(system()) == START
    assert run("head") == [f"0:{'0' * 64}"]
    assert run("verify", "--since", f"0:{'0' * 64}")[0].startswith("The audit log is whole: 0 events")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor_name", "somebody else"),
        ("act", "version.use"),
        ("subject", "another"),
        ("address", "192.0.2.1"),
        ("after", '{"changed": true}'),
        ("entity_id", 7),
        ("at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("taken_from_id", 1),
    ],
)
def test_a_changed_event_is_found_whatever_was_changed(world, column, value):
    fourth = EventSeal.objects.get(position=4)
    tamper(f"UPDATE registry_event SET {column} = %s WHERE id = %s", value, fourth.event_id)
    assert faults() == [(4, "changed event")]


def test_an_event_that_got_a_fitting_digest_breaks_its_link(world):
    fourth = EventSeal.objects.get(position=4)
    row = Event.objects.filter(pk=fourth.event_id).values(*FIELDS).get()
    digest = digest_of({**row, "actor_name": "nobody"})
    tamper(
        "UPDATE registry_event SET actor_name = 'nobody', digest = %s WHERE id = %s", digest, fourth.event_id
    )
    assert faults() == [(4, "broken link")]
    third = EventSeal.objects.get(position=3)
    tamper(
        "UPDATE registry_eventseal SET hash = %s WHERE position = 4",
        link(bytes(third.hash), fourth.event_id, digest),
    )
    assert faults() == [(5, "broken link")]


def test_a_missing_event_is_found(world):
    tamper("DELETE FROM registry_event WHERE id = %s", EventSeal.objects.get(position=4).event_id)
    assert faults() == [(4, "missing event")]


def test_a_missing_seal_is_found_and_the_event_that_has_none(world):
    tamper("DELETE FROM registry_eventseal WHERE position IN (4, 5)")
    assert faults() == [(4, "missing seal"), (0, "unsealed event"), (0, "unsealed event")]


def test_events_that_changed_places_are_found(world):
    one, other = (EventSeal.objects.get(position=n).event_id for n in (4, 5))
    for number, event in ((4, -1), (5, one), (4, other)):
        tamper("UPDATE registry_eventseal SET event_id = %s WHERE position = %s", event, number)
    assert faults() == [(4, "broken link"), (5, "broken link")]


def test_a_cut_tail_is_found_by_a_head_that_was_kept(world):
    kept = chain.head(system())
    last = EventSeal.objects.get(position=kept.position)
    tamper("DELETE FROM registry_eventseal WHERE position = %s", last.position)
    tamper("DELETE FROM registry_event WHERE id = %s", last.event_id)
    assert faults() == []
    assert faults(kept=[kept]) == [(kept.position, "head")]
    assert faults(after=kept) == [(kept.position, "head")]


def test_a_chain_that_was_computed_anew_is_found_by_a_head_that_was_kept(world):
    kept, middle = chain.head(system()), EventSeal.objects.get(position=4)
    tamper("UPDATE registry_event SET actor_name = 'nobody' WHERE id = %s", middle.event_id)
    previous = bytes(EventSeal.objects.get(position=3).hash)
    for seal in EventSeal.objects.filter(position__gte=4).order_by("position"):
        digest = digest_of(Event.objects.filter(pk=seal.event_id).values(*FIELDS).get())
        previous = link(previous, seal.event_id, digest)
        tamper("UPDATE registry_event SET digest = %s WHERE id = %s", digest, seal.event_id)
        tamper("UPDATE registry_eventseal SET hash = %s WHERE position = %s", previous, seal.position)
    assert faults() == []
    assert faults(kept=[kept]) == [(kept.position, "head")]


def test_after_a_head_only_what_came_later_is_read(world):
    kept = Head(4, bytes(EventSeal.objects.get(position=4).hash))
    tamper("UPDATE registry_event SET act = 'x' WHERE id = %s", EventSeal.objects.get(position=2).event_id)
    report = found(after=kept)
    assert (report.faults, report.count) == ([], EventSeal.objects.count() - 4)
    tamper("UPDATE registry_event SET act = 'x' WHERE id = %s", EventSeal.objects.get(position=5).event_id)
    assert faults(after=kept) == [(5, "changed event")]


def test_much_that_is_wrong_is_counted_and_the_first_of_it_told(world, monkeypatch):
    monkeypatch.setattr(chain, "_BATCH", 2)
    monkeypatch.setattr(chain, "_TOLD", 3)
    tamper("UPDATE registry_event SET door = 'x'")
    report = found()
    assert (len(report.faults), report.broken) == (3, Event.objects.count())


def test_batches_meet_without_a_seam(world, monkeypatch):
    monkeypatch.setattr(chain, "_BATCH", 2)
    seen = []
    assert found(progress=lambda position, end: seen.append((position, end))).faults == []
    end = chain.head(system()).position
    assert seen == [(min(n, end), end) for n in range(2, end + 2, 2)]


def test_only_admins_of_the_installation_prove_it(world):
    with pytest.raises(Forbidden):
        chain.verify(make.actor(world.alice))
    assert chain.head(make.actor(world.root)) == chain.head(system())


def test_the_command_says_that_all_is_well_and_what_to_keep(world):
    head = run("head")[0]
    assert run("verify", "--head", head)[-1] == f"Its head, to be kept elsewhere: {head}"
    assert run("verify", "--since", head)[0].startswith("The audit log is whole: 0 events after position")


def test_the_command_says_where_the_chain_breaks_and_fails(world):
    event = EventSeal.objects.get(position=4).event_id
    tamper("DELETE FROM registry_event WHERE id = %s", event)
    out = io.StringIO()
    with pytest.raises(CommandError, match="NOT whole: 1 fault") as failed:
        call_command("audit", "verify", stdout=out)
    assert failed.value.returncode == 1
    assert out.getvalue() == f"Position 4: The event {event} was sealed and is missing.\n"


def test_a_head_that_is_none_is_no_verdict_about_the_chain():
    with pytest.raises(CommandError, match="POSITION:HASH") as failed:
        call_command("audit", "verify", "--head", "yesterday's")
    assert failed.value.returncode == 2


@pytest.mark.parametrize(
    "head", ["", "4", "4:", "x:" + "0" * 64, "4:" + "0" * 63, "-4:" + "0" * 64, "4:" + "g" * 64]
)
def test_what_is_no_head_is_refused_with_what_one_looks_like(head):
    with pytest.raises(InvalidInput, match="POSITION:HASH"):
        chain.read_head(head)


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(before=_VALUES, after=_VALUES)
def test_what_a_database_does_to_json_does_not_change_the_digest(before, after):
    event = events.record(system(), "member.role", before=before, after=after)
    kept = Event.objects.filter(pk=event.pk).values(*FIELDS).get()
    assert digest_of(kept) == event.digest == bytes(Event.objects.get(pk=event.pk).digest)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (-0.0, 0),
        (1e300, 10**300),
        ({"b": 1, "a": 2.5}, {"a": 2.5, "b": 1.0}),
        ((1, 2), [1, 2]),
        ({1: 2}, {"1": 2}),
    ],
)
def test_values_that_are_the_same_json_have_one_digest(one, other):
    assert digest_of({"after": one}) == digest_of({"after": other})


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, False), (1, "1"), (None, "null"), ([], {}), (1.5, 1.25)]
)
def test_values_that_are_not_the_same_have_different_ones(one, other):
    assert digest_of({"after": one}) != digest_of({"after": other})


def test_the_digest_and_the_link_are_what_they_always_were():
    """What is stored for years is compared with these: if this fails, put the form back, and never this test."""
    fields = {
        "at": datetime(2026, 11, 30, 12, 30, 1, 5, tzinfo=UTC), "act": "alias.move", "actor_name": "ådne",
        "door": "web", "address": "", "key_prefix": "", "entity_id": 1, "subject": "gold", "taken_from_id": None,
        "before": None, "after": {"b": 1.0, "a": [1.5, True, None]},
    }  # fmt: skip
    digest = digest_of(fields)
    assert digest.hex() == "ecc52ca154437e9405c19c9a20fe5a97301afc5c4b66dfdf859e0d1accf30093"
    assert link(None, 7, digest).hex() == "8fb5b9424b0e403e439860b3cae0205a08ca7e7d6e2321241e5e1956b1f38ff3"


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_who_commits_at_the_same_moment_is_linked_one_after_the_other():
    people = make.people()
    places = [make.log(people.bob, make.project(people, f"p{n}"), files={"a": b"1"}) for n in range(4)]

    def act(held):
        try:
            for n in range(15):
                tags.add(make.actor(people.bob), membership=held, name=f"t{n}")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=act, args=[held]) for held in places]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    report = found()
    assert (report.faults, report.count) == ([], Event.objects.count())


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_who_waits_at_the_commit_for_a_row_does_not_hold_the_end_of_the_chain():
    people = make.people()
    place = make.project(people)
    locked, failed = threading.Event(), []

    def refer():
        try:
            with transaction.atomic():
                events.record(system(), "project.edit", project=place)
                # The database looks at this link at the commit, and waits for who locked the project.
                Star.objects.create(user=people.bob, project=place)
                locked.wait(10)
        except Exception as error:  # told by the test  # noqa: BLE001  # whatever it is, it is the failure
            failed.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=refer)
    thread.start()
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=place.pk)
        events.record(system(), "project.edit", project=place)
        locked.set()
        with connection.cursor() as cursor:
            waiting = 0
            while not waiting and thread.is_alive():
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                (waiting,) = cursor.fetchone()
    thread.join()
    assert failed == []
    assert found().faults == []


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_leaves_no_gap():
    people = make.people()
    with transaction.atomic():
        teams.edit_settings(make.actor(people.alice), team=people.team, ttl_editors="admins")
        transaction.set_rollback(True)
    teams.edit_settings(make.actor(people.alice), team=people.team, ttl_editors="admins")
    report = found()
    assert (report.faults, report.count) == ([], Event.objects.count())


@pytest.mark.django_db(transaction=True)
def test_events_from_before_are_sealed_by_the_migration(settings):
    from tests.models.test_repairs import migrate

    settings.MIGRATION_MODULES = {}
    migrate(None, fake=True)  # the tables of tests are made without
    world = make.people()
    made = make.log(world.bob, make.project(world), files={"a": b"1"}, metadata={"loss": 1e-7, "n": 1.0})
    tags.add(make.actor(world.bob), membership=made, name="t")
    was = json.dumps(list(Event.objects.order_by("id").values("id", *FIELDS)), default=str)
    migrate("0014_what_aliases_pointed_to_is_found")
    migrate(None)
    assert json.dumps(list(Event.objects.order_by("id").values("id", *FIELDS)), default=str) == was
    tags.add(make.actor(world.bob), membership=made, name="u")
    report = found()
    assert (report.faults, report.count) == ([], Event.objects.count())
