"""The lineage graph by hand in Chromium: drawn, walked by keys, opened, found; and the table without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from registry.services import runs
from tests import factories
from tests.support.drifting import drifted

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_the_graph_is_drawn_chosen_and_opened(open_as, sample):
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/lineage")
    panel = page.locator("#lineage-selected")
    expect(panel).to_contain_text(sample.newest.name)
    nodes = page.locator("svg.dag .node")
    assert nodes.count() >= 4
    run = page.get_by_label(re.compile(rf"^Run {sample.run} run, "))
    run.click()
    expect(panel).to_contain_text("Finished")
    expect(run).to_be_focused()
    run.click()
    expect(page.get_by_role("heading", name=str(sample.run))).to_be_visible()


def test_the_panel_says_of_which_references_something_is_wrong(open_as, sample):
    made = drifted(sample.alice, sample.project, many=3)
    run, _ = runs.create(factories.actor(sample.alice), project=sample.project, name="reads")
    runs.use(factories.actor(sample.alice), run=run, membership=made)
    page = open_as(sample.alice, f"{made.get_absolute_url()}/lineage")
    mark = page.locator("#lineage-selected").get_by_role("link", name="1 reference missing")
    expect(mark).to_be_visible()
    expect(page.get_by_label(re.compile("^Version linked v0 .*1 reference missing"))).to_be_visible()
    expect(page.locator("svg.dag circle.drift")).to_have_count(1)
    mark.click()
    expect(page.get_by_text("It is not there.")).to_be_visible()


def test_keys_walk_along_the_arrows_and_enter_opens(open_as, sample):
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/lineage")
    panel = page.locator("#lineage-selected")
    expect(panel).to_contain_text(sample.newest.name)
    page.get_by_role("region", name="Lineage graph").focus()
    page.keyboard.press("ArrowLeft")
    expect(panel).to_contain_text(str(sample.run))
    page.keyboard.press("ArrowLeft")
    expect(panel.get_by_role("heading")).to_contain_text(":v0")
    page.keyboard.press("ArrowRight")
    expect(panel).to_contain_text("train-r50")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="train-r50")).to_be_visible()


def test_many_siblings_are_a_cluster_that_opens(open_as, sample):
    alice = factories.actor(sample.alice)
    for n in range(7):
        run, _ = runs.create(alice, project=sample.project, name=f"infer-{n}")
        runs.use(alice, run=run, membership=sample.newest)
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/lineage?way=down")
    page.get_by_label(re.compile("^Cluster .*7 runs")).click()
    expect(page.get_by_label(re.compile("^Run infer-3 "))).to_be_visible()
    page.get_by_label("Find a node").fill("infer-5")
    expect(page.locator("#lineage-selected")).to_contain_text("infer-5")
    page.get_by_role("button", name="Gather its siblings").click()
    expect(page.get_by_label(re.compile("^Cluster .*7 runs"))).to_be_visible()
    # What is inside a cluster is found, too, and opens it.
    page.get_by_label("Find a node").fill("infer-2")
    expect(page.locator("#lineage-selected")).to_contain_text("infer-2")
    page.get_by_label("Depth").select_option("3")
    expect(page.get_by_label("Depth")).to_have_value("3")


def test_what_lies_beyond_a_node_is_hidden_and_shown_again(open_as, sample):
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/lineage")
    nodes = page.locator("svg.dag .node")
    expect(page.locator("#lineage-selected")).to_contain_text(sample.newest.name)
    before = nodes.count()
    page.get_by_role("button", name="Hide what is before").click()
    expect(nodes).not_to_have_count(before)
    expect(page.get_by_role("button", name="Show what is before")).to_be_visible()
    page.get_by_role("button", name="Show what is before").click()
    expect(nodes).to_have_count(before)


def test_without_script_the_table_tells_the_same(open_as, sample):
    page = open_as(sample.alice, f"{sample.newest.get_absolute_url()}/lineage", java_script_enabled=False)
    table = page.get_by_role("table")
    expect(table).to_contain_text(sample.newest.name)
    expect(table).to_contain_text(sample.dataset.name)
    expect(page.locator(".canvas")).to_be_hidden()
