"""Metadata edited as a form of rows: what is typed is what is kept, and what is wrong stays and is told in its row."""

from __future__ import annotations

from html import unescape

import pytest

from registry.services import versions
from tests import factories

pytestmark = pytest.mark.django_db
START = {
    "train": {"epochs": 30, "opt": "adamw", "rates": [0.1, 0.01]},
    "val.f1": 0.9134,
    "": None,
    "ok": True,
}


@pytest.fixture
def people():
    return factories.people()


@pytest.fixture
def made(people):
    return factories.log(people.alice, factories.project(people), "digits", metadata=START)


@pytest.fixture
def client(as_user, people):
    return as_user(people.alice)


def page_of(client, made):
    return client.get(f"{made.get_absolute_url()}/edit/metadata?as=form")


def rows(form):
    return [(row.key, row.kind, row.value) for row in form.rows if not row.is_blank]


def post(client, made, listed, **more):
    seen = page_of(client, made).context["form"]["seen"].value()
    fields = {"seen": seen, "key": [], "kind": [], "value": []}
    for key, kind, value in listed:
        for name, each in (("key", key), ("kind", kind), ("value", value)):
            fields[name].append(each)
    return client.post(f"{made.get_absolute_url()}/edit/metadata?as=form", fields | more)


def kept(made):
    made.version.refresh_from_db()
    return made.version.metadata


def test_each_value_has_its_row_and_saving_it_changes_nothing(client, made):
    shown = rows(page_of(client, made).context["form"])
    # PostgreSQL keeps keys in an order of its own.
    assert sorted(shown) == sorted(
        [
            ("train.epochs", "number", "30"),
            ("train.opt", "text", "adamw"),
            ("train.rates", "json", "[0.1, 0.01]"),
            ('"val.f1"', "number", "0.9134"),
            ('""', "null", ""),
            ("ok", "truth", "true"),
        ]
    )
    assert post(client, made, shown)["Location"] == f"{made.get_absolute_url()}/metadata"
    assert kept(made) == START


def test_what_is_typed_is_kept_with_its_kind(client, made):
    listed = [
        ("a.b", "text", "12"), ("a.c", "number", "12345678901234567890123"), ("a.d", "number", "1e-3"),
        ("e", "json", '{"x": [1, "2"]}'), ("f", "truth", "false"), ("g", "text", "two\r\nlines"), ("", "text", ""),
    ]  # fmt: skip
    assert post(client, made, listed).status_code == 302
    assert kept(made) == {
        "a": {"b": "12", "c": 12345678901234567890123, "d": 0.001},
        "e": {"x": [1, "2"]}, "f": False, "g": "two\nlines",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ([("a", "number", "twelve")], "Write a number like 12"),
        ([("a", "number", "true")], "Write a number like 12"),
        ([("a", "number", "")], "Write a number like 12"),
        ([("a", "number", "1e400")], "1e400"),
        ([("a", "number", '1, "b": 2')], "Write a number like 12"),
        ([("a", "truth", "yes")], "Write true or false"),
        ([("a", "null", "something")], "Null has no value"),
        ([("a", "json", "[1,")], "line 1"),
        ([("a", "odd", "1")], "This kind is not offered"),
        ([("a", "text", "1"), ("a", "text", "2")], "The key a stands twice"),
        ([("a", "text", "1"), ("a.b", "text", "2")], "a has a value of its own in another row"),
        ([("a.b", "text", "1"), ("a", "text", "2")], "Other rows lie inside of a"),
        ([("a", "json", '{"b": 1}'), ("a.b", "text", "2")], "a has a value of its own in another row"),
        ([("a..b", "text", "1")], "Write a key like train.epochs"),
        ([("", "text", "lost")], "Give this value a key"),
    ],
)
def test_a_row_that_is_wrong_says_so_and_keeps_what_was_typed(client, made, listed, said):
    answer = post(client, made, [*listed, ("kept", "text", "what I typed")])
    assert answer.status_code == 422
    page = unescape(answer.content.decode())
    assert said in page
    assert "what I typed" in page
    assert page.count('aria-invalid="true"') == 1
    assert kept(made) == START


def test_rules_about_the_whole_are_told_above(client, made):
    answer = post(client, made, [(f"k{number}", "text", "1") for number in range(101)])
    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()


def test_rows_are_added_and_removed_without_script(client, made):
    listed = [("a", "text", "1"), ("b", "text", "2")]
    answer = post(client, made, listed, add="1")
    assert (answer.status_code, answer.content.decode().count('name="key"')) == (200, 3)
    answer = post(client, made, listed, remove="0")
    assert rows(answer.context["form"]) == [("b", "text", "2")]
    assert kept(made) == START


def test_what_somebody_else_saved_meanwhile_is_not_replaced_unseen(client, made, people):
    seen = page_of(client, made).context["form"]["seen"].value()
    versions.edit(factories.actor(people.bob), membership=made, metadata={"theirs": 1})
    answer = post(client, made, [("mine", "text", "1")], seen=seen)
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "Somebody else changed the metadata meanwhile" in page
    assert "theirs" in page
    assert kept(made) == {"theirs": 1}
    again = answer.context["form"]["seen"].value()
    assert post(client, made, [("mine", "text", "1")], seen=again).status_code == 302
    assert kept(made) == {"mine": "1"}


@pytest.mark.parametrize(
    "metadata", [{'with "quotes"\\': 1, "": {"a": []}}, {"x": "\r"}, {"two words": {"": 0}}]
)
def test_odd_keys_and_texts_come_back_as_they_were(client, made, people, metadata):
    versions.edit(factories.actor(people.alice), membership=made, metadata=metadata)
    assert post(client, made, rows(page_of(client, made).context["form"])).status_code == 302
    assert kept(made) == metadata


@pytest.mark.parametrize(
    "metadata", [{str(n): {str(at): at for at in range(50)} for n in range(7)}, {"new\nline": 1}]
)
def test_what_no_row_can_show_is_left_to_json(client, made, people, metadata):
    versions.edit(factories.actor(people.alice), membership=made, metadata=metadata)
    assert "more than a form can show" in page_of(client, made).content.decode()
