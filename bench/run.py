"""Run every workload on every driver, interleaved, into one JSON file that is saved after each sample.

python3 run.py [--drivers "limit_cp limit_nginx mlflow strongroom"] [--groups cold,meta,list,mid,big,small]
               [--rounds 3] [--scale 1.0] [--seconds 3] [--out results/NAME.json]

In each round every driver does the same step before the next step starts (A B C, then B C A, …), so that a
drift of the machine's speed falls on all of them.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import shutil
import signal
import sys
import time
from typing import Any

import datagen
import groups
import machine
from pair import Pair

HERE = os.path.dirname(os.path.abspath(__file__))
DRIVERS = "limit_cp limit_nginx limit_nginx:mode=tar mlflow mlflow:gunicorn=1 strongroom"
GROUPS = "cold,meta,list,mid,big,small"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--drivers", default=DRIVERS, help="names with spaces between them")
    parser.add_argument("--groups", default=GROUPS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--seconds", type=float, default=3, help="how long one measurement of W6 and W7 lasts"
    )
    parser.add_argument("--versions", type=int, default=10_000)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--work", default=os.path.join(HERE, "work"))
    parser.add_argument("--out", default="")
    return parser.parse_args()


class Samples:
    """What was measured so far, in memory and on disk."""

    def __init__(self, path: str, meta: dict[str, Any]) -> None:
        self.path, self.meta, self.rows = path, meta, list[dict[str, Any]]()
        os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)

    def put(self, driver: str, metric: str, value: float, unit: str, rnd: int = 0, **more: Any) -> None:
        """Add one sample, show it and save all."""
        load = round(os.getloadavg()[0], 2)
        row = {"driver": driver, "metric": metric, "value": value, "unit": unit, "round": rnd, "load1": load}
        self.rows.append({**row, **more})
        shown = " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in more.items())
        when = time.strftime("%H:%M:%S")
        print(f"{when} r{rnd} {driver:20} {metric:22} {value:10.3f} {unit:6} {shown}", flush=True)
        self.save()

    def save(self) -> None:
        """Write the file whole: a run that is broken off keeps what it has."""
        with open(self.path + ".tmp", "w") as file:
            json.dump({"meta": self.meta, "samples": self.rows}, file, indent=0)
        os.replace(self.path + ".tmp", self.path)


def measure(options: argparse.Namespace, pairs: list[Pair], samples: Samples) -> None:
    """Run the groups that were asked for."""
    wanted = options.groups.split(",")
    data = datagen.ensure(os.path.join(options.work, f"data-{options.scale:g}"), options.scale)
    plan = groups.Plan(data, samples.put, options.rounds, options.seconds, options.versions, options.work)
    if "cold" in wanted:
        groups.cold(plan, pairs)
    if set(wanted) - {"cold"}:
        for pair in pairs:
            samples.put(pair.name, "X.client_import", pair.up(), "s")
    for name in wanted:
        if name != "cold":
            groups.BY_NAME[name](plan, [pair for pair in pairs if name in pair.server.groups])


def main() -> None:
    """Bring all up, measure, and end all, whatever happens."""
    options = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the servers are ended on the way out
    now = datetime.datetime.now().astimezone()
    out = options.out or os.path.join(HERE, "results", f"{now:%Y%m%d-%H%M%S}.json")
    facts = machine.facts(options.work)
    meta = {**facts, "date": f"{now:%Y-%m-%d %H:%M %Z}", "scale": options.scale, "rounds": options.rounds}
    samples = Samples(out, {**meta, "versions_listed": options.versions})
    pairs: list[Pair] = []
    try:
        for name in options.drivers.split():
            pairs.append(Pair(name, os.path.join(options.work, "servers"), options.work))
        measure(options, pairs, samples)
        samples.meta["finished"] = f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z}"
        samples.save()
    finally:
        for pair in pairs:
            pair.down()
        shutil.rmtree(os.path.join(options.work, "servers"), ignore_errors=True)
    print("wrote", out)


if __name__ == "__main__":
    main()
