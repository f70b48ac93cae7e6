"""What is alike in a lineage is one cluster: the runs of a sweep with their models, and what hangs on these."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from registry.services import runs
from tests import factories
from tests.browser import lineages

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def shown(page) -> list[str]:
    """Return what the nodes of the drawn graph are called."""
    page.locator("svg.dag").wait_for()
    return sorted(node.get_attribute("aria-label") for node in page.locator("svg.dag .node").all())


def test_a_sweep_is_one_cluster_of_runs_with_their_models(open_as, sample):
    origin, _ = lineages.sweep(sample, 8)
    page = open_as(sample.alice, f"{origin.get_absolute_url()}/lineage")
    cluster, dataset = shown(page)
    assert cluster == "Cluster sweep… 8 runs and 8 versions"
    assert dataset.startswith("Version crops")
    page.get_by_label(re.compile("^Cluster ")).click()
    expect(page.locator("svg.dag .node")).to_have_count(17)
    # In the order of their names.
    heights = [page.get_by_label(re.compile(f"^Run sweep-{n} ")).bounding_box()["y"] for n in range(8)]
    assert heights == sorted(heights)
    expect(page.locator("#lineage-selected")).to_contain_text("sweep-")
    page.get_by_role("button", name="Gather its siblings").click()
    expect(page.locator("svg.dag .node")).to_have_count(2)
    expect(page.locator("#lineage-selected")).to_contain_text("8 runs and 8 versions")


def test_evals_of_some_models_are_chains_of_their_own(open_as, sample):
    origin, models = lineages.sweep(sample, 13, evals=6)
    # One of the rest goes another way: it stands alone, for that is what one looks for.
    lineages.log(sample, "shipped", lineages.run_of(sample, "export", models[-1], job="export"))
    page = open_as(sample.alice, f"{origin.get_absolute_url()}/lineage")
    names = shown(page)
    assert names[:2] == [
        "Cluster sweep… 6 runs and 6 versions",
        "Cluster sweep… × 6 12 runs and 12 versions",
    ]
    assert [name.split(",")[0] for name in names[2:]] == [
        "Run export run",
        "Run sweep-12 run",
        "Version crops v0 dataset",
        "Version shipped v0 model",
        "Version swept v12 model",
    ]


def test_many_evals_of_each_model_are_clusters_in_a_cluster(open_as, sample):
    origin, models = lineages.sweep(sample, 5)
    for model in models:
        for n in range(5):
            lineages.run_of(sample, f"eval-{model.version_id}-{n}", model, job="eval")
    page = open_as(sample.alice, f"{origin.get_absolute_url()}/lineage")
    assert shown(page)[0] == "Cluster sweep… × 5 30 runs and 5 versions"
    page.get_by_label(re.compile("^Cluster ")).click()
    expect(page.get_by_label(re.compile("^Cluster eval.* 5 runs"))).to_have_count(5)
    page.get_by_label("Find a node").fill(f"eval-{models[2].version_id}-3")
    expect(page.get_by_label(re.compile("^Cluster eval"))).to_have_count(4)
    expect(page.locator("#lineage-selected")).to_contain_text(f"eval-{models[2].version_id}-3")


def test_upstream_a_sweep_that_is_joined_again_is_a_cluster(open_as, sample):
    _, models = lineages.sweep(sample, 6)
    soup = lineages.log(sample, "soup", lineages.run_of(sample, "average", *models))
    page = open_as(sample.alice, f"{soup.get_absolute_url()}/lineage")
    names = shown(page)
    assert [name.split()[0] for name in names] == ["Cluster", "Run", "Version", "Version"]
    assert "6 versions and 6 runs" in names[0]


def test_runs_of_any_name_are_alike_and_other_jobs_are_not(open_as, sample):
    origin = factories.log(sample.alice, sample.project, "crops", type="dataset")
    for word in ("amber", "brass", "coral", "denim", "ebony"):
        lineages.log(sample, f"{word}-model", lineages.run_of(sample, f"{word}-sun", origin))
    for n in range(4):
        lineages.run_of(sample, f"check-{n}", origin, job="check")
    page = open_as(sample.alice, f"{origin.get_absolute_url()}/lineage")
    names = shown(page)
    assert names[0] == "Cluster 5 runs and 5 versions opens"
    assert len(names) == 6


def test_what_lies_beyond_a_cluster_is_told(open_as, sample):
    origin, models = lineages.sweep(sample, 6)
    for model in models:
        runs.use(
            factories.actor(sample.alice), run=lineages.run_of(sample, f"use-{model.pk}"), membership=model
        )
    page = open_as(sample.alice, f"{origin.get_absolute_url()}/lineage?depth=1")
    assert shown(page)[0] == "Cluster sweep… 6 runs and 6 versions 6 more beyond"
