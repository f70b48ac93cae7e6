"""How long the pages take at the server, and how heavy a first visit is: `.venv/bin/python bench/pages.py`.

An installation as `make run` starts it (SQLite, on a free port, in a temporary folder) with 10,000 versions in one
collection and 10,000 collections in one project; a member of the team is signed in, and asks one page after the other
over one connection. Beside the pages of lists stand the requests that MLflow's own pages make for the same list: the
first time this takes some minutes to make `bench/work/venv-mlflow`. `--alone` leaves MLflow out, and a trial with
`--count` writes to bench/work; else this writes PAGES.md.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from drivers import base, mlflow, strongroom
from figures import percentile, short
from web import Http, sign_in

HERE = os.path.dirname(os.path.abspath(__file__))
HOME = f"/team-0/{strongroom.PROJECT}"
MANY, FOLDERS = "many", "folders"
# What is promised of each page: milliseconds at the median, and kilobytes of a first visit.
TARGET_MS, TARGET_KB = 50, 150
ROUNDS = 5
# The pages for which MLflow has the same: what they are called there.
SAME = {
    "project": "models",
    "project, deep in": "models, deep in",
    "collection": "versions",
    "collection, deep in": "versions, deep in",
    "collection, by tag": "versions, by tag",
    "version": "version",
    "search": "models, by name",
}


def prepare(server: strongroom.Server, count: int) -> dict[str, tuple[str, str]]:
    """Fill the installation, and return where each page is, with a text that a right answer holds."""
    api = Http(server.base, server.http_headers())
    server.seed_versions(MANY, count)
    server.describe_versions(MANY, count)
    server.seed_collections(MANY, count)
    log_folders(api)
    busy = f"/api/v1/projects/team-0/{strongroom.PROJECT}/collections/{MANY}/versions/v{count - 1}/tags"
    for at in range(20):
        api.json("PUT", f"{busy}/seen-{at}")
    page = Http(
        server.base, {"Cookie": sign_in(server.base, "/sign-in", strongroom.READER, strongroom.PASSWORD)}
    )
    collection, version = f"{HOME}/artifacts/{MANY}", f"{HOME}/artifacts/{MANY}/v{count - 1}"
    return {
        "home": ("/", MANY),
        "project": (HOME, f"model-{count - 1:05}"),
        "project, deep in": (deep(page, f"{HOME}?order=name", count // 2), "model-"),
        "project, by name": (f"{HOME}?q={count - 2:05}", f"model-{count - 2:05}"),
        "collection": (collection, f"v{count - 1}"),
        "collection, deep in": (deep(page, collection, count // 2), f"v{count // 2 - 1}"),
        "collection, by tag": (f"{collection}?q=tag:stage-prod", f"v{count - 1}"),
        "collection, metadata above 0.99": (f"{collection}?q=metadata.accuracy%3E0.99", "0.99"),
        "collection, metadata that one has": (f"{collection}?q=metadata.accuracy%3D0.5", "v0"),
        "collection, sorted by metadata": (f"{collection}?column=accuracy&order=-metadata.accuracy", "0.99"),
        "version": (version, "accuracy"),
        "version, metadata": (f"{version}/metadata", "optimizer"),
        "version, history": (f"{version}/history", "seen-19"),
        "version, lineage": (f"{version}/lineage", MANY),
        "files": (f"{HOME}/artifacts/{FOLDERS}/v0/files", "part-00"),
        "files, a table": (f"{HOME}/artifacts/{FOLDERS}/v0/files/table.csv", "column"),
        "files, a wide table": (f"{HOME}/artifacts/{FOLDERS}/v0/files/wide.csv", "column-49"),
        "files, a part of a path": (f"{HOME}/artifacts/{FOLDERS}/v0/find?path=image-00", "image-0099"),
        "search": ("/search?q=model-00", "model-00"),
        "search, a word of all cards": ("/search?q=nightly", "nightly"),
        "search, a word of one card": (f"/search?q={count // 2}", str(count // 2)),
        "search, as one types": ("/search/complete?q=model-00", "model-00"),
        "compare": (f"{HOME}/compare?a={MANY}:v0&b={MANY}:v{count - 1}", "accuracy"),
    }


def log_folders(api: Http) -> None:
    """Log a version of a thousand files in ten folders: a table, one of fifty columns, and references."""
    rows = "\n".join(f"{at},{at * 7 % 13},{at % 5}" for at in range(5000))
    head = ",".join(f"column-{at:02}" for at in range(50))
    wide = "\n".join(",".join(str((at + each) * 7 % 97 / 8) for each in range(50)) for at in range(1000))
    tables = {
        "table.csv": f"column,second,third\n{rows}\n".encode(),
        "wide.csv": f"{head}\n{wide}\n".encode(),
    }
    frames, entries = b"", list[dict[str, Any]]()
    for name, data in tables.items():
        digest = hashlib.sha256(data).digest()
        frames += digest + len(data).to_bytes(8, "big") + data
        entries.append({"path": name, "size": len(data), "sha256": digest.hex()})
    for at in range(998):
        path = f"part-{at // 100:02}/image-{at:04}.png"
        entries.append({"path": path, "ref": f"s3://images/{path}", "digest": f"{at:032x}", "size": 4096})
    entries.sort(key=lambda each: each["path"])
    body = {"collection": FOLDERS, "type": "dataset", "entries": entries}
    body["bundle"] = base64.b64encode(frames).decode()
    api.json("POST", f"/api/v1/projects/team-0/{strongroom.PROJECT}/versions", body)


def deep(page: Http, path: str, rows: int) -> str:
    """Find the page after so many rows as a reader would: page after page."""
    start = path.partition("?")[0]
    for _ in range(rows // 25):
        text = page.call("GET", path)[1].decode()
        found = re.search(r'href="(\?[^"]*after=[^"]*)"[^>]*rel="next"', text)
        if found is None:
            raise RuntimeError(f"{path} has no next page")
        path = start + found[1].replace("&amp;", "&")
    return path


def of_mlflow(server: mlflow.Server, count: int) -> dict[str, tuple[str, str]]:
    """Fill MLflow, and return the requests that its pages make for the same lists."""
    server.seed_versions(MANY, count)
    server.seed_collections(count)
    found = server.list_requests(MANY, count)
    models = "/ajax-api/2.0/mlflow/registered-models/search"
    http, token = Http(server.base), ""
    for _ in range(max(1, count // 2 // 1000)):
        query = {"max_results": 1000, **({"page_token": token} if token else {})}
        token = http.json("GET", f"{models}?{urllib.parse.urlencode(query)}")["next_page_token"]
    half = urllib.parse.urlencode({"max_results": 25, "page_token": token})
    named = urllib.parse.urlencode({"max_results": 25, "filter": "name ILIKE '%model-00%'"})
    versions = {
        name: (
            found[case]["path"].replace("/api/", "/ajax-api/").replace("max_results=100", "max_results=25"),
            expect,
        )
        for name, case, expect in (
            ("versions", "ui_page", f'"{count}"'),
            ("versions, deep in", "deep_page", '"version"'),
            ("versions, by tag", "filter_tag", '"prod"'),
            ("version", "get_version", '"version"'),
        )
    }
    return {
        "models": (f"{models}?max_results=25", "model-00000"),
        "models, deep in": (f"{models}?{half}", "model-"),
        "models, by name": (f"{models}?{named}", "model-00"),
        **versions,
    }


def ask(http: Http, path: str, expected: str) -> float:
    """Ask for a page, look whether it is the right one, and return the milliseconds."""
    began = time.perf_counter()
    status, answer = http.call("GET", path)
    taken = (time.perf_counter() - began) * 1000
    if status != 200 or expected.encode() not in answer:
        raise RuntimeError(f"{path}: {status} {answer[:300]!r}")
    return taken


def measure(
    asked: dict[str, dict[str, tuple[str, str]]], of: dict[str, Http], each: int
) -> dict[Any, list[float]]:
    """Ask for every page of every server in turn, in some rounds; the first request of each does not count."""
    taken: dict[Any, list[float]] = {}
    for rnd in range(ROUNDS):
        for server, pages in asked.items():
            for name, place in pages.items():
                if rnd == 0:
                    ask(of[server], *place)
                taken.setdefault((server, name), []).extend(
                    ask(of[server], *place) for _ in range(max(1, each // ROUNDS))
                )
    return taken


def weights(address: str, cookie: str, pages: dict[str, tuple[str, str]]) -> dict[str, float]:
    """Open each page in a browser with an empty cache, and return the kilobytes that came; {} without a browser."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if importlib.util.find_spec("playwright") is None or program is None:
        return {}
    from playwright.sync_api import sync_playwright

    found = {}
    session = re.search(r"(strongroom-session)=([^;]+)", cookie)
    assert session is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for title, (path, _) in pages.items():
            context = browser.new_context()
            context.add_cookies([{"name": session[1], "value": session[2], "url": address}])
            found[title] = _weight(context, address + path)
            context.close()
        browser.close()
    return found


def _weight(context: Any, address: str) -> float:
    page = context.new_page()
    came: list[float] = []
    watched = context.new_cdp_session(page)
    watched.send("Network.enable")
    watched.on("Network.loadingFinished", lambda event: came.append(event["encodedDataLength"]))
    page.goto(address, wait_until="networkidle")
    return sum(came) / 1000


def table(taken: dict[Any, list[float]], heavy: dict[str, float], others: list[str]) -> str:
    """Write the rows: ours, and of MLflow the better of its servers."""
    heads = (
        "page",
        "median, ms",
        "95 of 100 within, ms",
        "first visit, kB",
        "MLflow at its best, median, ms",
    )
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for (server, name), values in taken.items():
        if server != "strongroom":
            continue
        best = [percentile(taken[other, SAME[name]], 50) for other in others if name in SAME]
        median = percentile(values, 50)
        late, fat = median > TARGET_MS, heavy.get(name, 0) > TARGET_KB
        cells = [
            name,
            f"**{short(median)}**" if late else short(median),
            short(percentile(values, 95)),
            (f"**{heavy[name]:.0f}**" if fat else f"{heavy[name]:.0f}") if name in heavy else "–",
            short(min(best)) if best else "–",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def report(count: int, each: int, load: str, rows: str) -> str:
    """Write the whole file."""
    day = f"{datetime.now(UTC):%-d %b %Y}"
    return f"""# Pages

Measured on {day} by `bench/pages.py`: {count:,} versions in one collection, {count:,} collections
in one project, SQLite, one reader who is signed in, {each} requests a page over loopback. The load average was {load}
on {os.cpu_count()} cores while it ran. Promised: {TARGET_MS} ms at the median, {TARGET_KB} kB for a first visit (page,
styles, scripts and fonts, compressed as they came); what misses it is bold. MLflow's column has the request that its
own page makes for the same list, without the 4.4 MB of script around it.

{rows}
"""


def main() -> None:
    """Start the servers, fill them, measure, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--alone", action="store_true", help="without MLflow")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as folder:
        servers: dict[str, base.Server] = {
            "strongroom": strongroom.Server(os.path.join(folder, "strongroom"), {})
        }
        if not options.alone:
            make_environment()
            servers["mlflow"] = mlflow.Server(os.path.join(folder, "mlflow"), {})
            servers["mlflow:gunicorn=1"] = mlflow.Server(os.path.join(folder, "gunicorn"), {"gunicorn": "1"})
        try:
            text = run(servers, options.count, options.requests)
        finally:
            for server in servers.values():
                server.stop()
    # Only the whole counts are worth keeping under the project's name.
    place = HERE if options.count == 10_000 and not options.alone else base.WORK
    os.makedirs(place, exist_ok=True)
    with open(os.path.join(place, "PAGES.md"), "w") as file:
        file.write(text)
    sys.stdout.write(text)


def make_environment() -> None:
    """Make MLflow's virtual environment where it is missing, unless another one is named."""
    if "BENCH_MLFLOW_VENV" not in os.environ:
        script = os.path.join(HERE, "environments.sh")
        subprocess.run(["sh", script, "mlflow"], env={**os.environ, "PYTHON": sys.executable}, check=True)


def run(servers: dict[str, base.Server], count: int, each: int) -> str:
    """Fill what is given, and measure it side by side."""
    asked, of, fill = {}, {}, {True: prepare, False: of_mlflow}
    for name, server in servers.items():
        server.prepare()
        server.start()
        filling: Callable[..., dict[str, tuple[str, str]]] = fill[name == "strongroom"]
        asked[name], of[name] = filling(server, count), Http(server.base)
    ours = servers["strongroom"]
    cookie = sign_in(ours.base, "/sign-in", strongroom.READER, strongroom.PASSWORD)
    of["strongroom"].headers["Cookie"] = cookie
    before = os.getloadavg()[0]
    taken = measure(asked, of, each)
    load = f"{before:.1f} before and {os.getloadavg()[0]:.1f} after"
    heavy = weights(ours.base, cookie, asked["strongroom"])
    return report(count, each, load, table(taken, heavy, [name for name in servers if name != "strongroom"]))


if __name__ == "__main__":
    main()
