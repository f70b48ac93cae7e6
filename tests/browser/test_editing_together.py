"""Two people at once, the way back, metadata as rows, and what happened: in Chromium, with script and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from registry.models import Version
from registry.services import aliases, tags, versions
from tests import factories
from tests.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


@pytest.fixture
def bob(sample):
    return factories.actor(sample.people.bob)


@SCRIPT
def test_the_card_of_two_people_is_told_and_both_are_shown(open_as, sample, bob, script):
    page = open_as(
        sample.alice,
        f"{sample.newest.get_absolute_url()}/edit/card",
        java_script_enabled=script,
        refused=(409,),
    )
    page.get_by_label("Card").fill("What I *wrote*.")
    versions.edit(bob, membership=sample.newest, description="What **they** wrote.")
    page.get_by_role("button", name="Save card").click()
    expect(page.locator("#id_description-error")).to_contain_text("Somebody else changed the card meanwhile")
    expect(page.get_by_label("Card", exact=True)).to_have_value("What I *wrote*.")
    expect(page.locator("pre.theirs")).to_have_text("What **they** wrote.")
    assert not script or chromium.axe(page) == []
    page.get_by_role("button", name="Save card").click()
    expect(page.locator(".md em")).to_have_text("wrote")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".md strong")).to_have_text("they")


@SCRIPT
def test_the_time_to_live_of_two_people_is_told_in_place(open_as, sample, bob, script):
    path = sample.newest.get_absolute_url()
    page = open_as(sample.alice, path, java_script_enabled=script, refused=(409,))
    page.get_by_role("link", name="Edit time to live").click()
    page.get_by_role("radio", name=re.compile("^After")).check()
    page.get_by_label("Days", exact=True).fill("14")
    versions.edit(bob, membership=sample.newest, ttl=7 * 86400)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#days-error")).to_contain_text("it is 7 days now")
    expect(page.get_by_label("Days", exact=True)).to_have_value("14")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#ttl-box")).to_contain_text("14 days left set here")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#ttl-box")).to_contain_text(re.compile("[67] days left set here"))


def test_an_alias_that_moved_while_one_typed_is_told_and_not_taken(open_as, sample, bob):
    page = open_as(sample.alice, sample.newest.get_absolute_url(), refused=(409,))
    page.get_by_role("link", name="Edit aliases and tags").first.click()
    field = page.get_by_label("New alias")
    field.press_sequentially("paper-2026")
    expect(page.locator("#alias-hint")).to_contain_text("is held by v0")
    aliases.move(bob, membership=sample.versions[1], name="paper-2026")
    field.press("Enter")
    expect(page.locator("#alias-error")).to_contain_text("was at v0 when you looked, and v1 holds it by now")
    expect(page.locator("#alias-hint")).to_contain_text("is held by v1")
    expect(page.get_by_label("New alias")).to_have_value("paper-2026")
    page.get_by_role("button", name="Add alias").click()
    expect(page.locator("#toasts")).to_contain_text("v1 held it until now.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("That is taken back.")
    assert list(sample.versions[1].aliases.values_list("name", flat=True)) == ["paper-2026"]


@SCRIPT
def test_adding_and_removing_names_is_taken_back(open_as, sample, bob, script):
    tags.add(bob, membership=sample.newest, name="checked")
    path = sample.newest.get_absolute_url()
    page = open_as(sample.alice, path, java_script_enabled=script)
    for button, shown in (("Remove tag checked", "checked"), ("Remove alias best", "best")):
        page.get_by_role("link", name="Edit aliases and tags").first.click()
        page.get_by_role("button", name=button).click()
        expect(page.locator("#marks")).not_to_contain_text(shown)
        page.get_by_role("button", name="Undo").last.click()
        expect(page.locator("#toasts")).to_contain_text("That is taken back.")
        expect(page.locator("#marks")).to_contain_text(shown)


@SCRIPT
def test_metadata_is_edited_in_rows(open_as, sample, script):
    path = sample.newest.get_absolute_url()
    page = open_as(sample.alice, f"{path}/metadata", java_script_enabled=script)
    before = Version.objects.get(pk=sample.newest.version_id).metadata
    page.get_by_role("link", name="Edit", exact=True).click()
    count = page.locator(".meta-rows tbody tr").count()
    page.get_by_role("button", name="Remove row 1", exact=True).click()
    expect(page.locator(".meta-rows tbody tr")).to_have_count(count - 1)
    page.get_by_role("button", name="Add a row").click()
    expect(page.locator(".meta-rows tbody tr")).to_have_count(count)
    last = page.locator(".meta-rows tbody tr").last
    expect(last.locator("[name=key]")).to_be_focused()
    last.locator("[name=key]").fill("train.seed")
    last.locator("[name=kind]").select_option("number")
    last.locator("[name=value]").fill("12,5")
    page.get_by_role("button", name="Save metadata").last.click()
    wrong = page.locator("tr", has=page.locator("[aria-invalid=true]"))
    expect(wrong).to_contain_text("Write a number like 12, 0.5 or 1e-3")
    expect(wrong.locator("[name=value]")).to_have_value("12,5")
    assert not script or chromium.axe(page) == []
    wrong.locator("[name=value]").fill("123456789012345678901")
    page.get_by_role("button", name="Save metadata").last.click()
    expect(page.locator("#toasts")).to_contain_text("The metadata is saved.")
    saved = Version.objects.get(pk=sample.newest.version_id).metadata
    assert saved["train"] == before["train"] | {"seed": 123456789012345678901}
    assert "val/f1" not in saved
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#toasts")).to_contain_text("That is taken back.")
    assert Version.objects.get(pk=sample.newest.version_id).metadata == before


def test_enter_in_a_row_saves_and_removes_nothing(open_as, sample):
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/edit/metadata")
    before = Version.objects.get(pk=sample.newest.version_id).metadata
    page.get_by_label("Key of row 1", exact=True).press("Enter")
    expect(page.locator("#toasts")).to_contain_text("The metadata is saved.")
    assert Version.objects.get(pk=sample.newest.version_id).metadata == before


@SCRIPT
def test_metadata_of_two_people_is_shown_side_by_side(open_as, sample, bob, script):
    page = open_as(
        sample.alice,
        f"{sample.newest.get_absolute_url()}/edit/metadata",
        java_script_enabled=script,
        refused=(409,),
    )
    page.get_by_label("Value of row 1", exact=True).fill("0.5")
    versions.edit(bob, membership=sample.newest, metadata={"val/f1": 0.25})
    page.get_by_role("button", name="Save metadata").last.click()
    row = page.locator("section tr", has_text="val/f1")
    expect(row).to_contain_text("0.25")
    expect(row).to_contain_text("0.5")
    expect(page.get_by_label("Value of row 1", exact=True)).to_have_value("0.5")
    page.get_by_role("link", name="JSON").click()
    expect(page.get_by_label("Metadata as JSON")).to_have_value(re.compile("0.25"))


@SCRIPT
def test_the_history_of_an_alias_is_found_from_its_chip(open_as, sample, bob, script):
    aliases.move(bob, membership=sample.versions[0], name="best")
    page = open_as(sample.alice, sample.versions[0].get_absolute_url(), java_script_enabled=script)
    page.locator("#marks").get_by_role("link", name="best").click()
    expect(page).to_have_url(re.compile(r"/aliases\?alias=best$"))
    rows = page.locator("tbody tr:not(.group)")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("v2")
    expect(rows.first).to_contain_text("v0")
    page.get_by_role("textbox", name="Who").fill(sample.people.bob.username)
    page.get_by_role("button", name="Filter").click()
    expect(rows).to_have_count(1)
    page.get_by_role("combobox", name="Alias").fill("nothing")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    assert not script or chromium.axe(page) == []
    page.get_by_role("link", name="Clear", exact=True).first.click()
    expect(page).to_have_url(re.compile("/aliases$"))
