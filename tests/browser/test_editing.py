"""The main acts of the pages, by hand in Chromium: with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def ends(path: str) -> re.Pattern[str]:
    return re.compile(f"{re.escape(path)}$")


def test_signing_in_leads_to_where_one_was_going(open_as, sample):
    sample.alice.set_password("correct horse battery")
    sample.alice.save(update_fields=["password"])
    page = open_as(None, sample.newest.get_absolute_url())
    expect(page.get_by_role("heading", name="Sign in to Strongroom")).to_be_visible()
    page.get_by_label("User name").fill(sample.alice.username)
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(ends(sample.newest.get_absolute_url()))


def test_an_alias_warns_before_it_moves_and_then_moves(open_as, sample):
    page = open_as(sample.alice, sample.newest.get_absolute_url())
    page.get_by_role("link", name="Edit aliases and tags").first.click()
    field = page.get_by_label("New alias")
    expect(field).to_be_focused()
    field.press_sequentially("paper-2026")
    expect(page.locator("#alias-hint")).to_contain_text("is held by v0. Adding it here moves it.")
    field.press("Enter")
    expect(page.locator("#marks")).to_contain_text("paper-2026")
    assert {alias.name for alias in sample.newest.aliases.all()} == {"best", "latest", "paper-2026"}
    assert not sample.versions[0].aliases.exists()
    page.get_by_role("button", name="Remove alias paper-2026").click()
    expect(page.locator("#marks")).not_to_contain_text("paper-2026")
    page.get_by_role("link", name="Done").click()
    expect(page.get_by_role("link", name="Edit aliases and tags").first).to_be_focused()


def test_a_wrong_tag_is_told_beside_the_field_and_stays_typed(open_as, sample):
    page = open_as(sample.alice, sample.newest.get_absolute_url())
    page.get_by_role("link", name="Edit aliases and tags").first.click()
    page.get_by_label("New tag").fill("no/slash")
    page.get_by_role("button", name="Add tag").click()
    expect(page.locator("#tag-error")).to_be_visible()
    expect(page.get_by_label("New tag")).to_have_value("no/slash")
    expect(page.get_by_label("New tag")).to_be_focused()


def test_time_to_live_is_set_in_place(open_as, sample):
    page = open_as(sample.alice, sample.newest.get_absolute_url())
    page.get_by_role("link", name="Edit time to live").click()
    page.get_by_label("Days", exact=True).fill("14")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#ttl-box")).to_contain_text("14 days left set here")


def test_the_card_previews_as_one_types_and_is_saved(open_as, sample):
    page = open_as(sample.alice, sample.newest.get_absolute_url())
    page.keyboard.press("e")
    page.get_by_label("Card").fill("# Fresh\n\nFrom **here** on.")
    expect(page.locator("#preview h2")).to_have_text("Fresh")
    page.get_by_role("button", name="Save card").click()
    expect(page.locator(".md strong")).to_have_text("here")


def test_deleting_names_the_aliases_and_undo_brings_them_back(open_as, sample):
    page = open_as(sample.alice, sample.newest.get_absolute_url())
    page.locator("summary[aria-label='More actions']").click()
    page.get_by_role("link", name="Delete…").click()
    dialog = page.locator("#dialog")
    expect(dialog).to_be_visible()
    expect(dialog).to_contain_text("best")
    dialog.get_by_role("button", name="and its aliases").click()
    expect(page.locator("#delete-error")).to_contain_text("best")
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="and its aliases").click()
    expect(page.locator("#toasts")).to_contain_text("is in the trash.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("is back with best, latest.")


def test_a_dialog_closes_with_escape_and_focus_goes_back(open_as, sample):
    page = open_as(sample.alice, "/api-keys")
    page.get_by_role("link", name="Revoke…").click()
    expect(page.locator("#dialog")).to_be_visible()
    expect(page.locator("#dialog [data-close]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.get_by_role("link", name="Revoke…")).to_be_focused()


def test_searching_versions_swaps_the_table_and_keeps_the_address(open_as, sample):
    page = open_as(sample.alice, sample.newest.collection.get_absolute_url())
    page.get_by_label("Search versions").press_sequentially("paper")
    expect(page.locator("#listing tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("[?&]q=paper"))


def test_files_open_in_place_and_the_tree_goes_deeper(open_as, sample):
    page = open_as(sample.alice, sample.dataset.get_absolute_url() + "/files")
    page.get_by_role("link", name="labels.csv").click()
    expect(page.locator("#preview")).to_contain_text("images/line1/l1_0000.png")
    expect(page.locator(".tree [aria-current]")).to_have_text(re.compile("labels.csv"))
    expect(page.locator("#preview h2")).to_be_focused()
    page.get_by_role("link", name="images").click()
    page.get_by_role("link", name="line4").click()
    page.get_by_role("link", name="l4_0001.png").click()
    expect(page.locator("#preview img")).to_be_visible()
    shown = page.locator("#preview img").evaluate("image => image.decode().then(() => image.naturalWidth)")
    assert shown == 64


def test_a_file_that_pretends_to_be_a_picture_runs_nothing(open_as, sample):
    page = open_as(sample.alice, sample.dataset.get_absolute_url() + "/files/pretends.png")
    opened = []
    page.on("dialog", lambda dialog: opened.append(dialog.message))
    expect(page.locator("#preview")).to_contain_text("<script>alert(1)</script>")
    assert opened == []


def test_copying_and_the_theme_work(open_as, sample):
    page = open_as(
        sample.alice, sample.newest.get_absolute_url(), permissions=["clipboard-read", "clipboard-write"]
    )
    page.get_by_role("button", name="Copy digest").click()
    expect(page.locator("#said")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == sample.newest.version.digest
    page.get_by_role("button", name="Switch to dark theme").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_keys_jump_to_the_search_box_and_list_themselves(open_as, sample):
    page = open_as(sample.alice, "/")
    page.keyboard.press("/")
    expect(page.get_by_label("Search or jump to")).to_be_focused()
    page.get_by_label("Search or jump to").fill(sample.newest.qualified_name)
    page.keyboard.press("Enter")
    expect(page).to_have_url(ends(sample.newest.get_absolute_url()))
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keys")).to_be_visible()


def test_the_navigation_opens_on_a_narrow_screen(open_as, sample):
    page = open_as(sample.alice, "/")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#sidebar")).to_be_hidden()
    page.get_by_role("button", name="Open navigation").click()
    expect(page.locator("#sidebar")).to_be_visible()


def test_every_edit_works_without_script(open_as, sample):
    page = open_as(sample.alice, sample.newest.get_absolute_url(), java_script_enabled=False)
    page.get_by_role("link", name="Edit aliases and tags").first.click()
    page.get_by_label("New alias").fill("candidate")
    page.get_by_role("button", name="Add alias").click()
    page.get_by_label("New tag").fill("checked twice")
    page.get_by_role("button", name="Add tag").click()
    page.get_by_role("link", name="Done").click()
    expect(page.locator("#marks")).to_contain_text("candidate")
    expect(page.locator("#marks")).to_contain_text("checked twice")
    page.get_by_role("link", name="Edit time to live").click()
    page.get_by_label("Never", exact=True).check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#ttl-box")).to_contain_text("Never")
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Card").fill("Plain **words**.")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview strong")).to_have_text("words")
    page.get_by_role("button", name="Save card").click()
    expect(page.locator(".md strong")).to_have_text("words")


def test_deleting_and_restoring_work_without_script(open_as, sample):
    page = open_as(sample.alice, sample.newest.get_absolute_url(), java_script_enabled=False)
    page.locator("summary[aria-label='More actions']").click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="and its aliases").click()
    expect(page.locator("#toasts")).to_contain_text("is in the trash.")
    page.goto(sample.project.get_absolute_url() + "/trash")
    page.get_by_role("row", name=sample.newest.name).get_by_role("button", name="Restore").click()
    expect(page.locator("#toasts")).to_contain_text("is back with best, latest.")


@pytest.mark.parametrize("script", [True, False])
def test_metadata_is_edited_row_by_row(open_as, sample, script):
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/metadata", java_script_enabled=script)
    page.get_by_role("link", name="Edit", exact=True).click()
    before = page.locator("table.meta-rows tbody tr").count()
    page.get_by_role("button", name="Add a row").click()
    expect(page.locator("table.meta-rows tbody tr")).to_have_count(before + 1)
    page.get_by_label("Key of row 1", exact=True).fill("noted.by")
    page.get_by_label("Kind of row 1", exact=True).select_option("text")
    page.get_by_label("Value of row 1", exact=True).fill("the night shift")
    page.get_by_role("button", name="Remove row 2", exact=True).click()
    expect(page.locator("table.meta-rows tbody tr")).to_have_count(before)
    page.get_by_role("button", name="Save metadata").last.click()
    expect(page.locator(".meta-tree").first).to_contain_text("the night shift")
