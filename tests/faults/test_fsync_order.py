"""The judge of traces notices what it is there for, in traces as strace writes them."""

from __future__ import annotations

import pytest

from tests.faults.fsync_order import judge

GOOD = [
    '10 mkdir("/d/blobs/packs", 0777) = 0',
    "10 fsync(3</d/blobs>) = 0",
    '10 write(4</d/in/1.tmp>, "bytes"..., 1000) = 1000',
    "10 fsync(4</d/in/1.tmp>) = 0",
    '10 rename("/d/in/1.tmp", "/d/blobs/packs/1") = 0',
    "10 fsync(5</d/blobs/packs>) = 0",
    '10 write(6</d/told>, "packs/1\\n", 8) = 8',
]


def violations(lines):
    return judge(lines, "/d/blobs", "/d/told").violations


def test_the_right_order_is_right():
    found = judge(GOOD, "/d/blobs", "/d/told")
    assert (found.names, found.acknowledged, found.violations) == (1, 1, [])


@pytest.mark.parametrize("left_out", [1, 3, 5])
def test_each_fsync_is_missed_when_it_is_left_out(left_out):
    assert violations([line for number, line in enumerate(GOOD) if number != left_out])


def test_an_fsync_that_failed_is_none():
    assert violations([line.replace("1.tmp>) = 0", "1.tmp>) = -1 EIO (Input/output error)") for line in GOOD])


def test_bytes_written_after_the_fsync_are_not_synced():
    late = "10 copy_file_range(7</d/in/part>, NULL, 4</d/in/1.tmp>, NULL, 10, 0) = 10"
    assert violations([*GOOD[:4], late, *GOOD[4:]])


def test_a_call_counts_when_it_ends_not_when_it_begins():
    begun = "11 fsync(5</d/blobs/packs> <unfinished ...>"
    ended = "11 <... fsync resumed>) = 0"
    assert not violations([*GOOD[:5], begun, ended, GOOD[6]])
    assert violations([*GOOD[:5], begun, GOOD[6], ended])


def test_a_link_is_a_name_as_well():
    linked = GOOD[4].replace("rename", "link")
    assert violations([*GOOD[:3], linked, *GOOD[5:]])
