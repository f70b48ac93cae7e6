"""The trash of a team with script: what is ticked is asked about in a dialog, and comes back."""

from __future__ import annotations

import pytest

from registry.models import Version

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_what_is_ticked_comes_back_and_without_a_tick_nothing_is_offered(open_as, sample):
    team = sample.people.team.entity.name
    page = open_as(sample.alice, f"/teams/{team}/trash")
    bar = page.locator("[data-selection]")
    assert not bar.is_visible()
    page.get_by_label("Select yolo11-scratch:v0").check()
    assert "yolo11-scratch:v0" in bar.inner_text()
    bar.get_by_role("button", name="Restore…").click()
    page.locator("#dialog").get_by_role("button", name="Restore 1 version").click()
    page.get_by_text("1 version is back.").wait_for()
    assert Version.objects.get(pk=sample.trashed.version_id).state == "COMMITTED"
