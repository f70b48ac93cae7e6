"""Manifests: order, collisions, differences, and sorting with bounded memory."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strongroom.core.errors import InvalidDigest, InvalidInput, InvalidManifest, InvalidPath, PathCollision
from strongroom.core.manifest import Entry, apply, check_order, diff, sorted_entries

from tests.core.strategies import collides, manifests, paths
from tests.support.effort import within

SHA = "ab" * 32
MD5 = "XUFAKrxLKna5cZ2REBfFkg=="


def file(path: str) -> Entry:
    return Entry(path, None, 1, SHA)


@given(manifests())
def test_a_manifest_in_order_passes_unchanged(entries):
    assert list(check_order(entries)) == entries


@given(st.lists(st.text("ab/-", min_size=1, max_size=6) | paths, max_size=12))
def test_order_is_refused_exactly_when_it_is_wrong(names):
    entries = [file(name) for name in names]
    right = all(a < b for a, b in zip(names, names[1:], strict=False)) and not collides(entries)
    try:
        passed = list(check_order(entries)) == entries
    except InvalidInput:
        passed = False
    assert passed == right


@pytest.mark.parametrize(
    ("names", "error"),
    [
        (["a", "a"], PathCollision),
        (["b", "a"], InvalidManifest),
        (["a", "a/b"], PathCollision),
        (["a", "a-b", "a-c", "a/b"], PathCollision),
        (["a", "aa", "aaa", "aa/b"], InvalidManifest),
        (["a/b", "a/b/c"], PathCollision),
        (["\uff5e", "\U0001f600", "\uff5d"], InvalidManifest),
    ],
)
def test_disorder_and_collisions_are_told_apart(names, error):
    with pytest.raises(error):
        list(check_order(map(file, names)))


def test_a_long_chain_of_prefixes_costs_no_more_than_other_names():
    chain = ["a" * n for n in range(1, 4000)]
    names = chain + [f"{chain[-1]}{n:06}" for n in range(50_000)]
    entries = [file(name) for name in names]
    assert sum(1 for _ in check_order(entries)) == len(entries)
    assert within(2, lambda: sum(1 for _ in check_order(entries)))


@given(manifests(with_md5=True), manifests(with_md5=True))
def test_applying_a_difference_gives_the_other(a, b):
    changes = list(diff(a, b))
    assert list(apply(a, changes)) == b
    assert [change.path for change in changes] == sorted(change.path for change in changes)
    assert list(apply(b, diff(b, a))) == a


@given(manifests())
def test_nothing_differs_from_itself(entries):
    assert list(diff(entries, entries)) == []


def test_content_decides_and_not_who_knows_its_md5():
    assert list(diff([Entry("a", None, 1, SHA)], [Entry("a", MD5, 1, SHA)])) == []
    # One MD5 may be that of two contents; where a SHA-256 is known, it decides.
    (change,) = diff([Entry("a", MD5, 1, SHA)], [Entry("a", MD5, 1, "cd" * 32)])
    assert (change.kind, change.path) == ("changed", "a")
    (change,) = diff([Entry("a", MD5, 1)], [Entry("a", "rL0Y20zC+Fzt72VPzMSk2A==", 1)])
    assert change.kind == "changed"
    (change,) = diff([Entry("a", "x", 1, None, "s3://b")], [Entry("a", "y", 1, None, "s3://b")])
    assert change.kind == "changed"


@given(manifests(), st.randoms(), st.sampled_from([1, 3, 100]))
@settings(deadline=None)
def test_sorting_is_the_same_in_memory_and_in_the_database(entries, random, in_memory):
    shuffled = random.sample(entries, len(entries))
    assert list(sorted_entries(shuffled, in_memory=in_memory)) == entries


def test_sorting_keeps_repeated_paths_for_the_check_of_order():
    twice = [file("b"), file("a"), file("b")]
    for in_memory in (1, 10):
        with pytest.raises(PathCollision):
            list(check_order(sorted_entries(twice, in_memory=in_memory)))


def test_leaving_a_sort_early_closes_its_database():
    entries = sorted_entries(map(file, "cba"), in_memory=1)
    assert next(entries).path == "a"
    entries.close()


@pytest.mark.parametrize(
    ("entry", "error"),
    [
        (Entry("../a", None, 1, SHA), InvalidPath),
        (Entry("a", None, None, SHA), InvalidManifest),
        (Entry("a", None, -1, SHA), InvalidManifest),
        (Entry("a", None, 2**63, SHA), InvalidManifest),
        (Entry("a", None, True, SHA), InvalidManifest),
        (Entry("a", None, 1.0, SHA), InvalidManifest),
        (Entry("a", None, "1", SHA), InvalidManifest),
        (Entry("a", None, 1, None), InvalidDigest),
        (Entry("a", None, 1, SHA.upper()), InvalidDigest),
        (Entry("a", None, 1, SHA + "\n"), InvalidDigest),
        (Entry("a", None, 1, 7), InvalidDigest),
        (Entry("a", "x", 1, SHA), InvalidDigest),
        (Entry("a", 7, 1, SHA), InvalidDigest),
        (Entry("a", None, 1, SHA, None, []), InvalidManifest),
        (Entry("a", None, 1, SHA, None, {"a": float("nan")}), InvalidManifest),
        (Entry("a", None, 1, SHA, None, {"a": "x" * 200_000}), InvalidManifest),
        (Entry("a", None, 1, SHA, None, {"a": "\ud800"}), InvalidManifest),
        (Entry("a", "x", 1, SHA, "s3://b"), InvalidManifest),
        (Entry("a", None, 1, None, "s3://b"), InvalidDigest),
        (Entry("a", "", 1, None, "s3://b"), InvalidDigest),
        (Entry("a", "x\nb:y", 1, None, "s3://b"), InvalidDigest),
        (Entry("a", "x", 1, None, ""), InvalidManifest),
        (Entry("a", "x", 1, None, "s3://b\n"), InvalidManifest),
        (Entry("a", "x", 1, None, "s3://\u202eb"), InvalidManifest),
        (Entry("a", "x", 1, None, "s3://" + "b" * 9000), InvalidManifest),
        (Entry("a", "x", 1, None, {}), InvalidManifest),
    ],
)
def test_an_entry_that_lacks_what_it_needs_is_refused_by_name(entry, error):
    with pytest.raises(error, match=r"\ba\b"):
        entry.check()


def test_an_entry_of_a_file_knows_its_md5_in_hexadecimal():
    assert Entry("a", MD5, 1, SHA).md5 == "5d41402abc4b2a76b9719d911017c592"
    assert Entry("a", None, 1, SHA).md5 is None
    assert Entry("a", MD5, 1, None, "s3://b").md5 is None


@pytest.mark.parametrize("field", ["mode", "Sha256", "local_path"])
def test_an_entry_with_a_field_that_no_entry_has_is_refused_by_name(field):
    with pytest.raises(InvalidManifest, match=field):
        Entry.from_json({"path": "a", "size": 1, "sha256": SHA, field: None})
