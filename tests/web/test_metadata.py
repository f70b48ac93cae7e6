"""Searching metadata: what has the words, with the way to it."""

import re

import pytest

from registry.web.metadata import Search
from registry.web.templatetags.marks import tree
from tests import factories

METADATA = {
    "val": {"f1": 0.95, "Recall": 0.9},
    "train": {"epochs": 12},
    "classes": ["cat", "dog"],
    "note": None,
}


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("f1", {"val": {"f1": 0.95}}),
        ("recall", {"val": {"Recall": 0.9}}),
        ("train", {"train": {"epochs": 12}}),
        ("DOG", {"classes": {"1": "dog"}}),
        ("0.9", {"val": {"f1": 0.95, "Recall": 0.9}}),
        ("note", {"note": None}),
        ("null", {"note": None}),
        ("nothing", {}),
    ],
)
def test_what_has_the_words_stays_with_the_way_to_it(words, left):
    assert Search(words).matching(METADATA) == left


@pytest.mark.django_db
def test_the_page_shows_what_is_asked_for(as_user, people):
    made = factories.log(people.alice, factories.project(people), metadata=METADATA)
    page = as_user(people.alice)
    path = f"{made.get_absolute_url()}/metadata"
    found = page.get(f"{path}?q=recall").content.decode()
    assert "Recall" in found
    assert "<span>epochs</span>" not in found
    assert "No key and no value" in page.get(f"{path}?q=zzzz").content.decode()


def test_of_a_tree_what_holds_little_is_open_and_what_holds_much_is_not():
    html = tree({"many": list(range(250)), "outer": {"few": [1, 2, 3]}, "wide": {"inner": {"x": 1}}})
    open_ones = re.findall(r"<details( open)?><summary>.*?</svg> (\w+) ", html)
    assert open_ones == [
        ("", "many"),
        (" open", "outer"),
        (" open", "few"),
        (" open", "wide"),
        (" open", "inner"),
    ]


def test_of_a_tree_only_so_much_is_open_together():
    html = tree({f"k{n}": list(range(20)) for n in range(50)})
    assert html.count("<details open>") == 10
    assert tree({"many": list(range(250))}, True).count("<details open>") == 1
