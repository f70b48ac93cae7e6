"""Parquet and PDF, drawn in Chromium from ranges of their bytes; hostile ones end with a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import factories

FILES = Path(__file__).parent / "files"
HOSTILE = {
    "cut.parquet": b"PAR1" + b"x" * 100,
    "long.parquet": b"PAR1" + b"\0" * 1000 + (2**31 - 1).to_bytes(4, "little") + b"PAR1",
    "nothing.parquet": b"PAR1\0\0\0\0PAR1",
    "page.html.parquet": b"PAR1<script>alert(1)</script>" * 10 + b"\x40\0\0\0PAR1",
    "cut.pdf": b"%PDF-1.7\n<script>alert(1)</script>",
}


@pytest.fixture
def logged(sample):
    files = {path.name: path.read_bytes() for path in FILES.iterdir() if path.suffix in (".parquet", ".pdf")}
    return factories.log(sample.alice, sample.project, "documents", files | HOSTILE).get_absolute_url()


def cells(page, column: int):
    return page.locator(f"parquet-view tbody td:nth-child({column})")


@pytest.mark.parametrize("codec", ["snappy", "gzip", "zstd", "brotli", "lz4", "none"])
def test_parquet_is_a_table_in_pages(open_as, sample, logged, codec):
    page = open_as(sample.alice, f"{logged}/files/{codec}.parquet")
    expect(page.get_by_text("Rows 1 to 50 of 120")).to_be_visible()
    expect(cells(page, 3).nth(1)).to_have_text("part 001")
    first = cells(page, 1).nth(1).locator("xpath=..").inner_text().split("\t")
    assert first == ["1", "3.7", "part 001", "2026-01-02", "0.25", '{"x":1,"tags":["<b>bold</b>","1"]}', "2 bytes",
                     "4611686018427387905"]  # fmt: skip
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Rows 51 to 100 of 120")).to_be_visible()
    expect(page).to_have_url(re.compile(r"row=50"))
    page.reload()
    expect(cells(page, 3).first).to_have_text("part 050")


def test_parquet_is_sorted_by_a_column_with_nothing_last(open_as, sample, logged):
    page = open_as(sample.alice, f"{logged}/files/snappy.parquet")
    page.get_by_role("link", name="score").click()
    expect(page.locator("parquet-view th[aria-sort=ascending]")).to_contain_text("score")
    expect(cells(page, 2).first).to_have_text("0")
    page.get_by_role("link", name="score").click()
    expect(cells(page, 2).first).to_have_text("10")
    expect(page.locator("parquet-view th[aria-sort=descending]")).to_contain_text("score")
    page.goto(f"{logged}/files/snappy.parquet?sort=1&row=100")
    expect(cells(page, 2).last).to_have_text("")


def test_many_columns_come_in_pages(open_as, sample, logged):
    page = open_as(sample.alice, f"{logged}/files/wide.parquet")
    expect(page.get_by_text("Columns 1 to 50 of 70")).to_be_visible()
    expect(page.locator("parquet-view th")).to_have_count(50)
    page.get_by_role("link", name="More columns").click()
    expect(page.get_by_text("Columns 51 to 70 of 70")).to_be_visible()
    expect(page.locator("parquet-view th").first).to_contain_text("c50")
    page.get_by_role("link", name="c69").click()
    expect(page.locator("parquet-view th[aria-sort=ascending]")).to_contain_text("c69")
    page.get_by_role("link", name="Columns before").click()
    expect(page.get_by_text("Columns 1 to 50 of 70")).to_be_visible()


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.endswith("parquet")])
def test_what_only_begins_as_parquet_ends_with_a_sentence(open_as, sample, logged, name):
    page = open_as(sample.alice, f"{logged}/files/{name}")
    expect(page.get_by_text(re.compile("cannot be read here|0 rows"))).to_be_visible()


def test_a_pdf_is_drawn_page_by_page_with_its_text(open_as, sample, logged):
    page = open_as(sample.alice, f"{logged}/files/report.pdf")
    expect(page.get_by_text("Page 1 of 3")).to_be_visible()
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_text("Page 2 of 3")).to_be_visible()
    page.get_by_text("Text of this page").click()
    expect(page.get_by_text("Surface inspection, page 2")).to_be_visible()
    expect(page).to_have_url(re.compile(r"page=2"))
    drawn = page.locator("pdf-view canvas").evaluate(
        "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(at => at < 128)"
    )
    assert drawn
    page.reload()
    expect(page.get_by_text("Page 2 of 3")).to_be_visible()


def test_what_only_begins_as_a_pdf_ends_with_a_sentence(open_as, sample, logged):
    page = open_as(sample.alice, f"{logged}/files/cut.pdf")
    expect(page.get_by_text("It begins as a PDF, but cannot be shown here.")).to_be_visible()


@pytest.mark.parametrize("name", ["snappy.parquet", "report.pdf"])
def test_without_script_they_say_what_they_are(open_as, sample, logged, name):
    page = open_as(sample.alice, f"{logged}/files/{name}", java_script_enabled=False)
    expect(page.get_by_text("in the browser, by a script")).to_be_visible()
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()


def test_they_open_from_the_tree_as_other_files_do(open_as, sample, logged):
    page = open_as(sample.alice, f"{logged}/files")
    page.get_by_role("link", name="gzip.parquet").click()
    expect(page.get_by_text("Rows 1 to 50 of 120")).to_be_visible()
    page.get_by_role("link", name="report.pdf").click()
    expect(page.get_by_text("Page 1 of 3")).to_be_visible()
