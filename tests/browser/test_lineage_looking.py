"""Looking at a lineage: fit, zoom, pan, find from match to match, and an address that brings the view back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser import lineages

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SELECTED = "#lineage-selected"


@pytest.fixture
def opened(open_as, sample):
    """The lineage of a sweep, its cluster opened: higher than its frame."""
    origin, _ = lineages.sweep(sample, 14)
    page = open_as(sample.alice, f"{origin.get_absolute_url()}/lineage")
    page.get_by_label(re.compile("^Cluster ")).click()
    expect(page.locator("svg.dag .node")).to_have_count(29)
    return page


def scrolled(page) -> list[float]:
    return page.locator(".canvas").evaluate("(it) => [it.scrollLeft, it.scrollTop]")


def beyond(page) -> list[bool]:
    """Whether the frame has to be scrolled, sideways and down, to see all."""
    sizes = "(it) => [it.scrollWidth > it.clientWidth, it.scrollHeight > it.clientHeight]"
    return page.locator(".canvas").evaluate(sizes)


def test_fit_shows_a_high_graph_whole(opened):
    assert beyond(opened)[1]
    opened.get_by_role("button", name="Fit").click()
    assert beyond(opened) == [False, False]


def test_fit_shows_a_long_graph_whole_also_on_a_small_screen(open_as, sample):
    last = lineages.chain(sample, 12)
    page = open_as(sample.alice, f"{last.get_absolute_url()}/lineage?depth=20")
    expect(page.locator("svg.dag .node")).to_have_count(25)
    # At first it can be read, with the version that was asked for in sight.
    assert beyond(page)[0]
    expect(page.get_by_label(re.compile("^Version stage-12 "))).to_be_in_viewport(ratio=1)
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.get_by_role("button", name="Fit").click()
        assert beyond(page) == [False, False]


def test_dragging_pans_and_a_click_that_trembles_does_not(opened):
    canvas = opened.locator(".canvas")
    canvas.evaluate("(it) => it.scrollTo(0, 0)")
    box = canvas.bounding_box()
    x, y = box["x"] + 12, box["y"] + box["height"] - 60
    opened.mouse.move(x, y)
    opened.mouse.down()
    opened.mouse.move(x, y - 3)
    assert scrolled(opened) == [0, 0]
    opened.mouse.move(x + 4, y - 150, steps=4)
    opened.mouse.up()
    assert scrolled(opened)[1] == pytest.approx(150, abs=2)
    opened.mouse.move(x, y - 250)
    assert scrolled(opened)[1] == pytest.approx(150, abs=2)


def test_the_wheel_zooms_around_the_pointer_and_without_a_key_scrolls(opened):
    node = opened.get_by_label(re.compile("^Run sweep-9 "))
    node.click()
    before = node.bounding_box()
    middle = (before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    opened.mouse.move(*middle)
    opened.keyboard.down("Control")
    opened.mouse.wheel(0, -200)
    opened.keyboard.up("Control")
    wider = "(width) => document.querySelector('.is-selected').getBoundingClientRect().width > width"
    opened.wait_for_function(wider, arg=before["width"] * 1.2)
    after = node.bounding_box()
    assert after["y"] + after["height"] / 2 == pytest.approx(middle[1], abs=3)
    at = scrolled(opened)
    opened.mouse.wheel(0, 40)
    opened.wait_for_function("(at) => document.querySelector('.canvas').scrollTop > at", arg=at[1])
    assert node.bounding_box()["width"] == pytest.approx(after["width"])


def test_two_fingers_zoom(open_as, sample):
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/lineage", has_touch=True)
    expect(page.locator(SELECTED)).to_contain_text(sample.newest.name)
    box = page.locator(".canvas").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = page.locator("svg.dag").bounding_box()["width"]
    touch = page.context.new_cdp_session(page)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 80)):
        points = [{"x": x - apart, "y": y, "id": 0}, {"x": x + apart, "y": y, "id": 1}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.locator("svg.dag").bounding_box()["width"] == pytest.approx(before * 2, rel=0.1)


def test_the_tools_cover_no_node(opened):
    tools = opened.get_by_role("group", name="Zoom").bounding_box()
    canvas = opened.locator(".canvas").bounding_box()
    assert tools["y"] >= canvas["y"] + canvas["height"]
    opened.get_by_role("button", name="Zoom in").click()
    expect(opened.locator("svg.dag .is-selected")).to_be_in_viewport(ratio=1)


def test_enter_goes_from_match_to_match(opened):
    box, told = opened.get_by_label("Find a node"), opened.locator("#find-status")
    expect(told).to_have_attribute("aria-live", "polite")
    box.fill("sweep-1")
    expect(told).to_have_text("1 of 5")
    first = opened.locator(SELECTED).get_by_role("heading").inner_text()
    box.press("Enter")
    expect(told).to_have_text("2 of 5")
    expect(opened.locator(SELECTED).get_by_role("heading")).not_to_have_text(first)
    box.press("Shift+Enter")
    box.press("Shift+Enter")
    expect(told).to_have_text("5 of 5")
    expect(box).to_be_focused()
    box.fill("nothing like it")
    expect(told).to_have_text("Nothing matches")
    box.fill("")
    expect(told).to_have_text("")


def test_matches_in_a_cluster_are_counted_and_found_without_losing_the_box(open_as, sample):
    origin, _ = lineages.sweep(sample, 6)
    page = open_as(sample.alice, f"{origin.get_absolute_url()}/lineage")
    expect(page.locator("svg.dag .node")).to_have_count(2)
    page.get_by_label("Find a node").press_sequentially("swept:v")
    expect(page.locator("#find-status")).to_have_text("1 of 6")
    expect(page.locator("svg.dag .node")).to_have_count(13)
    page.keyboard.press("Enter")
    expect(page.locator("#find-status")).to_have_text("2 of 6")
    expect(page.locator(SELECTED)).to_contain_text("swept:v")


def test_the_address_brings_the_view_back(opened, open_as, sample):
    opened.get_by_label(re.compile("^Run sweep-3 ")).click()
    opened.get_by_role("button", name="Hide what is after").click()
    expect(opened.locator("svg.dag .node")).to_have_count(28)
    for page in (opened, open_as(sample.alice, opened.url)):
        page.reload()
        expect(page.locator(SELECTED).get_by_role("heading")).to_have_text("sweep-3")
        expect(page.locator("svg.dag .node")).to_have_count(28)
        expect(page.get_by_role("button", name="Show what is after")).to_be_visible()
    opened.locator(SELECTED).get_by_role("link", name="sweep-3").click()
    expect(opened.get_by_role("heading", name="sweep-3")).to_be_visible()
    opened.go_back()
    expect(opened.locator(SELECTED).get_by_role("heading")).to_have_text("sweep-3")
    expect(opened.locator("svg.dag .node")).to_have_count(28)


def test_the_chosen_node_stays_with_another_depth_or_view(opened):
    opened.get_by_label(re.compile("^Run sweep-3 ")).click()
    opened.get_by_label("Depth").select_option("3")
    expect(opened).to_have_url(re.compile("depth=3"))
    expect(opened.locator(SELECTED).get_by_role("heading")).to_have_text("sweep-3")
    opened.get_by_role("link", name="Table").click()
    expect(opened.locator("tr.is-selected")).to_contain_text("sweep-3")
    opened.get_by_role("link", name="Graph").click()
    expect(opened.locator(SELECTED).get_by_role("heading")).to_have_text("sweep-3")


def test_an_address_with_nonsense_shows_the_beginning(open_as, sample):
    nonsense = "node=%22%5D&open=v0..c&hide=before-.after-v0"
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/lineage?{nonsense}")
    expect(page.locator(SELECTED).get_by_role("heading")).to_have_text(sample.newest.name)
    expect(page).to_have_url(re.compile("/lineage$"))
