"""What registries cost at size: `.venv/bin/python bench/registries.py`.

An installation as `make run` starts it (SQLite, on a free port, in a temporary folder) with a registry of 1,000
registered models, ten links each and an alias history, and a promotion of each model. One more registered model was
linked, proposed, reviewed and talked about through the doors: the page of its promotion compares two versions of a
thousand files. An admin of the registry who is signed in asks one page after the other over one connection. Then a
script links 1,000 versions, one request each, into one registered model, whose page is measured as well. A trial with
`--models` writes to bench/work; else this writes REGISTRIES.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from typing import Any

from drivers import base, strongroom
from figures import percentile, short
from pages import ask, deep
from web import Http, sign_in

HERE = os.path.dirname(os.path.abspath(__file__))
ORGANIZATION, TEAM, SOURCE = "bench-org", "team-0", "detector"
REGISTRY = f"/{ORGANIZATION}/wandb-registry-models"
HOME = f"/registries/{ORGANIZATION}/models"
PROJECT = f"/api/v1/projects/{TEAM}/{strongroom.PROJECT}"
API = f"/api/v1/organizations/{ORGANIZATION}/registries/models"
# What is promised of each page: milliseconds at the median.
TARGET_MS, ROUNDS, FILES, COMMENTS = 50, 5, 1000, 20
CARD = (
    "# Use\n\nFinds defects on hot-rolled strip.\n\n# Limits\n\n" + "- Not evaluated on line {line}.\n" * 20
)


def fill(server: strongroom.Server, api: Http, models: int) -> int:
    """Make the registry and what is in it, and return the number of the promotion that is looked at."""
    server.seed_versions(SOURCE, models * 10)
    server.describe_versions(SOURCE, models * 10)
    server._inside("shelve", TEAM, strongroom.PROJECT, SOURCE, strongroom.USER, str(models * 10))
    return propose(api)


def propose(api: Http) -> int:
    """Log, link, and propose as a team does: a model of a thousand files, ten of which another version changes."""
    for version in (0, 1):
        api.json("POST", f"{PROJECT}/versions", model(version))
        link(api, "segmenter", version, "segmenter")
    asked = {
        "collection": "segmenter",
        "version": "v1",
        "alias": "production",
        "reason": "Better on **line 4**.",
    }
    place = f"/api/v1/projects{REGISTRY}/collections/segmenter"
    first = {"version": "v0", "reason": "The first one."}
    api.json("PUT", f"{place}/aliases/production", first)
    number = int(api.json("POST", f"{API}/promotions", asked)["number"])
    found = {"name": "ci/latency", "state": "success", "finding": "p95 is 18.4 ms"}
    api.json("POST", f"{place}/versions/v1/checks", found)
    for at in range(COMMENTS):
        api.json(
            "POST", f"{API}/promotions/{number}/comments", {"body": f"Is glare of lamp {at} in the data?"}
        )
    return number


def model(version: int) -> dict[str, Any]:
    """Return a version with its files, card and thirty numbers."""
    entries = []
    for at in range(FILES):
        digest = f"{at:032x}" if at % 100 or not version else f"{at + FILES:032x}"
        path = f"part-{at // 100:02}/shard-{at:04}.bin"
        entries.append({"path": path, "ref": f"s3://models/{path}", "digest": digest, "size": 4096 + version})
    metadata = {f"slice-{at:02}": {"f1": round(0.9 + (at + version) % 30 / 400, 4)} for at in range(30)}
    card = CARD.replace("{line}", str(version + 1))
    return {
        "collection": "segmenter",
        "type": "model",
        "entries": entries,
        "metadata": metadata,
        "description": card,
    }


def link(api: Http, collection: str, version: int, portfolio: str) -> float:
    """Link a version, and return the milliseconds."""
    body = {"target_path": f"{ORGANIZATION}/wandb-registry-models/{portfolio}"}
    began = time.perf_counter()
    api.json("POST", f"{PROJECT}/collections/{collection}/versions/v{version}/link", body)
    return (time.perf_counter() - began) * 1000


def pages(page: Http, models: int, promotion: int) -> dict[str, tuple[str, str]]:
    """Return where each page is, with a text that a right answer holds."""
    last = f"model-{models - 1:05}"
    shelf = f"{REGISTRY}/artifacts/{last}"
    return {
        "registries of the organization": (f"/registries/{ORGANIZATION}", "models"),
        "registry": (REGISTRY, "segmenter"),
        "registry, deep in": (deep(page, f"{REGISTRY}?order=name", models // 2), "model-"),
        "registry, by name": (f"{REGISTRY}?q={last}", last),
        "registered model": (shelf, "production"),
        "registered model, aliases": (f"{shelf}/aliases", "production"),
        "link": (f"{shelf}/v9", last),
        "link to registry": (f"/{TEAM}/{strongroom.PROJECT}/artifacts/{SOURCE}/v0/link", "models"),
        "promotions": (f"{HOME}/promotions", "segmenter"),
        "promotions, deep in": (deep(page, f"{HOME}/promotions", models // 2), "model-"),
        "promotions, in review": (f"{HOME}/promotions?state=open", "model-"),
        "promotions of all registries": ("/promotions", "segmenter"),
        "promotion": (f"{HOME}/promotions/{promotion}", "p95 is 18.4 ms"),
        "promotion of a small model": (f"{HOME}/promotions/1", "model-00000"),
        "inbox": ("/inbox/mine", "segmenter"),
    }


def measure(http: Http, asked: dict[str, tuple[str, str]], each: int) -> dict[str, list[float]]:
    """Ask for every page in turn, in some rounds; the first request of each does not count."""
    taken: dict[str, list[float]] = {}
    for rnd in range(ROUNDS):
        for name, place in asked.items():
            if rnd == 0:
                ask(http, *place)
            rows = taken.setdefault(name, [])
            rows.extend(ask(http, *place) for _ in range(max(1, each // ROUNDS)))
    return taken


def table(taken: dict[str, list[float]]) -> str:
    """Write a row of each."""
    lines = ["| what | median, ms | 95 of 100 within, ms |", "|---|---|---|"]
    for name, values in taken.items():
        median = percentile(values, 50)
        said = f"**{short(median)}**" if median > TARGET_MS else short(median)
        lines.append(f"| {name} | {said} | {short(percentile(values, 95))} |")
    return "\n".join(lines)


def report(models: int, each: int, load: str, taken: dict[str, list[float]], linking: list[float]) -> str:
    """Write the whole file."""
    tenth = max(1, len(linking) // 10)
    parts = {
        "linking, all": linking,
        "the first tenth": linking[:tenth],
        "the last tenth": linking[-tenth:],
    }
    return f"""# Registries

Measured on {datetime.now(UTC):%-d %b %Y} by `bench/registries.py`: a registry of {models:,} registered models with ten
links each ({models * 10:,} links) and {models:,} promotions, SQLite, an admin of it who is signed in, {each}
requests a page over loopback. The load average was {load} on {os.cpu_count()} cores while it ran.
Promised: {TARGET_MS} ms at the median; what misses it is bold. The promotion compares two versions of {FILES:,} files,
with {COMMENTS} comments.

{table(taken)}

{len(linking):,} versions, each linked by one request of one client into one registered model:
{sum(linking) / 1000:.1f} s.

{table(parts)}
"""


def run(server: strongroom.Server, models: int, each: int) -> str:
    """Fill the server, and measure it."""
    server.prepare()
    server.start()
    api = Http(server.base, server.http_headers())
    number = fill(server, api, models)
    cookie = sign_in(server.base, "/sign-in", strongroom.USER, strongroom.PASSWORD)
    page = Http(server.base, {"Cookie": cookie})
    asked = pages(page, models, number)
    before = os.getloadavg()[0]
    taken = measure(page, asked, each)
    linking = [link(api, SOURCE, at, "linked") for at in range(min(1000, models * 10))]
    shelf = (f"{REGISTRY}/artifacts/linked", f"v{len(linking) - 1}")
    taken |= measure(page, {f"registered model of {len(linking):,} links": shelf}, each)
    load = f"{before:.1f} before and {os.getloadavg()[0]:.1f} after"
    return report(models, each, load, taken, linking)


def main() -> None:
    """Start the server, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        server = strongroom.Server(os.path.join(folder, "strongroom"), {})
        try:
            text = run(server, options.models, options.requests)
        finally:
            server.stop()
    # Only the whole counts are worth keeping under the project's name.
    place = HERE if options.models == 1000 else base.WORK
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "REGISTRIES.md"), "w") as file:
        file.write(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
