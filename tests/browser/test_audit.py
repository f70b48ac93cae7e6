"""The details of an event, opened and closed in their place."""

from __future__ import annotations


def test_details_open_in_place_and_stay_in_the_address(open_as, sample):
    page = open_as(sample.alice, f"/settings/{sample.people.team.entity.name}/audit?kind=aliases")
    page.locator("#events .opens a").first.click()
    page.wait_for_selector("#events dl.facts")
    assert "event=" in page.url
    assert "kind=aliases" in page.url
    # Who opened it by the keyboard goes on from there.
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.locator("#events a[aria-expanded=true]").click()
    page.wait_for_selector("#events dl.facts", state="detached")
    assert "event=" not in page.url
    page.go_back()
    page.wait_for_selector("#events dl.facts")


def test_without_script_the_details_are_a_page(open_as, sample):
    page = open_as(
        sample.alice, f"/settings/{sample.people.team.entity.name}/audit", java_script_enabled=False
    )
    page.locator("#events .opens a").first.click()
    page.wait_for_selector("#events dl.facts")
