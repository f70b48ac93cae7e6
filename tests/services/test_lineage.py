"""Lineage: up and down in steps of a run, bounded, and only what one may see."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.errors import InvalidQuery, NotFound
from registry.services import lineage, runs, versions
from tests import factories as make

pytestmark = pytest.mark.django_db


def log(people, project, name, *used, run=None):
    """Log a version by a run of its own that used some others."""
    by = make.actor(people.bob)
    made, _ = runs.create(by, project=project, name=run or make.unique("run"))
    for each in used:
        runs.use(by, run=made, membership=each)
    return make.log(people.bob, project, name, run=made)


@pytest.fixture
def chain(people, project):
    """raw → split → model → report."""
    raw = make.log(people.bob, project, "raw")
    split = log(people, project, "split", raw)
    model = log(people, project, "model", split)
    return raw, split, model, log(people, project, "report", model)


def named(graph) -> dict[str, int]:
    return {
        (
            node.version.collection.name if node.version else f"run {node.run.name[:3]}{node.distance}"
        ): node.distance
        for node in graph.nodes.values()
    }


def test_steps_count_runs_up_and_down(bob, chain):
    _, split, model, _ = chain
    near = lineage.graph(bob, membership=model, up=1, down=1)
    assert named(near) == {"model": 0, "run run-1": -1, "split": -2, "run run1": 1, "report": 2}
    assert near.nodes[f"v{split.version_id}"].more_up == 1
    far = lineage.graph(bob, membership=model, up=5, down=0)
    assert named(far) == {"model": 0, "run run-1": -1, "split": -2, "run run-3": -3, "raw": -4}
    assert not far.is_cut
    assert lineage.graph(bob, membership=model, up=0, down=0).nodes.keys() == {f"v{model.version_id}"}


def test_arrows_point_in_the_direction_of_time(bob, chain):
    graph = lineage.graph(bob, membership=chain[2], up=2, down=2)
    for edge in graph.edges:
        assert graph.nodes[edge.source].distance == graph.nodes[edge.target].distance - 1
    before, after = graph.around(graph.start)
    assert [node.distance for node in (*before, *after)] == [-1, 1]


def test_a_run_that_used_what_it_logged_is_drawn_and_not_counted_as_more(people, bob, project):
    run, _ = runs.create(bob, project=project, name="both")
    data = make.log(people.bob, project, "data", run=run)
    runs.use(bob, run=run, membership=data)
    model = make.log(people.bob, project, "model", {"m": b"1"}, run=run)
    graph = lineage.graph(bob, membership=model, up=1, down=0)
    node = graph.nodes[f"v{data.version_id}"]
    assert (node.more_up, node.more_down) == (0, 0)
    assert {(edge.source, edge.target) for edge in graph.edges} >= {
        (f"r{run.pk}", f"v{data.version_id}"),
        (f"v{data.version_id}", f"r{run.pk}"),
    }


def test_a_circle_ends(people, bob, project, chain):
    """A run that used what it logged before, and logged what it had used: time does not forbid it."""
    raw, split = chain[:2]
    run, _ = runs.create(bob, project=project, name="odd")
    runs.use(bob, run=run, membership=split)
    runs.log_again(bob, run=run, membership=raw)
    graph = lineage.graph(bob, membership=raw, up=20, down=20)
    assert len(graph.nodes) < 20


def test_what_one_may_not_see_is_counted_and_not_shown(people, bob, project, chain):
    other = make.project(people)
    hidden = log(people, other, "secret", chain[0])
    open_project = make.project(people, visibility="organization")
    shown = log(people, open_project, "open", hidden)
    olga = make.actor(people.olga)
    graph = lineage.graph(olga, membership=shown, up=5, down=5)
    assert "secret" not in named(graph)
    assert graph.hidden == 1
    with pytest.raises(NotFound):
        lineage.graph(olga, membership=hidden, up=1, down=1)


def test_what_was_deleted_is_left_out(bob, chain):
    versions.delete(bob, membership=chain[3], delete_aliases=True)
    graph = lineage.graph(bob, membership=chain[2], up=0, down=3)
    assert "report" not in named(graph)
    assert graph.hidden == 1


def test_a_version_that_thousands_used_is_cut_to_what_has_room(people, bob, project, chain, monkeypatch):
    monkeypatch.setattr(lineage, "MOST_NODES", 12)
    monkeypatch.setattr(lineage, "MOST_EDGES", 20)
    for n in range(30):
        run, _ = runs.create(bob, project=project, name=f"use-{n}")
        runs.use(bob, run=run, membership=chain[0])
    graph = lineage.graph(bob, membership=chain[0], up=1, down=3)
    assert graph.is_cut
    assert len(graph.nodes) == 12
    assert any(node.run and node.run.name == "use-29" for node in graph.nodes.values())


def test_the_number_of_queries_grows_with_depth_alone(people, bob, project, chain):
    def count() -> int:
        with CaptureQueriesContext(connection) as seen:
            lineage.graph(bob, membership=chain[0], up=2, down=2)
        return len(seen)

    few = count()
    for n in range(30):
        log(people, project, f"other{n}", chain[0])
    assert count() == few


@pytest.mark.parametrize(("up", "down"), [(-1, 0), (0, 21)])
def test_depths_out_of_range_are_refused(bob, chain, up, down):
    with pytest.raises(InvalidQuery):
        lineage.graph(bob, membership=chain[0], up=up, down=down)
