"""A new version by hand in Chromium: picked, hashed, sent, committed; refused, paused, gone on with."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from registry.models import Membership
from registry.services import files
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LARGE = bytes(range(256)) * 4 * 9000  # more than one piece, and more than is hashed at once


def pick(page: Page, *chosen: tuple[str, bytes]) -> None:
    page.get_by_label("Pick files").set_input_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": data} for name, data in chosen]
    )


def newest(sample, name: str) -> Membership:
    rows = Membership.objects.committed().filter(collection__name=name, collection__project=sample.project)
    return rows.order_by("-number").first()


def content(sample, row: Membership, path: str) -> bytes:
    actor = factories.actor(sample.alice)
    _, blob = files.content(actor, row, path)
    with files.opener(actor, row, blob)(0, blob.size) as stream:
        return stream.read(blob.size)


def test_files_become_a_version_with_its_card(open_as, sample):
    page = open_as(sample.alice, f"{sample.project.get_absolute_url()}/new-version")
    pick(page, ("a.txt", b"one"), ("ü 𝄞.bin", b"two"), ("large.bin", LARGE), ("wrong.txt", b"no"))
    expect(page.locator("[data-total]")).to_contain_text("4 files")
    page.get_by_role("button", name="Remove wrong.txt").click()
    page.get_by_label("Collection").fill("from-browser")
    page.get_by_label("Type").fill("dataset")
    page.get_by_role("textbox", name="Card").fill("# By hand")
    page.get_by_label("Metadata").fill('{"rows": 3}')
    page.get_by_label("Aliases").fill("gold, raw")
    page.get_by_label("Tags").fill("by hand")
    page.get_by_role("button", name="Log the version").click()
    expect(page).to_have_url(re.compile(r"/artifacts/from-browser/v0$"), timeout=30_000)
    row = newest(sample, "from-browser")
    assert content(sample, row, "large.bin") == LARGE
    assert content(sample, row, "ü 𝄞.bin") == b"two"
    assert row.version.file_count == 3
    assert row.version.metadata == {"rows": 3}
    assert sorted(row.held_aliases()) == ["gold", "latest", "raw"]
    assert row.version.held_tags() == ["by hand"]


def test_what_is_refused_is_told_and_can_be_put_right(open_as, sample):
    address = f"{sample.project.get_absolute_url()}/new-version?collection=resnet50-defects"
    page = open_as(sample.alice, address, refused=(400, 409))
    said = page.locator("[data-said]")
    send = page.get_by_role("button", name="Log the version")
    send.click()
    expect(said).to_contain_text("Choose at least one file, or add a reference.")
    pick(page, ("nul.txt", b"device"))
    page.get_by_label("Metadata").fill("{")
    send.click()
    expect(said).to_contain_text("not JSON")
    page.get_by_label("Metadata").fill("")
    page.get_by_label("Type").fill("dataset")
    with page.expect_response(lambda answer: answer.status == 409):
        send.click()
    expect(said).to_contain_text("model")
    page.get_by_label("Type").fill("model")
    with page.expect_response(lambda answer: answer.status == 400):
        send.click()
    expect(said).to_contain_text("device to Windows")
    page.get_by_role("button", name="Remove nul.txt").click()
    pick(page, ("fine.txt", b"fine"))
    send.click()
    expect(page).to_have_url(re.compile(r"/resnet50-defects/v3$"), timeout=30_000)


def test_a_pause_and_a_reload_lose_nothing(open_as, sample):
    address = f"{sample.project.get_absolute_url()}/new-version?collection=resnet50-defects"
    page = open_as(sample.alice, address)
    held = []
    page.route("**/parts/**", lambda route: held.append(route) if len(held) == 0 else route.continue_())
    pick(page, ("large.bin", LARGE))
    page.get_by_role("textbox", name="Card").fill("# Half way")
    with page.expect_request("**/parts/**"):  # or the part held below would be one of the second try
        page.get_by_role("button", name="Log the version").click()
    expect(page.locator("[data-said]")).to_contain_text("Sending")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-said]")).to_contain_text("Paused.")
    page.goto(address)
    expect(page.locator("[data-unfinished]")).to_contain_text("resnet50-defects, 1 file, 9.")
    expect(page.get_by_role("textbox", name="Card")).to_have_value("# Half way")
    pick(page, ("large.bin", LARGE))
    page.get_by_role("button", name="Log the version").click()
    expect(page).to_have_url(re.compile(r"/resnet50-defects/v3$"), timeout=30_000)
    assert content(sample, newest(sample, "resnet50-defects"), "large.bin") == LARGE
    page.goto(address)
    expect(page.locator("[data-unfinished]")).to_be_hidden()


def test_an_unfinished_upload_can_be_forgotten(open_as, sample):
    address = f"{sample.project.get_absolute_url()}/new-version"
    page = open_as(sample.alice, address, refused=(503,))
    page.route("**/commit", lambda route: route.fulfill(status=503))
    pick(page, ("small.txt", b"small"))
    page.get_by_label("Collection").fill("given-up")
    page.get_by_label("Type").fill("dataset")
    with page.expect_request("**/commit"):
        page.get_by_role("button", name="Log the version").click()
    page.goto(address)
    expect(page.get_by_label("Collection")).to_have_value("given-up")
    page.get_by_role("button", name="Begin anew").click()
    expect(page.get_by_label("Collection")).to_have_value("")
    page.reload()
    expect(page.locator("[data-unfinished]")).to_be_hidden()


def test_a_bad_alias_is_refused_before_anything_is_sent(open_as, sample):
    address = f"{sample.project.get_absolute_url()}/new-version?collection=resnet50-defects"
    page = open_as(sample.alice, address, refused=(400,))
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    pick(page, ("fine.txt", b"fine"))
    page.get_by_label("Aliases").fill("v9")
    page.get_by_role("button", name="Log the version").click()
    expect(page.locator("[data-said]")).to_contain_text("v9")
    assert not [url for url in sent if "manifest" in url or "bundles" in url]


def test_what_an_unchanged_upload_leaves_unsaved_is_told(open_as, sample):
    address = f"{sample.project.get_absolute_url()}/new-version"
    for card, told in (("# First", ""), ("# Second", "Nothing new: these are the files of twice:v0.")):
        page = open_as(sample.alice, address)
        pick(page, ("same.txt", b"same"))
        page.get_by_label("Collection").fill("twice")
        page.get_by_label("Type").fill("dataset")
        page.get_by_role("textbox", name="Card").fill(card)
        page.get_by_role("button", name="Log the version").click()
        if told:
            expect(page.locator("[data-said]")).to_contain_text(told)
            page.get_by_role("link", name="Open twice:v0").click()
        expect(page).to_have_url(re.compile(r"/twice/v0$"))
    assert newest(sample, "twice").version.description == "# First"


def test_a_hasher_that_does_not_load_is_told(open_as, sample):
    address = f"{sample.project.get_absolute_url()}/new-version?collection=resnet50-defects"
    page = open_as(sample.alice, address, refused=(404,))
    page.route("**/upload-hash*", lambda route: route.fulfill(status=404))
    pick(page, ("fine.txt", b"fine"))
    page.get_by_role("button", name="Log the version").click()
    expect(page.locator("[data-said]")).to_contain_text("could not be loaded")
    expect(page.get_by_role("button", name="Log the version")).to_be_enabled()


def test_without_script_one_is_told_of_the_terminal(open_as, sample):
    page = open_as(
        sample.alice, f"{sample.project.get_absolute_url()}/new-version", java_script_enabled=False
    )
    expect(page.locator("noscript code")).to_be_visible()
