"""Lineage: what a version was made from and what was made with it, as a graph of versions and runs.

Up and down are walked a step at a time, a step being a run with what lies behind it, or a version whose entries another
refers to, in five queries each.
What one may not see is left out and only counted; so is what lies beyond the limits of depth and size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Model, QuerySet

from registry.actor import Actor
from registry.errors import InvalidQuery
from registry.models import Membership, Project, Run, RunInput, RunOutput, VersionReference
from registry.models.labels import put_names
from registry.policy import Act, check

DEEPEST, MOST_NODES, MOST_EDGES = 20, 400, 2000


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """An arrow in the direction of time.

    It leads from a version to the run that used it, from a run to what it logged, or from a version to another that
    refers to its entries.
    """

    source: str
    target: str


@dataclass(slots=True)
class Node:
    """A version or a run; `distance` counts arrows from the version that was asked for, below zero upstream."""

    key: str
    distance: int
    version: Membership | None = None
    run: Run | None = None
    # Of those next to it, how many are not in the graph: beyond its limits.
    more_up: int = 0
    more_down: int = 0


@dataclass(slots=True)
class Graph:
    """Nodes by key, the edges between them, and what was left out."""

    start: str
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: set[Edge] = field(default_factory=set)
    hidden: int = 0
    is_cut: bool = False

    @property
    def versions(self) -> list[Membership]:
        """The versions among the nodes."""
        return [node.version for node in self.nodes.values() if node.version is not None]

    def around(self, key: str) -> tuple[list[Node], list[Node]]:
        """Return what comes right before a node, and what right after."""
        before = [self.nodes[edge.source] for edge in sorted(self.edges) if edge.target == key]
        return before, [self.nodes[edge.target] for edge in sorted(self.edges) if edge.source == key]


def graph(actor: Actor, *, membership: Membership, up: int, down: int) -> Graph:
    """Return the lineage of a version, so many runs up and down; the nearest come first where not all have room."""
    check(actor, Act.VIEW, membership.collection.project)
    if not (0 <= up <= DEEPEST and 0 <= down <= DEEPEST):
        raise InvalidQuery(f"Lineage goes from 0 to {DEEPEST} runs up and down.", field="depth")
    start = f"v{membership.version_id}"
    found = Graph(start, {start: Node(start, 0, version=membership)})
    for towards, steps in ((-1, up), (1, down)):
        walk = _Walk(actor, found, towards)
        reached = {membership.version_id}
        for _ in range(steps):
            if not reached:
                break
            reached = walk.step(reached)
        walk.look_beyond(reached)
    put_names(found.versions)
    return found


class _Walk:
    """One direction: upstream through who logged a version to what that run used, and to what it refers to.

    Downstream it is the other way round.
    """

    def __init__(self, actor: Actor, found: Graph, towards: int) -> None:
        self._actor, self._found, self._towards = actor, found, towards
        self._near: type[Model] = RunOutput if towards < 0 else RunInput
        self._far: type[Model] = RunInput if towards < 0 else RunOutput
        # Of a reference: the version that the walk comes from, and the one that it leads to.
        self._ends = ("source_id", "target_id") if towards < 0 else ("target_id", "source_id")
        self._at = 0

    def step(self, versions: set[int]) -> set[int]:
        """Go from versions over runs to other versions; return those that are new."""
        runs = self._runs(self._pairs(self._near, "version_id", versions))
        return self._versions(self._pairs(self._far, "run_id", runs), self._references(versions))

    def look_beyond(self, versions: set[int]) -> None:
        """Count what lies right behind the last ones, so that the graph says that it goes on; join what is there."""
        pairs = self._pairs(self._near, "version_id", versions)
        self._join((f"v{version}", f"r{run}") for version, run in pairs)
        self._join((f"v{near}", f"v{far}") for near, far in self._references(versions))

    def _references(self, versions: set[int]) -> list[tuple[int, int]]:
        """Return pairs (near, far) of versions of which one refers to the other, the newest first."""
        if not versions:
            return []
        rows = VersionReference.objects.filter(**{f"{self._ends[0]}__in": list(versions)})
        pairs = list(rows.order_by("-pk").values_list(*self._ends)[: MOST_EDGES + 1])
        self._found.is_cut |= len(pairs) > MOST_EDGES
        return pairs[:MOST_EDGES]

    def _pairs(self, table: type[Model], column: str, ids: set[int]) -> list[tuple[int, int]]:
        """Return pairs (version, run) of edges, the newest first."""
        rows: QuerySet[Model] = table._default_manager.filter(**{f"{column}__in": list(ids)})
        pairs = list(rows.order_by("-pk").values_list("version_id", "run_id")[: MOST_EDGES + 1])
        self._found.is_cut |= len(pairs) > MOST_EDGES
        return pairs[:MOST_EDGES]

    def _runs(self, pairs: list[tuple[int, int]]) -> set[int]:
        self._at += self._towards
        wanted = {run for _, run in pairs}
        known = {run for run in wanted if f"r{run}" in self._found.nodes}
        rows = (
            Run.objects.visible_to(self._actor.user).for_listing().filter(pk__in=self._room(wanted - known))
        )
        fresh = {run.pk: run for run in rows.defer("config", "summary")}
        for key, run in fresh.items():
            self._found.nodes[f"r{key}"] = Node(f"r{key}", self._at, run=run)
        self._left_out(wanted - known, fresh)
        self._join((f"v{version}", f"r{run}") for version, run in pairs)
        return set(fresh)

    def _versions(self, pairs: list[tuple[int, int]], references: list[tuple[int, int]]) -> set[int]:
        self._at += self._towards
        wanted = {version for version, _ in pairs} | {far for _, far in references}
        known = {version for version in wanted if f"v{version}" in self._found.nodes}
        seen = Project.objects.visible_to(self._actor.user).values("pk")
        rows = Membership.objects.committed().sources().filter(version__in=self._room(wanted - known))
        # In the trash or hidden: either way there is nothing to show.
        listed = rows.filter(collection__project__in=seen).for_listing().prefetch_related(None)
        fresh = {row.version_id: row for row in listed.defer("version__metadata", "version__description")}
        for key, row in fresh.items():
            self._found.nodes[f"v{key}"] = Node(f"v{key}", self._at, version=row)
        self._left_out(wanted - known, fresh)
        self._join((f"r{run}", f"v{version}") for version, run in pairs)
        self._join((f"v{near}", f"v{far}") for near, far in references)
        return set(fresh)

    def _room(self, ids: set[int]) -> list[int]:
        """Return as many of them as there is room for, the newest first."""
        room = max(0, MOST_NODES - len(self._found.nodes))
        self._found.is_cut |= len(ids) > room
        return sorted(ids, reverse=True)[:room]

    def _left_out(self, wanted: set[int], fresh: Iterable[int]) -> None:
        if not self._found.is_cut:
            self._found.hidden += len(wanted - set(fresh))

    def _join(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Put arrows between nodes that are there, in the direction of time; count those that lead out."""
        for near, far in pairs:
            if near in self._found.nodes and far in self._found.nodes:
                self._found.edges.add(Edge(far, near) if self._towards < 0 else Edge(near, far))
            elif near in self._found.nodes:
                self._count_more(near)

    def _count_more(self, key: str) -> None:
        node = self._found.nodes[key]
        if self._towards < 0:
            node.more_up += 1
        else:
            node.more_down += 1
