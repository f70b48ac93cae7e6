"""Digests: equal to the `wandb` client's to the byte, in one spelling only."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strongroom.core.digests import (
    ManifestDigest,
    b64_to_hex,
    hex_to_b64,
    md5_b64,
)
from strongroom.core.errors import InvalidDigest

from tests.core.strategies import manifests


def wandb_digest(entries: dict[str, str]) -> str:
    """Compute as the `wandb` client does: a dictionary, sorted by path, hashed a line at a time."""
    hasher = hashlib.md5()
    hasher.update(b"wandb-artifact-manifest-v1\n")
    for path, digest in sorted(entries.items(), key=lambda item: item[0]):
        hasher.update(f"{path}:{digest}\n".encode())
    return hasher.hexdigest()


def strongroom_digest(entries: dict[str, str]) -> str:
    digest = ManifestDigest()
    for path in sorted(entries):
        digest.add(path, entries[path])
    return digest.hexdigest()


# Recomputed with md5sum: printf 'wandb-artifact-manifest-v1\n…' | md5sum
VECTORS = [
    ({}, "64e7c61456b10382e2f3b571ac24b659"),
    ({"a.txt": "XUFAKrxLKna5cZ2REBfFkg=="}, "541f289bb3c6ae786d51e7288e523543"),
    (
        {"b": "rL0Y20zC+Fzt72VPzMSk2A==", "a": "XUFAKrxLKna5cZ2REBfFkg==", "a-b": "x", "a/b": "y"},
        "cd0a7abbaf33c948d9f8a550749cc611",
    ),
    ({"\U0001f600": "1", "\uff5e": "2", "é": "3", "z": "4"}, "3925113037582a146d0fbb9003133943"),
]


@pytest.mark.parametrize(("entries", "digest"), VECTORS)
def test_known_manifests_have_known_digests(entries, digest):
    assert strongroom_digest(entries) == wandb_digest(entries) == digest


@given(manifests(with_md5=True), st.randoms())
def test_the_order_of_adding_never_changes_the_digest(entries, random):
    shuffled = {entry.path: entry.digest for entry in random.sample(entries, len(entries))}
    assert strongroom_digest(shuffled) == wandb_digest(shuffled)


def test_order_is_that_of_code_points_which_is_that_of_bytes():
    # UTF-16 would put the emoji, a pair of surrogates, before the full-width tilde.
    paths = ["\U0001f600", "\uff5e", "a/b", "a-b", "a", "a0", "é", "e\u0301", "Z"]
    assert sorted(paths) == sorted(paths, key=lambda path: path.encode())


def test_thousands_of_entries_and_asking_in_between_give_the_same_digest():
    entries = {f"f{n:05}": str(n) for n in range(5000)}
    digest = ManifestDigest()
    for path, value in entries.items():
        digest.add(path, value)
        digest.hexdigest() if path == "f01500" else None
    assert digest.hexdigest() == wandb_digest(entries)


@given(st.binary(min_size=16, max_size=16))
def test_hexadecimal_and_base64_are_inverse(raw):
    assert md5_b64(raw) == base64.b64encode(raw).decode()
    assert b64_to_hex(md5_b64(raw)) == raw.hex()
    assert hex_to_b64(raw.hex()) == md5_b64(raw)


@pytest.mark.parametrize(
    "digest",
    ["", "x", "XUFAKrxLKna5cZ2REBfFkg", "XUFAKrxLKna5cZ2REBfFkh==", "XUFAKrxLKna5cZ2REBfFkg==\n",
     "XUFAKrxLKna5cZ2REBfF-_==",
     " XUFAKrxLKna5cZ2REBfFkg==", "é" * 24, "A" * 10**6, None, b"XUFAKrxLKna5cZ2REBfFkg=="],
)  # fmt: skip
def test_base64_that_is_no_md5_in_its_one_form_is_refused(digest):
    with pytest.raises(InvalidDigest):
        b64_to_hex(digest)


@pytest.mark.parametrize(
    "digest", ["", "ab", "AB" * 16, "ab" * 16 + "\n", "zz" * 16, "a b" * 11, "٣" * 32, None, 7]
)
def test_hexadecimal_that_is_no_md5_is_refused(digest):
    with pytest.raises(InvalidDigest):
        hex_to_b64(digest)
