"""The workloads W1 to W10, in the groups that are run together."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import web
from load import fork_load
from pair import Pair, Put
from processes import Sampler, cpu, memory, stop_tree, tree
from trees import size_of

T = TypeVar("T")
CASES = ("first_page", "deep_page", "filter_tag", "by_alias", "get_version", "ui_page")
MIB = 2**20


@dataclass(frozen=True)
class Plan:
    """What a run measures, and where the samples go."""

    data: dict[str, str]
    put: Put
    rounds: int
    seconds: float
    versions: int
    scratch: str


def order(things: Sequence[T], rnd: int) -> list[T]:
    """Let another one begin each round."""
    start = rnd % len(things) if things else 0
    return [*things[start:], *things[:start]]


def each_round(plan: Plan, pairs: list[Pair], step: Callable[[Plan, Pair, int], None]) -> None:
    """Let every driver do a step, round by round."""
    for rnd in range(plan.rounds):
        for pair in order(pairs, rnd):
            step(plan, pair, rnd)


def big(plan: Plan, pairs: list[Pair]) -> None:
    """W1 log 1 GiB, W3 download it, W8 memory, W10 GET by 1 and 4 clients."""
    each_round(plan, pairs, _big)


def _big(plan: Plan, pair: Pair, rnd: int) -> None:
    wall, ref, costs = pair.timed("publish", name=f"big{rnd}", path=plan.data["big"])
    plan.put(pair.name, "W1.log_big", wall, "s", rnd, **costs)
    _memory(plan, pair, "log_big", costs, rnd)
    _get(plan, pair, ref, rnd)
    pair.fetch(plan.put, ref, plan.data["big"], "W3.get_big", rnd)
    pair.server.forget(ref)


def _get(plan: Plan, pair: Pair, ref: Any, rnd: int) -> None:
    found = pair.server.blob_url(ref)
    if not found:
        return
    url, headers = found
    size = os.path.getsize(os.path.join(plan.data["big"], "weights.bin"))
    command = ["curl", "-sS", "--fail", "-L", "-o", "/dev/null", "-w", "%{size_download}", url]
    command += [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    for clients in (1, 4):
        os.sync()
        with Sampler(pair.server.pids()) as server:
            start = time.perf_counter()
            running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(clients)]
            got = [int(process.communicate()[0] or 0) for process in running]
            taken = time.perf_counter() - start
        rate = clients * size / MIB / taken
        whole = got == [size] * clients
        plan.put(pair.name, f"W10.get_x{clients}", rate, "MiB/s", rnd, ok=whole, server_cpu=server.cpu)


def mid(plan: Plan, pairs: list[Pair]) -> None:
    """W2 log 1,000 x 100 KiB, W3 download."""
    each_round(plan, pairs, _mid)


def _mid(plan: Plan, pair: Pair, rnd: int) -> None:
    wall, ref, costs = pair.timed("publish", name=f"mid{rnd}", path=plan.data["mid"])
    plan.put(pair.name, "W2.log_mid", wall, "s", rnd, **costs)
    pair.fetch(plan.put, ref, plan.data["mid"], "W3.get_mid", rnd)
    pair.server.forget(ref)


def small(plan: Plan, pairs: list[Pair]) -> None:
    """W2 log 10,000 x 1-8 KiB, W4 again unchanged, W5 again with 10 changed, W3 download, W8 memory."""
    # Most of the time of a whole run is MLflow with these files, and its rounds differ little.
    each_round(replace(plan, rounds=(plan.rounds + 1) // 2), pairs, _small)


def _small(plan: Plan, pair: Pair, rnd: int) -> None:
    name, first, second = f"small{rnd}", plan.data["small"], plan.data["small_v2"]
    before = pair.server.store_bytes() or 0
    wall, ref, costs = pair.timed("publish", name=name, path=first)
    refs = [ref]
    plan.put(pair.name, "W2.log_small", wall, "s", rnd, **costs)
    _memory(plan, pair, "log_small", costs, rnd)
    once = pair.server.store_bytes() or 0
    for metric, path, cold in (
        ("W4.relog_same", first, False),
        ("W4.relog_cold", first, True),
        ("W5.relog_10", second, False),
    ):
        if cold and not pair.call("drop_caches"):
            continue
        wall, ref, costs = pair.timed("republish", name=name, path=path)
        refs.append(ref)
        plan.put(pair.name, metric, wall, "s", rnd, **costs)
    data = size_of(first)
    plan.put(pair.name, "X.store_v1", (once - before) / MIB, "MiB", rnd, copies=(once - before) / data)
    grown = (pair.server.store_bytes() or 0) - before
    plan.put(pair.name, "X.store_v3", grown / MIB, "MiB", rnd, copies=grown / data)
    plan.put(pair.name, "X.store_copies", grown / data, "copies", rnd)
    pair.fetch(plan.put, refs[-1], second, "W3.get_small", rnd)
    for ref in refs:
        pair.server.forget(ref)


def _memory(plan: Plan, pair: Pair, what: str, costs: dict[str, float], rnd: int) -> None:
    if "server_pss" in costs:
        plan.put(pair.name, f"W8.{what}_pss", costs["server_pss"], "MiB", rnd)
        plan.put(pair.name, f"W8.{what}_grown", costs["server_grown"], "MiB", rnd)


def meta(plan: Plan, pairs: list[Pair]) -> None:
    """W6: version, alias and tag, by one client and by eight, raw and through the product's own client."""
    able = [pair for pair in pairs if not pair.name.startswith("limit")]
    for rnd in range(plan.rounds):
        for case, writers, own in (("seq", 1, True), ("c8_own", 8, True), ("c8_same", 8, False)):
            for pair in order(able, rnd):
                os.sync()
                factory = _writer(pair, f"meta-{case}-{rnd}", own=own)
                found = fork_load(factory, writers, plan.seconds)
                plan.put(pair.name, f"W6.{case}", found.pop("ops_s"), "op/s", rnd, **found)
        for pair in order(able, rnd):
            wall, _, costs = pair.timed("meta", name=f"meta-client-{rnd}", count=50)
            plan.put(pair.name, "W6.client", 50 / wall, "op/s", rnd, **costs)


def _writer(pair: Pair, prefix: str, *, own: bool) -> Callable[[int], Callable[[], None]]:
    def factory(index: int) -> Callable[[], None]:
        http = web.Http(pair.server.base, pair.server.http_headers())
        name, count = f"{prefix}-{index if own else 0}", iter(range(1, 1 << 30))
        pair.server.meta_setup(http, name)
        return lambda: pair.server.meta_op(http, name, next(count))

    return factory


def listing(plan: Plan, pairs: list[Pair]) -> None:
    """W7: 10,000 versions in one collection: pages, filters, look-ups, by 1 and 8 readers."""
    asked = {pair: _seeded(plan, pair) for pair in pairs}
    for rnd in range(plan.rounds):
        for case in CASES:
            for readers in (1, 8):
                for pair in order(pairs, rnd):
                    _read(plan, pair, asked[pair], case, readers, rnd)


def _seeded(plan: Plan, pair: Pair) -> dict[str, dict[str, Any]]:
    """Load the versions, and look at each answer once: a wrong answer fast is not an answer."""
    pair.server.seed_versions("many", plan.versions)
    asked: dict[str, dict[str, Any]] = pair.server.list_requests("many", plan.versions)
    for case, request in asked.items():
        http = web.Http(pair.server.base)
        status, body = http.call("GET", request["path"], headers=request.get("headers"))
        right = status == 200 and request["expect"].encode() in body
        plan.put(pair.name, f"X.bytes.{case}", len(body), "B", 0, ok=right)
    return asked


def _read(
    plan: Plan, pair: Pair, asked: dict[str, dict[str, Any]], case: str, readers: int, rnd: int
) -> None:
    with Sampler(pair.server.pids()) as server:
        found = web.wrk(pair.server.base, asked[case], readers, max(1, int(plan.seconds)), plan.scratch)
    shown = {"n": found["n"], "bad": found["bad"], "cpu_ms": server.cpu / max(1, found["n"]) * 1e3}
    metric = f"W7.{case}.c{readers}"
    plan.put(pair.name, f"{metric}.p50", found["p50"], "ms", rnd, **shown)
    if readers > 1:
        plan.put(pair.name, f"{metric}.p95", found["p95"], "ms", rnd, **shown)
        plan.put(pair.name, f"{metric}.rps", found["rps"], "req/s", rnd, **shown)


def cold(plan: Plan, pairs: list[Pair]) -> None:
    """W9 launch to the first 200, W8 idle memory; round 0 warms the disk cache and does not count."""
    able = [pair for pair in pairs if "cold" in pair.server.groups]
    for rnd in range(plan.rounds + 1):
        for pair in order(able, rnd):
            _launch(plan, pair, rnd, last=rnd == plan.rounds)


def _launch(plan: Plan, pair: Pair, rnd: int, *, last: bool) -> None:
    launch = pair.server.launch()
    if launch is None:
        return
    command, environment, url = launch
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, cwd=pair.workdir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        web.wait_200(url, process)
        if rnd:
            plan.put(pair.name, "W9.cold_start", time.perf_counter() - start, "s", rnd)
        if last:
            _idle(plan, pair, process.pid, rnd)
    finally:
        stop_tree(process)


def _idle(plan: Plan, pair: Pair, root: int, rnd: int) -> None:
    time.sleep(10)
    pids = tree([root])
    rss, pss = memory(pids)
    spent = cpu(pids)
    time.sleep(5)
    plan.put(pair.name, "W8.idle_rss", rss, "MiB", rnd, processes=len(pids))
    plan.put(pair.name, "W8.idle_pss", pss, "MiB", rnd)
    plan.put(pair.name, "X.idle_cpu", (cpu(pids) - spent) / 5 * 100, "%", rnd)


BY_NAME = {"big": big, "mid": mid, "small": small, "meta": meta, "list": listing}
