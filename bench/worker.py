"""The client half of a driver, run by that driver's own Python: one JSON line in, one out."""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from typing import Any, TextIO

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def usage() -> float:
    """Return the CPU seconds of this process and of the children that ended."""
    every = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in every)


def answer(out: TextIO, **found: Any) -> None:
    """Write one line to the harness."""
    out.write(json.dumps(found) + "\n")


def serve(client: Any, out: TextIO) -> None:
    """Do what the lines of the harness ask for, until there are no more."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            spent, start = usage(), time.perf_counter()
            value = getattr(client, asked["op"])(**asked["kw"])
            wall = time.perf_counter() - start
            rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            answer(out, wall_s=wall, cpu_s=usage() - spent, value=value, rss_mib=rss)
        except Exception as error:  # noqa: BLE001  # the harness raises it again on its side
            traceback.print_exc()
            answer(out, error=repr(error)[:2000])


def main() -> None:
    """Import the client of the driver, say how long that took, and serve."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a client library prints must not reach the harness
    import drivers

    module = drivers.load(sys.argv[1])
    client = module.Client(json.loads(sys.argv[2]))
    start = time.perf_counter()
    client.open()
    answer(out, import_s=time.perf_counter() - start)
    serve(client, out)


if __name__ == "__main__":
    main()
