"""Bundles: one object and one transaction for many blobs; all of them or none."""

from __future__ import annotations

import hashlib
import io
import random

import pytest
from django.utils import timezone

from registry.errors import Damaged, DigestMismatch, IncompleteBody, TooLarge
from registry.models import Blob, StoredObject
from registry.storage import BundleResult, known, open_blob, read_blob, receive_bundle
from tests.storage.helpers import Trickle, at_once, bundle, files_below, sha

pytestmark = pytest.mark.django_db


def send(scope, blobs):
    body = bundle(blobs)
    return receive_bundle(scope, io.BytesIO(body), len(body))


def some_blobs(count, seed=1):
    dice = random.Random(seed)
    return [dice.randbytes(dice.randint(0, 3000)) for _ in range(count)]


def read(scope, data):
    return read_blob(Blob.objects.select_related("object").get(scope=scope, sha256=sha(data)))


def test_many_blobs_become_one_object(scope, data_dir, django_assert_max_num_queries):
    blobs = some_blobs(300)
    with django_assert_max_num_queries(6):
        assert send(scope, blobs) == BundleResult(stored=300, known=0)
    assert StoredObject.objects.count() == 1
    assert len(files_below(data_dir / "blobs")) == 1
    assert files_below(data_dir / "incoming") == []
    assert all(read(scope, blob) == blob for blob in blobs)


def test_both_digests_and_the_size_are_kept(scope):
    send(scope, [b"hello"])
    blob = Blob.objects.get()
    assert (blob.sha256, blob.md5, blob.size) == (sha(b"hello"), hashlib.md5(b"hello").digest(), 5)
    assert known(scope, [sha(b"hello"), sha(b"other")]) == {sha(b"hello"): (blob.md5, 5)}


def test_known_blobs_are_skipped_and_take_no_space(scope):
    first, second = some_blobs(20), some_blobs(20, seed=2)
    send(scope, first)
    mixed = [blob for pair in zip(first, second, strict=True) for blob in pair]
    assert send(scope, mixed) == BundleResult(stored=20, known=20)
    newest = StoredObject.objects.latest("pk")
    assert newest.size == sum(len(blob) for blob in second) + 40 * 20
    assert all(read(scope, blob) == blob for blob in mixed)


def test_a_bundle_of_known_blobs_leaves_no_object(scope, data_dir):
    blobs = some_blobs(20)
    send(scope, blobs)
    before = files_below(data_dir)
    assert send(scope, blobs) == BundleResult(stored=0, known=20)
    assert StoredObject.objects.count() == 1
    assert files_below(data_dir) == before


def test_a_blob_twice_in_one_bundle_is_kept_once(scope):
    assert send(scope, [b"twin", b"other", b"twin"]) == BundleResult(stored=2, known=1)
    assert read(scope, b"twin") == b"twin"


def test_the_empty_file_is_a_blob_too(scope):
    assert send(scope, [b""]) == BundleResult(stored=1, known=0)
    assert read(scope, b"") == b""


def test_an_empty_body_stores_nothing(scope, data_dir):
    assert send(scope, []) == BundleResult(0, 0)
    assert files_below(data_dir) == []


def test_a_bundle_larger_than_a_piece_is_read_back(scope):
    blobs = [bytes([number]) * 600_000 for number in range(5)]
    body = bundle(blobs)
    receive_bundle(scope, Trickle(body, 10_000), None)
    assert all(read(scope, blob) == blob for blob in blobs)


def test_another_scope_s_blobs_are_not_known(scope, other_scope):
    send(scope, [b"secret"])
    assert known(other_scope, [sha(b"secret")]) == {}
    assert send(other_scope, [b"secret"]) == BundleResult(stored=1, known=0)


def test_thousands_of_digests_are_looked_up(scope):
    blobs = some_blobs(50)
    send(scope, blobs)
    asked = [sha(blob) for blob in blobs] + [number.to_bytes(32, "big") for number in range(5000)]
    assert len(known(scope, asked)) == 50


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (lambda body: body[:-1], IncompleteBody),
        (lambda body: body[: len(body) // 2], IncompleteBody),
        (lambda body: body[:-1] + bytes([body[-1] ^ 1]), DigestMismatch),
        (lambda body: body + b"x" * 39, IncompleteBody),
    ],
    ids=["one byte short", "half", "one bit wrong", "too long"],
)
def test_a_spoiled_bundle_keeps_nothing(scope, data_dir, spoil, error):
    body = spoil(bundle(some_blobs(800)))
    with pytest.raises(error):
        receive_bundle(scope, io.BytesIO(body), len(body))
    assert not Blob.objects.exists()
    assert not StoredObject.objects.exists()
    assert files_below(data_dir) == []


def test_a_short_body_says_how_much_arrived(scope):
    body = bundle([b"x" * 100])
    with pytest.raises(IncompleteBody) as caught:
        receive_bundle(scope, io.BytesIO(body[:50]), len(body))
    assert caught.value.details == {"received": 50, "expected": 140}


def test_a_body_over_the_limit_is_refused(scope, settings):
    settings.BUNDLE_LIMIT = 100
    with pytest.raises(TooLarge):
        send(scope, [b"x" * 100])


def test_a_known_blob_sent_with_wrong_bytes_is_still_refused(scope):
    send(scope, [b"right"])
    body = bundle([b"right"])[:-5] + b"wrong"
    with pytest.raises(DigestMismatch, match=sha(b"right").hex()):
        receive_bundle(scope, io.BytesIO(body), len(body))


def test_uploading_a_damaged_blob_again_heals_it(scope):
    send(scope, [b"before", b"precious", b"after"])
    Blob.objects.filter(sha256=sha(b"precious")).update(damaged_at=timezone.now())
    assert known(scope, [sha(b"precious")]) == {}
    assert send(scope, [b"before", b"precious"]) == BundleResult(stored=1, known=1)
    healed = Blob.objects.get(sha256=sha(b"precious"))
    assert healed.damaged_at is None
    assert healed.object == StoredObject.objects.latest("pk")
    assert read(scope, b"precious") == b"precious"


def test_a_pack_lost_from_the_disk_is_found_and_healed(scope, data_dir):
    blobs = some_blobs(30)
    send(scope, blobs)
    files_below(data_dir / "blobs")[0].unlink()
    for blob in Blob.objects.all():
        with pytest.raises(Damaged):
            open_blob(blob)
    assert send(scope, blobs) == BundleResult(stored=30, known=0)
    assert all(read(scope, blob) == blob for blob in blobs)


def test_a_storage_of_which_only_django_s_interface_is_known_works_too(scope, in_memory):
    blobs = some_blobs(50)
    assert send(scope, blobs) == BundleResult(stored=50, known=0)
    assert all(read(scope, blob) == blob for blob in blobs)


@pytest.mark.django_db(transaction=True)
def test_equal_bundles_at_once_all_succeed_and_store_each_blob_once(scope, data_dir):
    blobs = some_blobs(200)
    outcomes = at_once(6, lambda _: send(scope, blobs))
    assert all(isinstance(outcome, BundleResult) for outcome in outcomes), outcomes
    assert sum(outcome.stored for outcome in outcomes) == len(set(blobs))
    assert Blob.objects.count() == len(set(blobs))
    assert all(read(scope, blob) == blob for blob in blobs)
    # The losers' objects are gone, and every object that is left has a row.
    assert len(files_below(data_dir / "blobs")) == StoredObject.objects.count()
    assert not StoredObject.objects.filter(blobs=None).exists()


@pytest.mark.django_db(transaction=True)
def test_overlapping_bundles_in_any_order_at_once_all_succeed(scope):
    blobs = some_blobs(120)

    def act(number):
        mine = list(blobs)
        random.Random(number).shuffle(mine)
        return send(scope, mine[:90])

    outcomes = at_once(6, act)
    assert all(isinstance(outcome, BundleResult) for outcome in outcomes), outcomes
    for blob in Blob.objects.select_related("object"):
        assert sha(read_blob(blob)) == blob.sha256


@pytest.mark.django_db(transaction=True)
def test_a_damaged_blob_healed_by_many_at_once_is_sound(scope):
    send(scope, [b"precious"])
    Blob.objects.update(damaged_at=timezone.now())
    outcomes = at_once(4, lambda _: send(scope, [b"precious"]))
    assert sorted(outcome.stored for outcome in outcomes)[-1] == 1
    assert read(scope, b"precious") == b"precious"
