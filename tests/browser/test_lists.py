"""The table of versions by hand in Chromium: searched, ticked, compared, changed; with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def here(sample) -> str:
    return sample.newest.collection.get_absolute_url()


def tick(page: Page, *numbers: int) -> None:
    for number in numbers:
        page.get_by_label(f"Select v{number}", exact=True).check()


def test_two_ticked_versions_are_compared(open_as, sample, here):
    page = open_as(sample.alice, here)
    bar = page.get_by_role("region", name="Selection")
    expect(bar).to_be_hidden()
    tick(page, 2)
    expect(bar).to_contain_text("1 selected")
    expect(bar.get_by_role("button", name="Compare")).to_be_hidden()
    expect(bar.get_by_role("button", name="Alias…")).to_be_visible()
    tick(page, 0)
    expect(bar.get_by_role("button", name="Alias…")).to_be_hidden()
    bar.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", name="Compare versions")).to_be_visible()
    expect(page.get_by_label("From", exact=True)).to_have_value("resnet50-defects:v0")
    page.get_by_role("link", name="Swap sides").click()
    expect(page.get_by_label("From", exact=True)).to_have_value("resnet50-defects:v2")


def test_what_is_ticked_stands_in_the_address_and_stays_on_reload_and_on_the_way_back(open_as, sample, here):
    page = open_as(sample.alice, f"{here}?order=version")
    bar = page.get_by_role("region", name="Selection")
    tick(page, 2, 0)
    expect(page).to_have_url(re.compile(r"\?order=version&v=0&v=2$"))
    page.reload()
    expect(bar).to_contain_text("2 selected")
    page.get_by_role("link", name="v1", exact=True).click()
    page.go_back()
    expect(page.get_by_label("Select v2", exact=True)).to_be_checked()
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Clear selection").click()
    expect(bar).to_be_hidden()
    expect(page).to_have_url(re.compile(r"\?order=version$"))


def test_many_are_tagged_in_the_dialog_and_a_mistake_stays_there(open_as, sample, here):
    page = open_as(sample.alice, here)
    page.get_by_label("Select all versions on this page").check()
    page.get_by_role("button", name="Tag…").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_contain_text("Tags of v2, v1 and v0")
    dialog.get_by_label("Add tags").fill("no/slash")
    dialog.get_by_role("button", name="Change tags").click()
    expect(dialog.locator(".error")).to_contain_text("no/slash")
    dialog.get_by_label("Add tags").fill("night shift")
    dialog.get_by_role("button", name="Change tags").click()
    expect(page.locator(".toast-line")).to_contain_text("The tags of v2, v1 and v0 are changed.")
    expect(page.locator("#listing .tag", has_text="night shift")).to_have_count(3)


def test_many_are_deleted_and_come_back_by_undo(open_as, sample, here):
    page = open_as(sample.alice, here)
    tick(page, 0, 1)
    page.get_by_role("button", name="Delete…").click()
    dialog = page.locator("#dialog")
    dialog.get_by_label("Delete the alias, too").check()
    dialog.get_by_role("button", name="Delete v1 and v0").click()
    expect(page.locator("#listing a.version")).to_have_text(["v2"])
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#listing a.version")).to_have_text(["v2", "v1", "v0"])
    expect(page.locator("#listing")).to_contain_text("paper-2026")


def test_a_search_completes_narrows_and_stays_in_the_address(open_as, sample, here):
    page = open_as(sample.alice, here)
    field = page.get_by_label("Search versions")
    field.press_sequentially("metadata.val/f")
    options = page.get_by_role("option")
    expect(options).to_have_count(1)
    field.press("ArrowDown")
    field.press("Enter")
    expect(field).to_have_value("metadata.val/f1")
    field.press_sequentially(">0.9")
    expect(page.locator("#listing a.version")).to_have_text(["v2", "v1"])
    expect(page).to_have_url(re.compile(r"q=metadata\.val%2Ff1%3E0\.9"))
    expect(page.locator(".filter")).to_contain_text("above 0.9")
    page.reload()
    expect(page.locator("#listing a.version")).to_have_text(["v2", "v1"])
    page.get_by_role("link", name="Remove filter val/f1").click()
    expect(page.locator("#listing a.version")).to_have_count(3)


def test_the_jump_box_leads_to_what_is_chosen_by_keyboard(open_as, sample, here):
    page = open_as(sample.alice, "/")
    page.keyboard.press("/")
    page.keyboard.type(sample.newest.collection.name[:6])
    option = page.get_by_role("option", name=sample.newest.collection.name)
    expect(option).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{sample.newest.collection.get_absolute_url()}$"))


def test_a_search_that_is_none_says_where_as_one_types(open_as, sample, here):
    page = open_as(sample.alice, here)
    page.get_by_label("Search versions").press_sequentially("sizee>3")
    expect(page.get_by_role("alert")).to_contain_text("at character 1")


def test_columns_are_chosen_from_the_menu(open_as, sample, here):
    page = open_as(sample.alice, here)
    page.locator("summary", has_text="Columns").click()
    page.get_by_label("train.epochs").check()
    expect(page.locator("#listing thead")).to_contain_text("train.epochs")
    expect(page).to_have_url(re.compile(r"column=train\.epochs"))


def test_rows_are_walked_and_ticked_by_keys(open_as, sample, here):
    page = open_as(sample.alice, here)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_role("region", name="Selection")).to_contain_text("v2 v1")
    page.keyboard.press("c")
    expect(page.get_by_label("To", exact=True)).to_have_value("resnet50-defects:v2")


def test_without_script_all_of_it_works(open_as, sample, here):
    page = open_as(sample.alice, here, java_script_enabled=False)
    tick(page, 0, 1)
    page.get_by_role("button", name="Set TTL…").click()
    page.get_by_label("Days", exact=True).fill("14")
    page.get_by_label("After").check()
    page.get_by_role("button", name="Set time to live").click()
    expect(page.locator("#listing")).to_contain_text("14 days left set here")
    page.get_by_label("Search versions").fill("tag:fp16")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#listing a.version")).to_have_text(["v0"])
