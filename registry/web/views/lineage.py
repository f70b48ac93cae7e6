"""The lineage of a version: the page with its table, and the graph for the script that draws it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict

from registry.actor import Actor
from registry.errors import InvalidQuery
from registry.services import drifts, lineage
from registry.web import drawn
from registry.web.pages import page, show
from registry.web.views.versions import found, frame

_DEPTHS = (1, 2, 3, 5, 10, 20)
_WAYS = {"both": "Both", "up": "Upstream", "down": "Downstream"}


@page()
def of_version(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """What it was made from and what was made with it."""
    membership = found(actor, **place)
    way, depth = _way(request.GET), _depth(request.GET)
    graph = lineage.graph(actor, membership=membership, **_steps(way, depth))
    context = frame(actor, membership, "lineage") | {
        "graph": graph,
        "rows": drawn.rows(graph),
        "watches": drifts.of_versions(graph.versions),
        "chosen": _chosen(request.GET, graph),
        "way": way,
        "depth": depth,
        "ways": _WAYS.items(),
        "depths": _DEPTHS,
        "view": "table" if request.GET.get("view") == "table" else "graph",
    }
    return show(request, "versions/lineage.html", context)


@page()
def as_json(request: HttpRequest, actor: Actor, **place: Any) -> HttpResponse:
    """The same as data."""
    membership = found(actor, **place)
    steps = _steps(_way(request.GET), _depth(request.GET))
    graph = lineage.graph(actor, membership=membership, **steps)
    return JsonResponse(drawn.as_json(graph, drifts.of_versions(graph.versions)))


def _way(query: QueryDict) -> str:
    way = query.get("way", "both")
    if way not in _WAYS:
        raise InvalidQuery(f"way must be one of {', '.join(_WAYS)}.", field="way")
    return way


def _depth(query: QueryDict) -> int:
    text = query.get("depth", "2")
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        raise InvalidQuery("depth must be a whole number of runs.", field="depth")
    return int(text)


def _chosen(query: QueryDict, graph: lineage.Graph) -> str:
    """Return the node that the address names.

    What it says of clusters and folded parts (`open`, `hide`) is for the script. A name of what is not there is passed
    over, here and there: a link should outlive what it points at.
    """
    key = query.get("node", "")
    return key if key in graph.nodes else graph.start


def _steps(way: str, depth: int) -> dict[str, int]:
    return {"up": depth if way != "down" else 0, "down": depth if way != "up" else 0}
