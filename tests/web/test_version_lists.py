"""The table of versions: searched, sorted by any key, with columns, a chart, completions and CSV."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.services import drafts, runs, teams
from registry.web import pager
from tests import factories

pytestmark = pytest.mark.django_db
NUMBER = re.compile(r'class="version" href="[^"]*">v(\d+)<')


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


@pytest.fixture
def here(sample) -> str:
    return sample.newest.collection.get_absolute_url()


def numbers(answer) -> list[int]:
    return [int(found) for found in NUMBER.findall(answer.content.decode())]


def test_a_search_narrows_the_table_and_stands_as_chips(client, here):
    answer = client.get(here, {"q": "metadata.val/f1>=0.905 -alias:best"})
    text = answer.content.decode()
    assert numbers(answer) == [1]
    assert "val/f1 <b>at least 0.905</b>" in text
    assert "alias <b>is not best</b>" in text
    assert f"{here}?" not in text or "q=metadata.val" in text


@pytest.mark.parametrize(("counted", "looks"), [(1000, 1), (1, 3)])
def test_the_few_that_a_search_finds_are_looked_for_once(client, here, monkeypatch, counted, looks):
    monkeypatch.setattr(pager, "_COUNTED", counted)
    asked = {"q": "metadata.val/f1>=0.905", "column": "val/f1", "order": "metadata.val/f1"}
    client.get(here, asked)
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(here, asked)
    assert numbers(answer) == [1, 2]
    assert sum("0.905" in query["sql"] for query in queries.captured_queries) == looks
    assert ("2 match" if counted > 1 else "More than 1 match") in answer.content.decode()


def test_numbers_that_no_float_holds_are_not_compared_with(people, as_user):
    place = factories.project(people)
    for number, value in enumerate((1, 10**400, -(10**400), 1.5e308)):
        metadata = {"loss": value}
        factories.log(people.alice, place, "wide", {"a": str(number).encode()}, metadata=metadata)
    here = place.collections.get(name="wide").get_absolute_url()
    client = as_user(people.alice)
    assert numbers(client.get(here, {"q": "metadata.loss>0"})) == [3, 0]
    assert numbers(client.get(here, {"column": "loss", "order": "-metadata.loss"}))[:2] == [3, 0]


def test_a_search_that_is_none_is_told_where_and_keeps_what_was_typed(client, here):
    answer = client.get(here, {"q": "tag:x sizee>3"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "at character 7" in text
    assert 'value="tag:x sizee&gt;3"' in text
    assert 'aria-invalid="true"' in text


def test_columns_are_any_keys_and_sort(client, here):
    asked = {"column": ["train.epochs", "val/f1", 'train."optimizer"'], "columns": "chosen"}
    text = client.get(here, asked).content.decode()
    assert "train.epochs" in text
    assert "adamw" in text
    down = client.get(here, {**asked, "order": "-metadata.val/f1"})
    up = client.get(here, {**asked, "order": "metadata.val/f1"})
    assert numbers(down) == [2, 1, 0]
    assert numbers(up) == [0, 1, 2]
    assert 'aria-sort="ascending"' in up.content.decode()


def test_a_key_that_is_sorted_by_is_shown(client, here):
    assert "latency_ms_p95" in client.get(here, {"order": "metadata.latency_ms_p95"}).content.decode()


def test_versions_without_the_number_come_last_both_ways_and_page_on(client, sample, here):
    place = sample.project
    odd = factories.log(sample.alice, place, "resnet50-defects", {"x": b"1"}, metadata={"val/f1": "broken"})
    for order in ("metadata.val/f1", "-metadata.val/f1"):
        assert numbers(client.get(here, {"order": order}))[-1] == odd.number
    for n in range(30):
        factories.log(sample.alice, place, "resnet50-defects", {"x": b"%d" % n}, metadata={"val/f1": n % 3})
    seen, address = [], f"{here}?order=-metadata.val/f1"
    while address:
        answer = client.get(address)
        seen += numbers(answer)
        found = re.search(r'href="(\?[^"]*)" rel="next"', answer.content.decode())
        address = here + found[1].replace("&amp;", "&") if found else ""
    assert sorted(seen) == list(range(34))
    assert seen[-1] == odd.number


@pytest.mark.parametrize(
    "asked",
    [{"order": f"metadata.{name}"} for name in ("", "a b", ".", "a.")]
    + [{"column": "x:y"}, {"order": "tags"}],
)
def test_a_key_that_is_none_is_refused(client, here, asked):
    assert client.get(here, asked).status_code == 400


def test_a_chart_tells_in_words_what_it_draws(client, here):
    text = client.get(here).content.decode()
    assert (
        "val/f1 from v0 to v2: 0.9 at first and 0.91 at last, lowest 0.9 in v0, highest 0.91 in v2." in text
    )
    assert text.count('class="dot"') == 3


def test_as_csv_it_has_every_version_and_no_formula(client, sample, here):
    factories.log(sample.alice, sample.project, "resnet50-defects", {"x": b"1"}, metadata={"note": "=cmd()"})
    answer = client.get(f"{here}/versions.csv", {"column": ["val/f1", "note"], "order": "version"})
    assert answer["Content-Disposition"].startswith("attachment")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert rows[0][:3] == ["version", "aliases", "tags"]
    assert rows[0][-2:] == ["val/f1", "note"]
    assert [row[0] for row in rows[1:]] == ["v0", "v1", "v2", "v3"]
    assert [row[-2] for row in rows[1:]] == ["0.9", "0.905", "0.91", ""]
    assert rows[4][-1] == "'=cmd()"


@pytest.mark.parametrize(
    ("q", "offered"),
    [
        ("ta", ["tag:"]),
        ("x -al", ["-alias:"]),
        ("alias:pap", ["alias:paper-2026 "]),
        ("metadata.val", ["metadata.val/f1", "metadata.val/recall"]),
        ("", []),
        ('tag:"', ["tag:fp16 "]),
        ("nothing:x", []),
        ("by:nobody", []),
    ],
)
def test_what_could_stand_next_is_offered(client, here, q, offered):
    text = client.get(f"{here}/complete", {"q": q}, headers={"HX-Request": "true"}).content.decode()
    kept = q[: -len(q.split(" ")[-1])] if q else ""
    assert re.findall(r'data-whole="([^"]*)"', text) == [kept + each for each in offered]


def test_a_column_of_texts_sorts_by_them_and_pages_on(client, sample, here):
    place = sample.project
    for n in range(30):
        factories.log(
            sample.alice, place, "resnet50-defects", {"x": b"%d" % n}, metadata={"net": f"n{n % 3}"}
        )
    for order, ordered in (("metadata.net", ["n0", "n1", "n2"]), ("-metadata.net", ["n2", "n1", "n0"])):
        seen, address = [], f"{here}?columns=chosen&column=net&order={order}"
        while address:
            answer = client.get(address)
            seen += re.findall(r'data-label="net">(.*?)</td>', answer.content.decode())
            found = re.search(r'href="(\?[^"]*)" rel="next"', answer.content.decode())
            address = here + found[1].replace("&amp;", "&") if found else ""
        assert seen == [*(name for name in ordered for _ in range(10)), "", "", ""]


def test_another_column_can_be_drawn(client, sample, here):
    place = sample.project
    for n in range(3):
        factories.log(sample.alice, place, "losses", {"x": b"%d" % n}, metadata={"acc": n, "loss": 3 - n})
    address = f"{place.get_absolute_url()}/artifacts/losses"
    assert "acc from v0 to v2" in client.get(address).content.decode()
    drawn = client.get(address, {"chart": "loss"}).content.decode()
    assert "loss from v0 to v2: 3 at first and 1 at last" in drawn
    assert "acc from v0" not in drawn
    assert "chart=acc" in drawn
    assert "acc from v0 to v2" in client.get(address, {"chart": "nonsense"}).content.decode()


def test_people_who_logged_versions_are_offered(client, sample, here):
    for typed in ("by:", "by:ALI", "-by:ali"):
        options = client.get(f"{here}/complete", {"q": typed}, headers={"HX-Request": "true"}).context[
            "options"
        ]
        assert [whole for whole, *_ in options] == [f"{typed.partition(':')[0]}:{sample.alice.username} "]


def test_runs_are_offered_by_both_their_names_and_are_found_by_what_was_offered(client, sample, here):
    alice = factories.actor(sample.alice)
    run, _ = runs.create(alice, project=sample.project, name="abc123", display_name='night "7"')
    factories.log(sample.alice, sample.project, "resnet50-defects", {"x": b"1"}, run=run)
    for typed, offered in (("run:nig", r'run:"night \"7\"" '), ("run:abc", "run:abc123 ")):
        answer = client.get(f"{here}/complete", {"q": typed}, headers={"HX-Request": "true"})
        assert [whole for whole, *_ in answer.context["options"]] == [offered]
        assert numbers(client.get(here, {"q": offered})) == [3]


def test_a_list_that_is_narrowed_says_how_many_there_are(client, sample, here, monkeypatch):
    assert "3 match" in client.get(here, {"q": f"by:{sample.alice.username}"}).content.decode()
    assert "1 matches" in client.get(here, {"q": "v1"}).content.decode()
    assert "match</span>" not in client.get(here).content.decode()
    monkeypatch.setattr(pager, "_COUNTED", 2)
    assert "More than 2 match" in client.get(here, {"q": f"by:{sample.alice.username}"}).content.decode()
    project = sample.project.get_absolute_url()
    assert "1 matches" in client.get(project, {"q": "resnet50"}).content.decode()
    assert "1 matches" in client.get(f"{project}/runs", {"q": sample.run.name}).content.decode()


def test_versions_that_are_being_logged_are_told_to_who_may_log(as_user, sample, here, monkeypatch):
    alice, viewer = factories.actor(sample.alice), factories.colleague(sample.people)
    teams.add_member(alice, place=sample.people.team, user=viewer, role="viewer")
    draft, _ = drafts.begin(alice, project=sample.project, collection="resnet50-defects", type="model")
    draft.created_at -= timedelta(minutes=3)
    draft.save()
    told = f"1 version is being logged: by {sample.alice.display_name}, begun <time"
    page = as_user(sample.alice).get(here).content.decode()
    assert told in page
    assert "3 min ago" in page
    assert told not in as_user(viewer).get(here).content.decode()
    # One that nobody touched for as long as it may live goes with the next clean-up.
    draft.updated_at -= timedelta(hours=settings.DRAFT_HOURS, minutes=1)
    draft.save()
    assert told not in as_user(sample.alice).get(here).content.decode()


def test_rows_that_the_address_names_are_ticked_and_nothing_else(client, here):
    text = client.get(here, {"v": ["2", "0", "99", "x", "²", "9" * 40]}).content.decode()
    ticked = re.findall(r'name="v" value="(\d+)"[^>]* checked', text)
    assert ticked == ["2", "0"]
