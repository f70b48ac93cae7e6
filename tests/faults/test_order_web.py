"""The judge of a whole installation's trace notices each sync that an answer or a row came before."""

from __future__ import annotations

import pytest

from tests.faults.order_web import judge

GOOD = [
    '10 mkdir("/d/blobs/packs", 0777) = 0',
    "10 fsync(3</d/blobs>) = 0",
    '10 write(4</d/incoming/1.tmp>, "bytes"..., 1000) = 1000',
    "10 fsync(4</d/incoming/1.tmp>) = 0",
    '10 rename("/d/incoming/1.tmp", "/d/blobs/packs/1") = 0',
    "10 fsync(5</d/blobs/packs>) = 0",
    '10 pwrite64(6</d/strongroom.sqlite3-wal>, "row"..., 4096, 0) = 4096',
    "10 fdatasync(6</d/strongroom.sqlite3-wal>) = 0",
    '10 sendto(7<socket:[1]>, "HTTP/1.1 200 OK\\r\\n"..., 300, 0, NULL, 0) = 300',
]


def violations(lines, left_out=""):
    return judge(lines, "/d", left_out).violations


def test_the_right_order_has_no_violation():
    found = judge(GOOD, "/d")
    assert (found.names, found.rows, found.answers, found.violations) == (1, 1, 1, [])


@pytest.mark.parametrize("left_out", [1, 3, 5, 7])
def test_each_sync_is_missed(left_out):
    assert violations([line for number, line in enumerate(GOOD) if number != left_out])


@pytest.mark.parametrize("left_out", ["file", "folder", "database"])
def test_each_kind_of_sync_is_missed(left_out):
    assert violations(GOOD, left_out)


def test_a_row_before_the_folder_is_synced_is_noticed_although_the_answer_comes_later():
    assert "a row was written before" in violations([*GOOD[:5], *GOOD[6:8], GOOD[5], GOOD[8]])[0]


def test_a_part_that_is_acknowledged_must_be_synced():
    part = '11 write(4</d/incoming/uploads/ab/1>, "x"..., 10) = 10'
    answer = GOOD[8].replace("10 sendto", "11 sendto")
    assert violations([part, answer])
    assert not violations([part, "11 fsync(4</d/incoming/uploads/ab/1>) = 0", answer])
    assert not violations([part, '11 unlinkat(5</d/incoming/uploads/ab>, "1", 0) = 0', answer])


def test_an_answer_does_not_vouch_for_what_other_threads_do():
    other = '12 pwrite64(6</d/strongroom.sqlite3-wal>, "row"..., 4096, 0) = 4096'
    assert not violations([*GOOD[:8], other, GOOD[8]])


def test_a_refusal_acknowledges_nothing():
    assert not violations([GOOD[6], GOOD[8].replace("200 OK", "507 Insufficient Storage")])
