"""The files of a version as they are opened: found as one types, in sight where it is narrow, paged from the top."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests import factories
from tests.browser import chromium
from tests.web.sample import picture

LINES = "".join(f"line {n} {'x' * 80}\n" for n in range(6000)).encode()
FILES = {f"{n:02}.txt": b"nothing\n" for n in range(60)} | {
    "README.md": b"# With a picture\n\n![logo](s/logo.png)\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n",
    "long.log": LINES,
    "s/logo.png": picture(90),
    "table.csv": b"n,text\n" + b"".join(b"%d,row %d\n" % (n, n) for n in range(170)),
}


@pytest.fixture
def base(sample):
    return factories.log(sample.alice, sample.project, "opened", FILES, type="dataset").get_absolute_url()


def top_of_preview(page) -> float:
    return page.locator("#preview").evaluate("preview => preview.getBoundingClientRect().top")


def expect_in_sight(page) -> None:
    page.wait_for_function(
        "() => { const { top } = document.querySelector('#preview').getBoundingClientRect();"
        " return top >= -1 && top < innerHeight / 2; }"
    )


def test_where_it_is_narrow_an_opened_file_is_in_sight(open_as, sample, base):
    page = open_as(sample.alice, f"{base}/files")
    page.set_viewport_size(chromium.NARROW)
    page.goto(f"{base}/files")
    page.get_by_role("link", name="README.md").click()
    expect(page.get_by_role("heading", name="README.md")).to_be_focused()
    expect_in_sight(page)
    expect(page.get_by_role("link", name="long.log")).to_be_hidden()
    page.locator(".tree summary").click()
    expect(page.get_by_role("link", name="long.log")).to_be_visible()
    page.goto(f"{base}/files/long.log")
    expect(page.get_by_role("link", name="README.md")).to_be_hidden()
    page.set_viewport_size(chromium.WIDE)
    expect(page.get_by_role("link", name="README.md")).to_be_visible()


def test_without_script_a_link_leads_to_the_preview(open_as, sample, base):
    page = open_as(sample.alice, f"{base}/files", java_script_enabled=False)
    page.get_by_role("link", name="59.txt").click()
    expect(page).to_have_url(re.compile(r"59\.txt#preview$"))


def test_the_next_rows_are_shown_from_the_top(open_as, sample, base):
    page = open_as(sample.alice, f"{base}/files/table.csv")
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("Rows 51 to 100 of 170")).to_be_attached()
    expect_in_sight(page)
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_text("Rows 1 to 50 of 170")).to_be_attached()


def test_a_long_text_is_read_page_by_page(open_as, sample, base):
    page = open_as(sample.alice, f"{base}/files/long.log")
    page.get_by_role("link", name="Next").click()
    expect(page).to_have_url(re.compile(r"offset=\d+&line=\d+"))
    text = page.get_by_role("region", name="Text of long.log")
    expect(text).to_contain_text("line 3500 ")
    number = int(page.locator(".line-numbers").inner_text().split("\n")[0])
    assert text.inner_text().startswith(f"line {number - 1} ")
    expect_in_sight(page)


def test_files_are_offered_while_one_types(open_as, sample, base):
    page = open_as(sample.alice, f"{base}/files")
    page.keyboard.press("t")
    page.keyboard.type("LOGO")
    expect(page.get_by_role("option", name="s/logo.png")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="logo.png")).to_be_visible()
    page.get_by_role("combobox", name="Find a file by a part of its path").fill("zzzz")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No file has that in its path")).to_be_visible()
    expect(page.get_by_role("link", name="Download as zip")).to_be_visible()


def test_pictures_of_a_readme_are_drawn(open_as, sample, base):
    page = open_as(sample.alice, f"{base}/files/README.md")
    shown = page.get_by_role("img", name="logo")
    expect(shown).to_be_visible()
    page.wait_for_function("() => document.querySelector('.md-image').naturalWidth === 64")
    assert page.locator("td.md-right").evaluate("cell => getComputedStyle(cell).textAlign") == "right"
