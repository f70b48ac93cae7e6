"""axe finds nothing on any page, light and dark, wide and narrow; no page complains in the console."""

from __future__ import annotations

import pytest

from tests.browser import chromium
from tests.browser.places import places

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser, live_server, sample, scheme):
    found = {}
    for who in (sample.alice, sample.people.root, None):
        context = browser.new_context(base_url=live_server.url, viewport=chromium.WIDE, color_scheme=scheme)
        if who is not None:
            chromium.sign_in(context, live_server.url, who)
        page = context.new_page()
        complaints = chromium.watch(page)
        for name, (looks, path) in places(sample.world).items():
            if looks != who:
                continue
            page.goto(path)
            if page.locator("[data-lineage]").count():
                # Laid out by a worker: what is to be looked at is the graph, not the wait for it.
                page.locator("[data-lineage] svg.dag").wait_for()
            problems = chromium.axe(page)
            page.set_viewport_size(chromium.NARROW)
            problems += chromium.axe(page)
            problems += _sideways(page)
            page.set_viewport_size(chromium.WIDE)
            if problems:
                found[name] = problems
        # An error page answers with its status, which Chromium writes into the console.
        found |= {line: line for line in complaints if "Failed to load resource" not in line}
        context.close()
    assert found == {}


def _sideways(page) -> list[str]:
    """A narrow page must not scroll sideways as a whole, nor do its tables that have become cards."""
    parts = "[document.documentElement, ...document.querySelectorAll('.table-wrap:has(> .cards)')]"
    beyond = page.evaluate(f"Math.max(...{parts}.map((part) => part.scrollWidth - part.clientWidth))")
    return [f"scrolls sideways by {beyond} px"] if beyond > 0 else []
