"""Many writers at once: one operation repeated in some processes for some seconds."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import figures

Operation = Callable[[], None]


def fork_load(factory: Callable[[int], Operation], workers: int, seconds: float) -> dict[str, Any]:
    """Repeat what `factory(i)` gives in process `i`; returns operations/s, latencies and failures."""
    context = multiprocessing.get_context("fork")
    results, barrier = context.SimpleQueue(), context.Barrier(workers + 1)

    def body(index: int) -> None:
        results.put(_repeat(factory, index, barrier, seconds))

    processes = [context.Process(target=body, args=(index,)) for index in range(workers)]
    for process in processes:
        process.start()
    barrier.wait()
    start = time.perf_counter()
    found = [results.get() for _ in processes]
    wall = time.perf_counter() - start
    for process in processes:
        process.join()
    taken = [seconds for each in found for seconds in each[0]]
    return {
        "ops_s": len(taken) / wall,
        "p50_ms": figures.percentile(taken, 50) * 1e3,
        "p95_ms": figures.percentile(taken, 95) * 1e3,
        "bad": sum(each[1] for each in found),
        "err": next((each[2] for each in found if each[2]), None),
    }


def _repeat(
    factory: Callable[[int], Operation], index: int, barrier: Any, seconds: float
) -> tuple[list[float], int, str | None]:
    taken: list[float] = []
    bad, error, operation = 0, None, None
    try:
        operation = factory(index)
    except Exception as trouble:  # noqa: BLE001  # counted and shown in the results
        bad, error = 1, repr(trouble)[:300]
    barrier.wait()
    end = time.perf_counter() + seconds
    while operation is not None and time.perf_counter() < end:
        start = time.perf_counter()
        try:
            operation()
            taken.append(time.perf_counter() - start)
        except Exception as trouble:  # noqa: BLE001  # counted and shown in the results
            bad, error = bad + 1, repr(trouble)[:300]
    return taken, bad, error
