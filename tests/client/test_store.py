"""Entries in a temporary database: order, prefixes, collisions, and what is wanted."""

from __future__ import annotations

import hashlib
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.errors import InvalidPath
from strongroom.core.paths import check_entry_path, folded
from strongroom.errors import EntryNotFound, PathCollision
from strongroom.store import EntryStore, Item


def _is_path(text: str) -> bool:
    try:
        check_entry_path(text)
    except InvalidPath:
        return False
    return True


PART = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1, max_size=8)
PATHS = st.lists(PART, min_size=1, max_size=3).map("/".join).filter(_is_path)


def item(path: str, data: bytes = b"x", **more) -> Item:
    return Item(path, len(data), sha256=hashlib.sha256(data).digest(), **more)


@given(st.sets(PATHS, max_size=30), st.integers(1, 5))
def test_items_come_in_code_point_order_whatever_the_page(paths, page):
    store = EntryStore()
    store.put(item(path) for path in paths)
    assert [found.path for found in store.items(page=page)] == sorted(paths)


@given(st.sets(PATHS, max_size=30), st.text(st.characters(exclude_categories=["Cs"]), max_size=3))
def test_a_prefix_finds_exactly_what_starts_with_it(paths, prefix):
    store = EntryStore()
    store.put(item(path) for path in paths)
    assert [found.path for found in store.items(prefix)] == sorted(p for p in paths if p.startswith(prefix))
    assert store.size(prefix) == sum(1 for p in paths if p.startswith(prefix))


@pytest.mark.parametrize("last", ["\ud7ff", "\U0010ffff"])
def test_a_prefix_may_end_with_the_last_character_there_is(last):
    store = EntryStore()
    store.put([item("a" + last), item("a" + last + "b"), item("b")])
    assert [found.path for found in store.items("a" + last)] == ["a" + last, "a" + last + "b"]


def test_items_can_change_while_they_are_iterated_over():
    store = EntryStore()
    store.put(item(f"{n:03}") for n in range(50))
    for found in store.items(page=7):
        store.set_digests([(None, b"m" * 16, found.path)])
        store.remove(found.path)
    assert store.count() == 0


def test_an_item_comes_back_as_it_went_in():
    store = EntryStore()
    full = Item("a", 3, b"s" * 32, b"m" * 16, b"/tmp/\xff", 12, True, None, None, None)
    reference = Item("b", None, ref="s3://b/k", digest="etag", extra='{"v": 1}')
    store.put([full, reference])
    assert store.need("a") == full
    assert store.need("b") == reference
    assert store.need("b").to_entry().extra == {"v": 1}


def test_a_path_that_is_not_there_is_a_key_error():
    with pytest.raises(KeyError, match="no entry 'x'") as caught:
        EntryStore().need("x")
    assert isinstance(caught.value, EntryNotFound)


def test_removing_a_folder_removes_what_is_in_it_and_no_more():
    store = EntryStore()
    store.put(item(path) for path in ["a", "a-b", "a.d/x", "b/x", "b/y/z", "bb"])
    assert store.remove("b") == 2
    assert store.remove("a") == 1
    assert [found.path for found in store.items()] == ["a-b", "a.d/x", "bb"]
    assert store.remove("nothing") == 0


@pytest.mark.parametrize(("there", "new"), [("a", "a/b"), ("a", "a/b/c"), ("a/b", "a"), ("a/b/c", "a")])
def test_a_file_cannot_be_a_folder_too(there, new):
    store = EntryStore()
    store.put([item(there)])

    def add() -> None:
        with store.all_or_nothing():
            store.put([item(new)])
            store.check_collisions([new])

    with pytest.raises(PathCollision, match="file and a folder"):
        add()
    assert [found.path for found in store.items()] == [there]


def test_neighbours_do_not_collide():
    store = EntryStore()
    store.put(item(path) for path in ["a", "a-b", "a.b/c", "ab/c"])
    store.check_collisions(["a", "a-b", "a.b/c", "ab/c"])


def test_an_error_undoes_everything_inside():
    store = EntryStore()
    store.put([item("kept")])

    def fail() -> None:
        with store.all_or_nothing():
            store.put([item("a"), item("kept", b"other")])
            store.put([item("b")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [found.path for found in store.items()] == ["kept"]
    assert store.need("kept").size == 1


def test_what_is_wanted_comes_once_for_each_blob_in_path_order():
    store = EntryStore()
    store.put(item(path, data) for path, data in [("c", b"1"), ("a", b"2"), ("b", b"1"), ("d", b"3")])
    store.put([Item("e", 1, ref="s3://x", digest="e")])
    assert store.count_blobs() == 3
    store.want_all()
    assert [found.path for found in store.wanted()] == ["a", "b", "d"]
    store.want([hashlib.sha256(b"3").digest(), hashlib.sha256(b"unknown").digest()])
    assert [found.path for found in store.wanted()] == ["d"]


def test_wanted_pages_follow_each_other(monkeypatch):
    monkeypatch.setattr("strongroom.store.PAGE", 3)
    store = EntryStore()
    store.put(item(f"{n:02}", b"%d" % n) for n in range(10))
    store.want_all()
    assert [found.path for found in store.wanted()] == [f"{n:02}" for n in range(10)]


def test_twins_that_a_file_system_would_confuse_are_found():
    store = EntryStore()
    store.put([item("a/README"), item("b")])
    assert store.folded_twins(str.casefold) is None
    store.put([item("a/readme")])
    assert store.folded_twins(str.casefold) == ("a/README", "a/readme")


def test_threads_may_share_a_store():
    store = EntryStore()

    def work(start: int) -> None:
        for n in range(start, start + 100):
            store.put([item(str(n))])
            store.get(str(n))

    threads = [threading.Thread(target=work, args=(start,)) for start in range(0, 400, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.count() == 400


@pytest.mark.parametrize(
    ("one", "other"),
    [("caf\u00e9", "cafe\u0301"), ("\u212a", "k"), ("STRASSE", "stra\u00dfe"), ("\u00c9/x", "e\u0301/X")],
)
def test_names_are_twins_in_whatever_form_their_letters_are(one, other):
    store = EntryStore()
    store.put([Item("between", 1), Item(one, 1), Item(other, 1)])
    assert set(store.folded_twins(folded) or ()) == {one, other}
