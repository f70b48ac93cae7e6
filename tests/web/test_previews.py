"""Previews by kind: tables from any place in a file, bytes, sound and films, code; each reads only what it shows."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.http import colouring
from registry.web.previews import code, dump, looking, media, pages, tables
from registry.web.previews.tables import Asked
from tests import factories

VALUES = st.text(alphabet='ab,"\n\r é\u20281', max_size=8)


class Blobs:
    """Stands for a blob: bytes in memory, and a count of what was read of them."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.taken = data, len(data), 0


@pytest.fixture(autouse=True)
def _in_memory(monkeypatch):
    def read(blob: Blobs, start: int, length: int) -> bytes:
        blob.taken += max(0, min(length, blob.size - start))
        return blob.data[start : start + length]

    for module in (tables, dump, looking, media, pages):
        monkeypatch.setattr(module, "read", read)


def written(rows: list[list[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def all_rows(blob: Blobs) -> list[list[str]]:
    found, start = [], 0
    for _ in range(1000):
        page = tables.table("a.csv", blob, Asked(start))
        assert page is not None
        found += page.rows
        if page.after is None:
            return found
        assert page.after > start
        start = page.after
    raise AssertionError("it never ends")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VALUES, min_size=2, max_size=3), max_size=130), st.booleans())
def test_pages_of_a_table_are_all_of_its_rows(rows, mark):
    rows = [row for row in rows if any(row)]
    blob = Blobs((b"\xef\xbb\xbf" if mark else b"") + b"x,y\n" + written(rows))
    whole = list(csv.reader(io.StringIO(written(rows).decode(), newline="")))
    assert all_rows(blob) == [row for row in whole if row]


def test_a_table_larger_than_what_is_read_at_once_pages_through(monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 4096)
    rows = [[str(n), f'line "{n}"\nof two', "ü" * (n % 40)] for n in range(900)]
    blob = Blobs(b"n,text,u\n" + written(rows))
    assert all_rows(blob) == rows


def test_one_page_of_a_huge_table_reads_little():
    blob = Blobs(b"a,b\n" + b"1,2\n" * 2_000_000)
    page = tables.table("a.csv", blob, Asked(4_000_000))
    assert page is not None
    assert len(page.rows) == tables.ROWS
    assert not page.sortable
    assert blob.taken <= 2 * tables.CHUNK + 2 * tables.BACK + 4


def test_a_small_table_is_sorted_numbers_before_texts():
    blob = Blobs(b"name,f1\na,10\nb,9\nc,\nd,x\ne,-1.5\nf,nan\n")
    up = tables.table("t.csv", blob, Asked(0, 1))
    down = tables.table("t.csv", blob, Asked(0, 1, descending=True))
    assert up is not None
    assert down is not None
    assert [row[0] for row in up.rows] == ["e", "b", "a", "c", "f", "d"]
    assert [row[0] for row in down.rows] == ["d", "f", "c", "a", "b", "e"]


@pytest.mark.parametrize(
    "data",
    [
        b"one column\n1\n2\n", b"a,b\n\xff\x01\n", b'a,b\n"' + b"x" * 400_000, b"x" * 400_000, b"\n\n\n",
        b'a,b\n"' + b"y" * 200_000 + b'",1\n',
    ],
    ids=["one column", "no text", "a quote that never ends", "one line", "blank", "a field too long"],
)  # fmt: skip
def test_what_is_no_table_is_shown_as_something_else(data):
    assert tables.table("a.csv", Blobs(data), Asked()) is None


def test_of_a_million_columns_some_are_shown():
    blob = Blobs(b",".join(b"c" for _ in range(100_000)) + b"\n" + b"1," * 9999 + b"1\n")
    page = tables.table("a.csv", blob, Asked())
    assert page is not None
    assert len(page.columns) == tables.COLUMNS
    assert (page.width, page.columns_before, page.columns_after) == (100_000, None, tables.COLUMNS)


def test_columns_are_paged_and_odd_places_lie_on_a_page():
    names = [f"c{at}" for at in range(120)]
    blob = Blobs(written([names, [str(at) for at in range(120)]]))
    for first, shown in ((0, 0), (50, 50), (57, 50), (100, 100), (10**17, 100)):
        page = tables.table("a.csv", blob, Asked(first=first))
        assert page is not None
        assert page.columns[0].name == f"c{shown}"
        assert page.rows[0][0] == str(shown)
        assert page.columns_before == (max(0, shown - 50) if shown else None)
    assert page.last_column == 120
    assert page.columns_after is None


def test_which_columns_are_numbers_is_found_once(monkeypatch):
    asked = []
    monkeypatch.setattr(tables, "_is_number", lambda text: asked.append(text) or True)
    page = tables.table("a.csv", Blobs(written([["c"] * 50] + [["1"] * 50] * 50)), Asked())
    assert page is not None
    assert len(page.cells) == 50
    assert all(cells.count('class="num"') == 50 for cells in page.cells)
    assert len(asked) <= 2500


def test_cells_are_escaped():
    page = tables.table("a.csv", Blobs(b'a,b\n<b>,"1&2"\n'), Asked())
    assert page is not None
    assert page.cells == ["<td>&lt;b&gt;</td><td>1&amp;2</td>"]


def walked(blob: Blobs) -> list[tables.Table]:
    """Go from page to page as a reader does, by the links."""
    found, asked = [], Asked()
    while True:
        page = tables.table("a.csv", blob, asked)
        assert page is not None
        found.append(page)
        if page.next is None:
            return found
        assert (page.next.row or 0) > asked.start
        asked = Asked(page.next.row or 0, number=page.next.number)


@pytest.mark.parametrize("many", [120, 20_000], ids=["read whole", "read in parts"])
def test_pages_of_rows_are_numbered_and_lead_back(many):
    blob = Blobs(b"n,text,more\n" + written([[str(n), f'a "{n}"\nb', "ü" * (n % 9)] for n in range(many)]))
    found = walked(blob)
    assert [page.place.number for page in found] == list(range(0, many, 50))
    assert found[-1].place.total == found[-1].last == many
    assert found[0].place.total == (many if blob.size <= tables.CHUNK else None)
    assert found[0].place.back is None
    for page, before in zip(found[1:], found, strict=False):
        back = page.place.back
        assert back is not None
        again = tables.table("a.csv", blob, Asked(back.row or 0, number=back.number))
        assert again is not None
        assert (again.rows, again.place.number) == (before.rows, before.place.number)


def test_a_number_that_cannot_be_is_not_shown():
    page = tables.table("a.csv", Blobs(b"a,b\n" + b"1,2\n" * 200_000), Asked(400_000, number=500_000))
    assert page is not None
    assert page.last is None


def test_sorted_pages_are_numbered_and_lead_back():
    blob = Blobs(b"a,b\n" + b"".join(b"%d,x\n" % n for n in range(130)))
    page = tables.table("a.csv", blob, Asked(100, 0, descending=True))
    assert page is not None
    assert (page.place.number, page.last, page.place.total) == (100, 130, 130)
    assert page.place.back == tables.Step(50)
    assert page.rows[0] == ["29", "x"]


LINES = st.lists(st.text(alphabet="aü€𝄞 \t", max_size=30), max_size=60).map("\n".join)


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(20, 200))
def test_pages_of_a_text_are_all_of_it_in_whole_lines(text, room):
    blob = Blobs(text.encode() or b"x")
    with pytest.MonkeyPatch.context() as patch:
        # A line is looked for in less than a page, as in the product.
        patch.setattr(pages, "TEXT_LIMIT", room)
        patch.setattr(pages, "_LINE", room // 2)
        page = pages.page(blob, pages.Asked())  # type: ignore[arg-type]  # stands for a blob
        texts, found = [page.text], [page]
        while page.next is not None:
            assert (page.next.offset or 0) > page.start
            page = pages.page(blob, pages.Asked(page.next.offset or 0, page.next.line))  # type: ignore[arg-type]  # stands for a blob
            texts.append(page.text)
            found.append(page)
        assert "".join(texts) == (text or "x")
        for page in found:
            assert page.line == blob.data[: page.start].count(b"\n") + 1
            if page.back is not None and page.back.offset:
                again = pages.page(blob, pages.Asked(page.back.offset, page.back.line))  # type: ignore[arg-type]  # stands for a blob
                assert again.start < page.start
                assert again.end >= page.start
                assert again.line == blob.data[: again.start].count(b"\n") + 1


@settings(deadline=None)
@given(LINES, st.integers(0, 10**18))
def test_a_text_is_shown_from_any_byte(text, offset):
    page = pages.page(Blobs(text.encode() or b"x"), pages.Asked(offset, offset))  # type: ignore[arg-type]  # stands for a blob
    assert "\ufffd" not in page.text
    assert page.text in (text or "x")


def test_a_long_text_is_paged_with_the_numbers_of_its_lines():
    blob = Blobs(b"".join(b"line %d\n" % n for n in range(100_000)))
    first = looking._of_blob("a.log", blob, looking.Asked())  # type: ignore[arg-type]  # stands for a blob
    assert first.numbers == ""  # more than anybody counts
    blob = Blobs(b"".join(b"line %d %s\n" % (n, b"x" * 90) for n in range(9000)))
    first = looking._of_blob("a.log", blob, looking.Asked())  # type: ignore[arg-type]  # stands for a blob
    assert first.text.endswith("x\n")
    assert first.numbers.startswith("1\n2\n")
    step = first.data.next
    second = looking._of_blob("a.log", blob, looking.Asked(step.offset, step.line))  # type: ignore[arg-type]  # stands for a blob
    assert second.text.startswith(f"line {step.line - 1} ")
    assert second.numbers.startswith(f"{step.line}\n")
    assert second.said == f"Only 256 kB were read, from byte {step.offset:,} on."
    unknown = looking._of_blob("a.log", blob, looking.Asked(step.offset))  # type: ignore[arg-type]  # stands for a blob
    assert unknown.numbers == ""


@given(st.binary(min_size=1, max_size=5000), st.integers(0, 10**18))
def test_bytes_are_shown_from_any_place_and_page_on(data, offset):
    found = dump.dump(Blobs(data), offset)  # type: ignore[arg-type]  # stands for a blob
    assert found.start % dump.LINE == 0
    assert found.start < found.end <= len(data)
    assert (
        bytes.fromhex("".join(line.hex for line in found.lines).replace(" ", ""))
        == data[found.start : found.end]
    )
    assert (found.after is None) == (found.end == len(data))
    assert (found.before is None) == (found.start == 0)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
        (b"RIFF\x10\0\0\0AVI LIST", None),
        (b"\0\0\0\x20ftypisom", "video/mp4"),
        (b"\0\0\0\x20ftypM4A ", "audio/mp4"),
        (b"\0\0\0\x20ftypqt  ", None),
        (b"ID3\x04", "audio/mpeg"),
        (b"<svg xmlns=", None),
        (b"<html>", None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_kinds_are_known_by_their_first_bytes(head, kind):
    assert media.media_type(Blobs(head + b"\0" * 32)) == kind  # type: ignore[arg-type]  # stands for a blob


def test_code_is_coloured_and_escaped():
    shown = code.coloured("train.py", "import os  # <script>\n")
    assert shown is not None
    assert '<span class="kn">import</span>' in shown
    assert "&lt;script&gt;" in shown
    assert code.coloured("train.txt", "import os") is None
    assert code.coloured("long.py", "x = 1\n" * (colouring.LIMIT // 6 + 1)) is None
    assert code.coloured("wide.py", "x" * 3000) is None


@pytest.mark.parametrize(
    "text", ["[" * 5000, '{"a":1,"a":2}', "{", "1", '"x"', "[]", "[" + "1," * 3000 + "1]"]
)
def test_json_that_is_no_tree_is_text(text):
    assert looking._of_blob("a.json", Blobs(text.encode()), looking.Asked()).kind == "text"  # type: ignore[arg-type]  # stands for a blob


@pytest.mark.django_db
def test_pages_show_each_kind(as_user, people, monkeypatch):
    monkeypatch.undo()
    place = factories.project(people)
    wav = b"RIFF\x24\0\0\0WAVEfmt " + b"\0" * 40
    files = {
        "a.csv": b"name,f1\n<b>,1\n" + b"x,2\n" * 80, "b.py": b"import os\n", "c.json": b'{"k": {"n": [1, 2]}}',
        "d.bin": bytes(range(256)) * 20, "e.wav": wav, "f.mp4": b"\0\0\0\x20ftypisom" + b"\0" * 40,
    }  # fmt: skip
    base = factories.log(people.alice, place, "kinds", files, type="dataset").get_absolute_url()
    client = as_user(people.alice)

    def shown(path: str) -> str:
        return client.get(f"{base}/files/{path}").content.decode()

    assert "&lt;b&gt;" in shown("a.csv")
    assert 'class="num"' in shown("a.csv")
    assert "Rows 1 to 50 of 81" in shown("a.csv")
    assert "row=" in shown("a.csv")
    assert "Rows 51 to 81 of 81, sorted" in shown("a.csv?sort=1&row=50")
    assert "In the order of the file" not in shown("a.csv?sort=1&row=50")
    assert 'aria-sort="descending"' in shown("a.csv?sort=-1")
    assert 'class="kn"' in shown("b.py")
    assert "<summary>" in shown("c.json")
    assert "00000800" in shown("d.bin?offset=2050")
    assert "<audio" in shown("e.wav")
    assert "<video" in shown("f.mp4")
    assert client.get(f"{base}/media/e.wav")["Content-Type"] == "audio/wav"
    assert client.get(f"{base}/media/e.wav", headers={"Range": "bytes=0-3"}).status_code == 206
    assert client.get(f"{base}/media/b.py").status_code == 404
    for odd in (
        "sort=x",
        "sort=-",
        "row=-1",
        "row=9" * 9,
        "sort=99",
        "offset=1e5",
        "row=7",
        "n=x",
        "cols=9999",
    ):
        assert client.get(f"{base}/files/a.csv?{odd}").status_code == 200
