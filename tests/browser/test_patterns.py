"""axe finds nothing on the pattern page, whoever looks at it: what is made of its parts begins without a fault."""

from __future__ import annotations

import pytest

from registry.web.views.patterns import SEEN_AS
from tests.browser import chromium
from tests.web.debugging import debug_routes

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_the_pattern_page(open_as, sample, scheme):
    with debug_routes():
        page = open_as(sample.alice, "/patterns", color_scheme=scheme)
        found = {}
        for name in SEEN_AS:
            page.goto(f"/patterns?as={name}")
            problems = chromium.axe(page)
            page.set_viewport_size(chromium.NARROW)
            problems += chromium.axe(page)
            beyond = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            problems += [f"scrolls sideways by {beyond} px"] if beyond > 0 else []
            page.set_viewport_size(chromium.WIDE)
            if problems:
                found[name] = problems
        assert found == {}
