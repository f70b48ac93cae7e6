"""Two versions side by side."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.web import differences
from tests import factories

lines = st.lists(st.sampled_from(["a", "b", "c", "", "<b>", "long line here"]), max_size=30)


@given(lines, lines)
def test_a_text_difference_leads_from_one_to_the_other(before, after):
    found = differences.text("\n".join(before), "\n".join(after))
    old, new = "\n".join(before).splitlines(), "\n".join(after).splitlines()
    for row in found.rows:
        if row.old is not None:
            assert 1 <= row.old <= len(old)
        if row.new is not None:
            assert 1 <= row.new <= len(new)
    gone = {row.old for row in found.rows if row.kind == "del"}
    come = {row.new for row in found.rows if row.kind == "add"}
    kept = [line for n, line in enumerate(old, 1) if n not in gone]
    assert kept == [line for n, line in enumerate(new, 1) if n not in come]
    assert (found.rows == []) == (old == new)


def test_what_changed_within_a_line_is_marked_and_escaped():
    [gone, come] = differences.text("f1 <b>0.93</b>", "f1 <b>0.94</b>").rows
    assert gone.html == "f1 &lt;b&gt;0.<del>93</del>&lt;/b&gt;"
    assert come.html == "f1 &lt;b&gt;0.<ins>94</ins>&lt;/b&gt;"


def test_texts_made_to_be_slow_are_compared_roughly():
    shuffled = random.Random(7)  # noqa: S311  # the same text in each run
    words = [f"w{shuffled.randrange(400)}" for _ in range(40_000)]
    found = differences.text("\n".join(words[:20_000]), "\n".join(words[20_000:]))
    assert found.is_rough
    assert found.removed == found.added == 20_000


def test_metadata_is_compared_key_by_key():
    before = {"f1": 0.5, "n": 1, "ok": 1, "deep": {"a": 1, "b": [1]}, "gone": None}
    after = {"f1": 0.75, "n": 1.0, "ok": True, "deep": {"a": 1, "b": [2]}, "new": "x"}
    found = {
        pair.name: (pair.kind, pair.before, pair.after, pair.delta)
        for pair in differences.pairs(before, after).rows
    }
    assert found == {
        "f1": ("changed", "0.5", "0.75", "+0.25"),
        "ok": ("changed", "1", "true", ""),
        "deep.b": ("changed", "[1]", "[2]", ""),
        "new": ("added", "", '"x"', ""),
        "gone": ("removed", "null", "", ""),
    }
    assert {pair.name for pair in differences.pairs(before, after, same=True).rows} - found.keys() == {
        "n",
        "deep.a",
    }


@pytest.fixture
def place(people, db):
    return factories.project(people)


@pytest.mark.django_db
def test_files_are_told_with_their_bytes(as_user, people, place):
    same = {f"same/{n}": b"%d" % n for n in range(5)}
    factories.log(people.alice, place, "a", {**same, "gone": b"12", "changed.txt": b"one\ntwo\n"})
    factories.log(people.alice, place, "b", {**same, "new": b"123", "changed.txt": b"one\n2\n"})
    address = f"{place.get_absolute_url()}/compare?a=a:v0&b=b:latest"
    text = as_user(people.alice).get(address).content.decode()
    told = "1 added, 3 B; 1 removed, 2 B; 1 changed, 6 B; 5 the same, 5 B. 9 B would be downloaded"
    assert told in text
    assert "same/0" not in text
    shown = as_user(people.alice).get(f"{address}&file=changed.txt").content.decode()
    assert "<del>two</del>" in shown
    assert "<ins>2</ins>" in shown


@pytest.mark.django_db
def test_files_that_are_the_same_are_listed_in_pages_when_asked_for(as_user, people, place):
    same = {f"f{n:04}": b"%d" % n for n in range(150)}
    factories.log(people.alice, place, "a", {**same, "f0007": b"old", "gone": b"x"})
    factories.log(people.alice, place, "a", {**same, "f0120b": b"new"})
    client, address = as_user(people.alice), f"{place.get_absolute_url()}/compare?a=a:v0&b=a:v1&same=1"
    first = client.get(address).context
    assert [pair.path for pair in first["files"]] == [f"f{n:04}" for n in range(100)]
    assert [pair.path for pair in first["files"] if pair.kind != "same"] == ["f0007"]
    assert first["after"] == "f0099"
    assert (first["same_files"].files, first["totals"].differ) == (149, 3)
    second = client.get(f"{address}&after=f0099").context
    assert [(pair.path, pair.kind) for pair in second["files"] if pair.kind != "same"] == [
        ("f0120b", "added"),
        ("gone", "removed"),
    ]
    assert (len(second["files"]), second["after"]) == (52, "")


@pytest.mark.django_db
def test_sections_are_linked_at_the_top(as_user, sample):
    project = sample.project.get_absolute_url()
    text = (
        as_user(sample.alice)
        .get(f"{project}/compare?a=resnet50-defects:v0&b=resnet50-defects:v1")
        .content.decode()
    )
    nav = text[text.index('aria-label="Comparison"') :].partition("</nav>")[0]
    for section in ("metadata", "files", "card", "lineage"):
        assert f'#{section}"' in nav
        assert text.count(f'id="{section}"') == 1


@pytest.mark.django_db
def test_many_files_come_in_pages(as_user, people, place):
    factories.log(people.alice, place, "a", {f"f{n:04}": b"a%d" % n for n in range(150)})
    factories.log(people.alice, place, "a", {f"f{n:04}": b"b%d" % n for n in range(150)})
    client, address = as_user(people.alice), f"{place.get_absolute_url()}/compare?a=a:v0&b=a:v1"
    first = client.get(address).content.decode()
    assert "150 changed" in first
    assert "f0099" in first
    assert "f0100" not in first
    second = client.get(f"{address}&after=f0099").content.decode()
    assert "f0149" in second


@pytest.mark.django_db
def test_pictures_stand_side_by_side_and_what_is_missing_is_said(as_user, sample):
    address = f"{sample.project.get_absolute_url()}/compare?a=defects-labelled:v0&b=defects-labelled:v0"
    client = as_user(sample.alice)
    assert client.get(f"{address}&file=images/line1/l1_0000.png").content.decode().count("<img") == 2
    assert "has no such file" in client.get(f"{address}&file=nothing").content.decode()
    assert "<script>alert" not in client.get(f"{address}&file=pretends.png").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nothing:v0", "collection"),
        ("a b", "artifact name"),
        ("resnet50-defects:v99", "not there"),
        ("x/y/z:v0", ""),
    ],
)
def test_a_name_that_leads_nowhere_is_told_beside_its_field(as_user, sample, name, said):
    answer = as_user(sample.alice).get(f"{sample.project.get_absolute_url()}/compare", {"a": name, "b": name})
    assert answer.status_code == 422
    assert answer.content.decode().count('aria-invalid="true"') == 2
    assert said in answer.content.decode()


@pytest.mark.django_db
def test_what_one_may_not_see_is_not_compared(as_user, sample, people):
    hidden = factories.project(people)
    secret = factories.log(people.alice, hidden, "secret", {"a": b"x"}, description="Hidden words.")
    answer = as_user(sample.alice).get(
        f"{sample.project.get_absolute_url()}/compare",
        {"a": "defects-labelled:v0", "b": secret.qualified_name},
    )
    assert answer.status_code == 422
    assert "Hidden words." not in answer.content.decode()


def test_of_a_hundred_thousand_keys_that_differ_some_are_shown_and_the_others_counted():
    found = differences.pairs({}, {f"k{n}": n for n in range(100_000)})
    assert (len(found.rows), found.left_out, len(found)) == (differences.MOST_PAIRS, 99_500, 100_000)


NOISE = random.Random(1)  # noqa: S311  # no secret is made of it: noise that is the same in each run


@pytest.mark.parametrize(
    "line",
    [
        lambda: f"{NOISE.randrange(120)}",
        lambda: "".join(NOISE.choice(".,;") for _ in range(199)),
        lambda: "a " * 240,
    ],
    ids=["few words", "few marks", "many words"],
)
def test_a_difference_costs_no_more_than_its_limit(line):
    text = ["\n".join(line() for _ in range(differences.MOST_LINES)) for _ in range(2)]
    began = time.process_time()
    found = differences.text(*text)
    # Without the budget the marks took a minute.
    assert time.process_time() - began < 10
    assert found.rows or text[0] == text[1]
