"""A lineage as its two views need it: rows of a table, and nodes and arrows for the script that draws them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from registry.models import Membership, ReferenceWatch, Run
from registry.services.lineage import Graph, Node
from registry.web.templatetags.marks import drift_of, sorted_aliases
from registry.web.templatetags.words import day, duration, plural, size

# Numbers within the name of a run: what differs between the runs of a sweep.
_NUMBERS = re.compile(r"[0-9]+(?:[.][0-9]+)*(?:e-?[0-9]+)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """A node with its neighbours."""

    node: Node
    name: str
    url: str
    before: list[Node]
    after: list[Node]


def rows(graph: Graph) -> list[Row]:
    """Put the nodes in the order of time, the farthest upstream first."""
    before: dict[str, list[Node]] = {key: [] for key in graph.nodes}
    after: dict[str, list[Node]] = {key: [] for key in graph.nodes}
    for edge in sorted(graph.edges):
        after[edge.source].append(graph.nodes[edge.target])
        before[edge.target].append(graph.nodes[edge.source])
    ordered = sorted(graph.nodes.values(), key=_place)
    return [Row(node, name(node), url(node), before[node.key], after[node.key]) for node in ordered]


def _place(node: Node) -> tuple[int, str, int]:
    if node.version is not None:
        return node.distance, node.version.collection.name, node.version.number
    return node.distance, str(node.run), 0


def name(node: Node) -> str:
    """What a node is called."""
    return node.version.name if node.version is not None else str(node.run)


def url(node: Node) -> str:
    """The page of a node."""
    thing: Membership | Run | None = node.version or node.run
    return thing.get_absolute_url() if thing is not None else ""


def as_json(graph: Graph, watches: dict[int, ReferenceWatch]) -> dict[str, Any]:
    """Return the graph as plain data, with how the references of its versions were found."""
    return {
        "start": graph.start,
        "nodes": [_node(node, watches) for node in graph.nodes.values()],
        "edges": [[edge.source, edge.target] for edge in sorted(graph.edges)],
        "is_cut": graph.is_cut,
    }


def _node(node: Node, watches: dict[int, ReferenceWatch]) -> dict[str, Any]:
    told = {
        "key": node.key,
        "name": name(node),
        "url": url(node),
        "distance": node.distance,
        "more_up": node.more_up,
        "more_down": node.more_down,
    }
    if node.version is not None:
        return told | _version(node.version, watches.get(node.version.version_id))
    assert node.run is not None
    return told | _run(node.run)


def _version(row: Membership, watch: ReferenceWatch | None) -> dict[str, Any]:
    version, kind = row.version, row.collection.type.name
    return {
        "kind": "version",
        "title": row.collection.name,
        "mark": f"v{row.number}",
        "sub": f"{kind}, {size(version.size)}",
        # Whom it is like: closely, and at a pinch.
        "families": [f"version of {row.collection.project}/{row.collection.name}", f"version {kind}"],
        "aliases": sorted_aliases(row),
        "drift": _drift(row, watch),
        "facts": [
            ["Type", kind],
            ["Project", str(row.collection.project)],
            ["Size", f"{size(version.size)} in {plural(version.file_count, 'file,files')}"],
            ["Created", day(version.created_at)],
            ["By", version.created_by.display_name if version.created_by else "somebody who left"],
        ],
    }


def _drift(row: Membership, watch: ReferenceWatch | None) -> dict[str, str] | None:
    """Return what is to be told of its references, and where they are looked at; None where all is well."""
    found = drift_of(watch)
    if found is None:
        return None
    kind, _, words = found
    return {"kind": kind, "words": words, "url": f"{row.get_absolute_url()}/references"}


def _run(run: Run) -> dict[str, Any]:
    lasted = (run.finished_at - run.created_at).total_seconds() if run.finished_at else None
    took = "running" if lasted is None else duration(max(0, lasted))
    return {
        "kind": "run",
        "title": str(run),
        "mark": "",
        "sub": f"run, {took}",
        "families": [f"run {run.job_type or _NUMBERS.sub('#', str(run))}", f"run {run.job_type}"],
        "aliases": [],
        "drift": None,
        "facts": [
            ["State", run.get_state_display()],
            ["Project", str(run.project)],
            ["Job", run.job_type or "none"],
            ["Began", day(run.created_at)],
            ["Took", took],
            ["By", run.created_by.display_name if run.created_by else "somebody who left"],
        ],
    }
