"""Write the results of a run as Markdown: `python3 report.py results/NAME.json [--subject strongroom]`."""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from typing import Any

from figures import median, short
from targets import TARGETS, Target

PAGES = ("first_page", "deep_page", "filter_tag", "by_alias", "get_version", "ui_page")
ROWS = {
    "W1.log_big": "W1 log 1 GiB",
    "W2.log_small": "W2 log 10,000 x 1-8 KiB",
    "W2.log_mid": "W2 log 1,000 x 100 KiB",
    "W3.get_big": "W3 download 1 GiB",
    "W3.get_small": "W3 download 10,000 files",
    "W3.get_mid": "W3 download 1,000 files",
    "W4.relog_same": "W4 log 10,000 again, unchanged",
    "W4.relog_cold": "W4 the same, client cache dropped",
    "W5.relog_10": "W5 log again, 10 of 10,000 changed",
    "W6.seq": "W6 version, alias, tag; 1 client",
    "W6.c8_own": "W6 8 clients, own collections",
    "W6.c8_same": "W6 8 clients, one collection",
    "W6.client": "W6 through the own client",
    **{
        f"W7.{case}.{kind}": f"W7 {case.replace('_', ' ')}, {kind.replace('.', ' ')}"
        for case in PAGES
        for kind in ("c1.p50", "c8.p50", "c8.p95", "c8.rps")
    },
    **{f"X.bytes.{case}": f"bytes of {case.replace('_', ' ')}" for case in PAGES},
    "W8.idle_rss": "W8 server RSS idle",
    "W8.idle_pss": "W8 server PSS idle",
    "W8.log_big_pss": "W8 peak PSS during W1",
    "W8.log_big_grown": "W8 growth during W1",
    "W8.log_small_pss": "W8 peak PSS during W2",
    "W8.log_small_grown": "W8 growth during W2",
    "X.idle_cpu": "server CPU idle",
    "W9.cold_start": "W9 launch to the first 200",
    "W10.get_x1": "W10 GET 1 GiB, 1 client",
    "W10.get_x4": "W10 GET 1 GiB, 4 clients",
    "X.client_import": "client import",
    "X.store_v1": "store after v1",
    "X.store_v3": "store after v1, v1 again, v2",
    "X.store_copies": "the same, in copies of the data",
}
UP = ("op/s", "req/s", "MiB/s")


class Results:
    """The samples of some files, by metric and driver."""

    def __init__(self, samples: list[dict[str, Any]]) -> None:
        self.samples = samples
        self.cells: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        self.units: dict[str, str] = {}
        for sample in samples:
            self.cells[sample["metric"], sample["driver"]].append(sample)
            self.units[sample["metric"]] = sample["unit"]
        self.drivers = list(dict.fromkeys(sample["driver"] for sample in samples))

    def median(self, metric: str, driver: str, *, cpu: bool = False) -> float | None:
        """Return the median of a cell, or of the CPU seconds of both sides."""
        rows = self.cells.get((metric, driver), [])
        if cpu:
            return median(
                [row["client_cpu"] + row.get("server_cpu", 0) for row in rows if "client_cpu" in row]
            )
        return median([row["value"] for row in rows])

    def best(self, metric: str, prefix: str, *, cpu: bool = False) -> float | None:
        """Return the best median of a driver, or of all whose name starts so."""
        names = [name for name in self.drivers if name == prefix] or [
            name for name in self.drivers if name.startswith(prefix)
        ]
        if prefix == "mlflow":
            names = [name for name in self.drivers if name.startswith("mlflow")]
        found = [value for name in names if (value := self.median(metric, name, cpu=cpu)) is not None]
        if not found:
            return None
        return max(found) if self.is_up(metric) and not cpu else min(found)

    def is_up(self, metric: str) -> bool:
        """Tell whether more is better."""
        return self.units.get(metric) in UP


def ratio(
    results: Results, metric: str, mine: float | None, other: float | None, *, cpu: bool = False
) -> float | None:
    """Return how many times better we are."""
    if not mine or not other:
        return None
    return mine / other if results.is_up(metric) and not cpu else other / mine


def table(results: Results, subject: str) -> list[str]:
    """Write medians with their range, and the subject's ratios."""
    heads = ["workload", "unit", *results.drivers, "against MLflow's best", "against nginx"]
    lines = [_row(heads), "|" + "---|" * len(heads)]
    for metric, label in ROWS.items():
        if not any((metric, driver) in results.cells for driver in results.drivers):
            continue
        mine = results.median(metric, subject)
        compared = [
            ratio(results, metric, mine, results.best(metric, name)) for name in ("mlflow", "limit_nginx")
        ]
        ratios = ["–" if found is None else f"{short(found)}x" for found in compared]
        cells = [_cell(results.cells.get((metric, driver), [])) for driver in results.drivers]
        lines.append(_row([label, results.units[metric], *cells, *ratios]))
    return lines


def _cell(rows: list[dict[str, Any]]) -> str:
    values = [row["value"] for row in rows]
    if not values:
        return "–"
    spread = f" ({short(min(values))}–{short(max(values))})" if len(values) > 1 else ""
    return short(median(values)) + spread


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def cpu_table(results: Results) -> list[str]:
    """Write CPU seconds: they move much less than the clock on a busy machine."""
    lines = [
        _row(["CPU seconds, client + server", *results.drivers]),
        "|" + "---|" * (len(results.drivers) + 1),
    ]
    for metric, label in ROWS.items():
        cells = [_cpu_cell(results.cells.get((metric, driver), [])) for driver in results.drivers]
        if set(cells) != {"–"}:
            lines.append(_row([label, *cells]))
    return lines


def _cpu_cell(rows: list[dict[str, Any]]) -> str:
    rows = [row for row in rows if "client_cpu" in row]
    if not rows:
        return "–"
    client = median([row["client_cpu"] for row in rows])
    server = median([row["server_cpu"] for row in rows if "server_cpu" in row])
    return f"{short(client)} + {short(server)}"


def judged(results: Results, subject: str) -> list[str]:
    """Write each target with what was reached, and by how much it was met or missed."""
    lines = [_row(["target", "wanted", "reached", ""]), "|---|---|---|---|"]
    met = judged_count = 0
    for target in TARGETS:
        found = _judge(results, subject, target)
        if found is None:
            continue
        wanted, reached, share = found
        judged_count += 1
        met += share >= 1
        verdict = "met" if share >= 1 else f"**missed by {(1 / share - 1) * 100:.0f} %**"
        label = ROWS[target.metric] + (", CPU of both sides" if target.cpu else "")
        lines.append(_row([label, wanted, reached, verdict]))
    return [f"{met} of {judged_count} targets are met.", "", *lines]


def _judge(results: Results, subject: str, target: Target) -> tuple[str, str, float] | None:
    """Return what is wanted, what was reached, and their quotient (1 or more: met)."""
    mine = results.median(target.metric, subject, cpu=target.cpu)
    if mine is None:
        return None
    unit = results.units[target.metric]
    if not target.best:
        return _absolute(target, mine, unit)
    if target.best in ROWS:
        other, name = results.median(target.best, subject), ROWS[target.best]
    else:
        other, name = results.best(target.metric, target.best, cpu=target.cpu), target.best
    times = ratio(results, target.metric, mine, other, cpu=target.cpu)
    if times is None:
        return None
    if target.at_least is not None:
        return f"≥ {target.at_least:g}x {name}", f"{short(times)}x", times / target.at_least
    assert target.at_most is not None
    return f"≤ {target.at_most:g}x {name}", f"{short(1 / times)}x", target.at_most * times


def _absolute(target: Target, mine: float, unit: str) -> tuple[str, str, float]:
    reached = f"{short(mine)} {unit}"
    if target.at_least is not None:
        return f"≥ {target.at_least:g} {unit}", reached, mine / target.at_least
    assert target.at_most is not None
    return f"≤ {target.at_most:g} {unit}", reached, target.at_most / mine if mine else 1.0


def unclean(results: Results) -> list[str]:
    """Write which samples had failed requests or wrong bytes."""
    bad = [
        f"- {row['driver']}, {row['metric']}, round {row['round']}: "
        f"{row.get('bad') or 'wrong answer'} {row.get('err') or ''}"
        for row in results.samples
        if row.get("ok") is False or row.get("bad") or row.get("err")
    ]
    return bad or ["No request failed, and every download had the right bytes."]


def head(meta: dict[str, Any], results: Results) -> list[str]:
    """Write what was measured, on what, and when."""
    loads = [row["load1"] for row in results.samples]
    lines = [
        "# Results",
        "",
        "Strongroom with sign-in, permissions and its audit log on, beside MLflow and the limits of the machine, "
        "in one run of `make bench`.",
        "Cells are medians (smallest–largest); [README.md](README.md) says what is measured and how.",
        "",
        f"- Run: {meta['date']}, {meta['rounds']} rounds, scale {meta['scale']:g}, "
        f"load average {short(median(loads))} (highest {short(max(loads))})",
    ]
    for title in ("machine", "versions", "speeds"):
        lines.append(
            f"- {title.title()}: " + "; ".join(f"{key} {value}" for key, value in meta[title].items())
        )
    return lines


def main() -> None:
    """Print the whole report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--subject", default="strongroom")
    options = parser.parse_args()
    with open(options.file) as file:
        found = json.load(file)
    results = Results(found["samples"])
    parts = {
        "": head(found["meta"], results),
        "Targets": judged(results, options.subject),
        "All measurements": table(results, options.subject),
        "CPU": cpu_table(results),
        "Failures": unclean(results),
    }
    for title, lines in parts.items():
        print("\n".join([f"\n## {title}\n", *lines] if title else lines))


if __name__ == "__main__":
    main()
