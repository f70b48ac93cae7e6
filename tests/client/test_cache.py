"""The local cache: by digest, private, bounded, and never believed."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from strongroom.cache import Cache


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache", limit=10_000)


def put(cache: Cache, folder: Path, data: bytes) -> bytes:
    """Keep a file as a download does."""
    folder.mkdir(exist_ok=True)
    digest = hashlib.sha256(data).digest()
    path = folder / digest.hex()
    path.write_bytes(data)
    cache.keep(digest, str(path))
    return digest


def has(cache: Cache, digest: bytes, size: int) -> bool:
    descriptor = cache.open(digest, size)
    if descriptor is not None:
        os.close(descriptor)
    return descriptor is not None


def test_what_is_kept_is_found_by_digest_and_size(cache, home):
    digest = put(cache, home, b"abc")
    assert has(cache, digest, 3)
    assert not has(cache, hashlib.sha256(b"other").digest(), 5)
    assert cache.info().files == 1
    assert cache.info().size == 3


def test_a_file_of_another_size_is_dropped(cache, home):
    digest = put(cache, home, b"abc")
    (home / digest.hex()).write_bytes(b"abcd")
    assert not has(cache, digest, 3)
    assert cache.info().files == 0


def test_keeping_costs_no_space_and_outlives_the_file(cache, home):
    digest = put(cache, home, b"abc")
    path = home / digest.hex()
    assert path.stat().st_nlink == 2
    path.unlink()
    assert has(cache, digest, 3)


def test_where_links_are_impossible_it_copies(cache, home, monkeypatch):
    def no_link(*args, **kwargs):
        raise OSError("another file system")

    monkeypatch.setattr(os, "link", no_link)
    digest = put(cache, home, b"abc")
    assert has(cache, digest, 3)
    assert (home / digest.hex()).stat().st_nlink == 1
    assert cache.info().files == 1
    too_much = put(cache, home, b"x" * 5000)
    assert not has(cache, too_much, 5000)


def test_the_folder_is_private(cache, home):
    put(cache, home, b"abc")
    assert stat.S_IMODE((cache.folder / "objects").stat().st_mode) == 0o700


def test_it_stays_within_its_limit_and_keeps_what_was_used_last(cache, home):
    digests = [put(cache, home, bytes([n]) * 1000) for n in range(12)]
    for age, digest in enumerate(digests):
        os.utime(home / digest.hex(), (1000 + age, 1000))
    cache.settle()
    assert cache.info().size <= 9000
    assert [has(cache, digest, 1000) for digest in digests] == [False] * 3 + [True] * 9


def test_a_lower_limit_is_kept_though_nothing_is_added(cache, home):
    for n in range(8):
        put(cache, home, bytes([n]) * 1000)
    cache.settle()
    Cache(cache.folder, limit=5000).settle()
    assert cache.info().size <= 5000


def test_what_several_sessions_add_is_counted_together(cache, home):
    for n in range(12):
        another = Cache(cache.folder, limit=10_000)
        put(another, home, bytes([n]) * 1000)
        another.settle()
    assert cache.info().size <= 10_000


def test_a_damaged_count_is_counted_again(cache, home):
    put(cache, home, b"abc")
    cache.settle()
    (cache.folder / "usage").write_text("nonsense")
    put(cache, home, b"abcd")
    cache.settle()
    assert int((cache.folder / "usage").read_text()) >= 7


def test_cleaning_frees_what_it_says(cache, home):
    for n in range(4):
        put(cache, home, bytes([n]) * 1000)
    assert cache.clean(2500) == 2000
    assert cache.info().size == 2000
    assert cache.clean() == 2000
    assert cache.info().files == 0
    assert Cache(cache.folder / "nowhere").clean() == 0


def test_a_cache_that_cannot_be_written_is_no_error(home, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = Cache(tmp_path / "cache")
    digest = put(cache, home, b"abc")
    cache.settle()
    assert not has(cache, digest, 3)


def test_a_link_in_the_cache_is_not_followed(cache, home):
    digest = put(cache, home, b"abc")
    path = Path(cache._path(digest))
    path.unlink()
    (home / "elsewhere").write_bytes(b"abc")
    path.symlink_to(home / "elsewhere")
    assert not has(cache, digest, 3)
