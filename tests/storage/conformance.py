"""What every storage of blobs must do, whichever it is: subclass and give it a `backend` fixture."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from registry.storage.durable import incoming_file
from tests.storage.helpers import Trickle

NAME = "packs/ab/abcdef0123456789"
MIB = 1024 * 1024


def finished_file(data: bytes):
    """Return a temporary file as a writer leaves it: whole and synced."""
    with incoming_file() as file:
        file.write(data)
        file.sync()
        kept = file.path.with_suffix(".kept")
        file.path.rename(kept)
    return kept


class BackendConformance:
    """Objects by name: written once, whole, read in ranges."""

    @pytest.mark.parametrize("data", [b"", b"x", b"0123456789" * 1000], ids=["empty", "one byte", "many"])
    def test_what_was_put_is_read_back(self, backend, data):
        assert backend.put(NAME, io.BytesIO(data)) == len(data)
        with backend.open(NAME) as opened:
            assert opened.read() == data
            assert opened.read() == b""

    def test_a_stream_that_gives_little_at_a_time_is_stored_whole(self, backend):
        data = bytes(range(256)) * 5000
        backend.put(NAME, Trickle(data, 1000))
        with backend.open(NAME) as opened:
            assert opened.read() == data

    def test_an_object_larger_than_a_piece_is_stored_whole(self, backend):
        data = b"strongroom" * (MIB // 4)
        backend.put(NAME, io.BytesIO(data))
        assert backend.size(NAME) == len(data)
        with backend.open(NAME, len(data) - 5) as opened:
            assert opened.read() == data[-5:]

    def test_adopting_a_file_makes_it_an_object(self, backend):
        path = finished_file(b"some bytes")
        backend.adopt(path, NAME)
        assert not path.exists()
        with backend.open(NAME) as opened:
            assert opened.read() == b"some bytes"

    def test_a_file_adopted_to_be_kept_stays(self, backend):
        path = finished_file(b"some bytes")
        backend.adopt(path, NAME, keep=True)
        assert path.read_bytes() == b"some bytes"
        path.unlink()
        with backend.open(NAME) as opened:
            assert opened.read() == b"some bytes"

    @pytest.mark.parametrize("keep", [False, True])
    def test_adopting_under_a_name_that_exists_replaces_it(self, backend, keep):
        backend.put(NAME, io.BytesIO(b"a first try that was cut short"))
        backend.adopt(finished_file(b"the second"), NAME, keep=keep)
        assert backend.size(NAME) == len(b"the second")

    @pytest.mark.parametrize(
        ("offset", "length", "expected"),
        [
            (0, 4, b"0123"),
            (3, 4, b"3456"),
            (8, None, b"89"),
            (10, None, b""),
            (4, 0, b""),
            (8, 100, b"89"),
            (50, 5, b""),
        ],
    )
    def test_ranges_are_cut_as_asked(self, backend, offset, length, expected):
        backend.put(NAME, io.BytesIO(b"0123456789"))
        with backend.open(NAME, offset, length) as opened:
            assert opened.length == len(expected)
            assert opened.read() == expected

    def test_a_range_is_read_in_pieces_and_ends_at_its_end(self, backend):
        backend.put(NAME, io.BytesIO(b"0123456789"))
        with backend.open(NAME, 2, 6) as opened:
            assert [opened.read(4), opened.read(4), opened.read(4)] == [b"2345", b"67", b""]

    def test_names_are_kept_and_never_altered_by_a_collision(self, backend):
        backend.put(NAME, io.BytesIO(b"one"))
        backend.put(NAME, io.BytesIO(b"two"))
        with backend.open(NAME) as opened:
            assert opened.read() == b"two"

    def test_objects_do_not_disturb_each_other(self, backend):
        for number in range(5):
            backend.put(f"packs/ab/{number}", io.BytesIO(str(number).encode()))
        backend.delete("packs/ab/3")
        assert [backend.exists(f"packs/ab/{number}") for number in range(5)] == [
            True,
            True,
            True,
            False,
            True,
        ]

    def test_a_missing_object_is_file_not_found(self, backend):
        assert not backend.exists(NAME)
        with pytest.raises(FileNotFoundError):
            backend.open(NAME)
        with pytest.raises(FileNotFoundError):
            backend.size(NAME)

    def test_deleting_twice_is_no_error(self, backend):
        backend.put(NAME, io.BytesIO(b"x"))
        backend.delete(NAME)
        backend.delete(NAME)
        assert not backend.exists(NAME)

    def test_a_local_path_if_any_holds_the_bytes(self, backend):
        backend.put(NAME, io.BytesIO(b"bytes"))
        path = backend.local_path(NAME)
        assert path is None or path.read_bytes() == b"bytes"

    def test_a_stream_that_fails_leaves_no_object(self, backend):
        class Broken(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise RuntimeError("the sender's fault")

        with pytest.raises(RuntimeError):
            backend.put(NAME, Broken())
        assert not backend.exists(NAME)

    def test_all_objects_are_listed_with_size_and_age(self, backend):
        assert list(backend.walk()) == []
        before = datetime.now(UTC) - timedelta(seconds=2)
        for number in range(3):
            backend.put(f"packs/a{number}/{number}", io.BytesIO(b"x" * number))
        backend.put("large/ff/other", io.BytesIO(b"four"))
        backend.delete("packs/a1/1")
        found = {listed.name: listed for listed in backend.walk()}
        sizes = {name: listed.size for name, listed in found.items()}
        assert sizes == {"packs/a0/0": 0, "packs/a2/2": 2, "large/ff/other": 4}
        assert all(before <= listed.modified <= datetime.now(UTC) for listed in found.values())
