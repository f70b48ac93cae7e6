"""References by hand in Chromium: added to a new version, followed while the server resolves them, retried, dropped."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from registry.models import Membership, ReferenceOrder, Version
from registry.services import resolving

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def log_to(page, name: str) -> None:
    page.get_by_label("Collection").fill(name)
    page.get_by_label("Type").fill("dataset")
    page.get_by_role("button", name="Log the version").click()


def test_files_and_references_are_logged_followed_and_committed(open_as, sample):
    page = open_as(sample.alice, f"{sample.project.get_absolute_url()}/new-version", refused=(403,))
    page.get_by_label("Pick files").set_input_files(
        [{"name": "a.txt", "mimeType": "text/plain", "buffer": b"one"}]
    )
    page.get_by_label("URI").fill("file:///etc/passwd")
    page.get_by_role("button", name="Add another reference").click()
    expect(page.get_by_label("URI").nth(1)).to_be_focused()
    page.get_by_label("URI").nth(1).fill("ftp://archive.example.org/far")
    page.get_by_label("Path in the artifact").nth(1).fill("far")
    page.get_by_label("Aliases").fill("by-hand")
    log_to(page, "referred")
    expect(page.locator("[data-said]")).to_contain_text("STRONGROOM_REFERENCE_ROOTS")
    expect(page.get_by_label("URI").nth(0)).to_be_focused()
    page.get_by_label("URI").nth(0).fill("ftp://archive.example.org/near")
    page.get_by_label("Path in the artifact").nth(0).fill("near")
    page.get_by_role("button", name="Log the version").click()
    expect(page).to_have_url(re.compile(r"/pending/"))
    expect(page.get_by_text("0 of 2 references resolved")).to_be_visible()
    draft = Version.objects.get(sequence__name="referred", resolution__asked_at__isnull=False)
    resolving.work(draft.pk)
    expect(page).to_have_url(re.compile(r"/artifacts/referred/v0$"), timeout=15_000)
    made = Membership.objects.get(version=draft)
    assert made.version.file_count == 3
    assert made.held_aliases() == ["by-hand", "latest"]


@pytest.mark.parametrize("script", [True, False])
def test_a_failed_reference_is_tried_again_and_dropped(open_as, sample, script):
    page = open_as(sample.alice, sample.world.pending, java_script_enabled=script)
    expect(page.get_by_text("1 reference could not be resolved")).to_be_visible()
    page.get_by_role("button", name="Retry http://localhost/private").click()
    expect(page.get_by_text("1 of 2 references resolved")).to_be_visible()
    page.get_by_role("button", name="Drop http://localhost/private").click()
    expect(page.get_by_role("table").get_by_text("http://localhost/private")).to_have_count(0)
    page.get_by_role("button", name="Commit when resolved").click()
    resolving.work(sample.pending.pk)
    page.reload()
    expect(page).to_have_url(re.compile(r"/artifacts/strip-archive/v0$"))


def test_what_is_typed_stays_while_the_page_asks_again(open_as, sample):
    ReferenceOrder.objects.filter(draft=sample.pending).update(
        state="waiting", code="", why="", finished_at=None
    )
    page = open_as(sample.alice, sample.world.pending)
    search = page.get_by_role("searchbox", name="Search references")
    search.fill("archive")
    page.evaluate(
        "new Promise((done) => document.body.addEventListener('htmx:afterSwap', () => done(), { once: true }))"
    )
    expect(search).to_have_value("archive")
    expect(search).to_be_focused()


@pytest.mark.parametrize("script", [True, False])
def test_a_pending_version_is_added_to_and_given_up(open_as, sample, script):
    page = open_as(sample.alice, sample.world.pending, java_script_enabled=script)
    page.get_by_text("Add a reference", exact=True).click()
    page.get_by_label("URI", exact=True).fill("ftp://archive.example.org/more")
    page.get_by_label("Path in the artifact").fill("more")
    page.get_by_role("button", name="Add the reference").click()
    expect(page.get_by_role("table").get_by_text("ftp://archive.example.org/more")).to_be_visible()
    assert ReferenceOrder.objects.filter(draft=sample.pending).count() == 3
    page.get_by_role("link", name="Give it up…").click()
    page.get_by_role("button", name="Give it up").click()
    expect(page).to_have_url(re.compile(rf"{sample.project.get_absolute_url()}$"))
    assert not Version.objects.filter(pk=sample.pending.pk).exists()


def test_without_script_the_form_takes_files_and_references(open_as, sample):
    page = open_as(
        sample.alice, f"{sample.project.get_absolute_url()}/new-version", java_script_enabled=False
    )
    page.locator("#id_files").set_input_files(
        [{"name": n, "mimeType": "text/plain", "buffer": n.encode() * 700_000} for n in ("a.txt", "b.txt")]
    )
    log_to(page, "plain")
    expect(page).to_have_url(re.compile(r"/artifacts/plain/v0$"))
    assert Membership.objects.get(collection__name="plain").version.size == 2 * 5 * 700_000
    page.goto(f"{sample.project.get_absolute_url()}/new-version")
    page.get_by_label("URI").fill("ftp://archive.example.org/far")
    page.get_by_role("button", name="Add another reference").click()
    page.get_by_label("Path in the artifact").nth(0).fill("far")
    log_to(page, "plain")
    expect(page).to_have_url(re.compile(r"/pending/"))
