"""Home and the search by hand in Chromium: acts in lines that open, whose they are, names of several words."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from registry.services import aliases, runs
from tests import factories
from tests.browser import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_acts_in_a_row_are_a_line_that_opens(open_as, sample, scheme):
    bob = factories.actor(sample.people.bob)
    made = [factories.log(sample.people.bob, sample.project, "sweep-model") for _ in range(12)]
    aliases.move(bob, membership=made[3], name="best")
    runs.create(bob, project=sample.project, name="x7k2", display_name="night sweep")
    page = open_as(sample.alice, "/", color_scheme=scheme)
    line = page.locator(".feed-many", has_text="logged 12 versions of sweep-model")
    expect(line.get_by_role("link", name="sweep-model:v5")).to_be_hidden()
    for width in (chromium.NARROW, chromium.WIDE):
        page.set_viewport_size(width)
        assert chromium.axe(page) == []
    line.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(line.get_by_role("link", name="sweep-model:v5")).to_be_visible()
    for width in (chromium.NARROW, chromium.WIDE):
        page.set_viewport_size(width)
        assert chromium.axe(page) == []
    expect(page.get_by_role("link", name="night sweep")).to_be_visible()
    whose = page.get_by_role("navigation", name="Whose activity")
    whose.get_by_role("link", name="Mine").click()
    expect(page).to_have_url("/?whose=mine")
    expect(whose.get_by_role("link", name="Mine")).to_have_attribute("aria-current", "true")
    expect(page.locator(".feed", has_text="sweep-model")).to_have_count(0)


def test_the_jump_box_offers_names_of_several_words_and_beginnings_of_aliases(open_as, sample):
    factories.log(sample.people.bob, sample.project, "sweep-model")
    page = open_as(sample.alice, "/")
    for typed in ("sweep model", "sweep-model lat"):
        page.get_by_placeholder("Search or jump to").fill(typed)
        expect(page.get_by_role("option", name="sweep-model").first).to_be_visible()
