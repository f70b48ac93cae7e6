"""How long pages take while something else goes on: one reader in a process of its own, asking without pause.

`collecting.py` starts it. It prints a line for each request: when it began, of the clock that all processes share,
the page, and the milliseconds until the last byte.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import percentile
from processes import cpu, tree
from web import Http, sign_in

# Between two requests: a reader who clicks, and no flood.
PAUSE = 0.02


def main() -> None:
    """Ask for the pages in turn until ended."""
    base, user, password, *paths = sys.argv[1:]
    http = Http(base, {"Cookie": sign_in(base, "/sign-in", user, password)})
    while True:
        for path in paths:
            began = time.monotonic()
            status, answer = http.call("GET", path)
            taken = (time.monotonic() - began) * 1000
            if status != 200:
                raise RuntimeError(f"{path}: {status} {answer[:300]!r}")
            sys.stdout.write(json.dumps([began, path, taken]) + "\n")
            sys.stdout.flush()
            time.sleep(PAUSE)


class Watch:
    """What a reader met, by the spans of time in which it was."""

    def __init__(self, log: Path, paths: dict[str, str], server: int) -> None:
        self.log, self.paths, self.server = log, paths, server
        self.spans: dict[str, tuple[float, float, float]] = {}

    @contextmanager
    def during(self, what: str) -> Iterator[None]:
        """Count what is asked for within as done during something."""
        began, spent = time.monotonic(), cpu(tree([self.server]))
        # In the order of their beginnings.
        self.spans[what] = (0, 0, 0)
        yield
        self.spans[what] = (began, time.monotonic(), cpu(tree([self.server])) - spent)

    def rows(self) -> Iterator[str]:
        """Give a line of a table for each span: of each page the median, the 95th of 100, and the slowest request."""
        told = [json.loads(line) for line in self.log.read_text().splitlines()]
        for what, (began, ended, spent) in self.spans.items():
            met = [one for one in told if began <= one[0] < ended]
            cells = [what, f"{ended - began:.1f} s"]
            for path in self.paths.values():
                taken = [one[2] for one in met if one[1] == path]
                figures = [percentile(taken, 50), percentile(taken, 95), max(taken, default=0)]
                cells.append(f"{' / '.join(f'{each:.0f}' for each in figures)} ({len(taken)})")
            cells.append(f"{1000 * spent / len(met):.0f} ms" if met else "–")
            yield f"| {' | '.join(cells)} |"


@contextmanager
def watching(
    base: str, server: int, who: tuple[str, str], paths: dict[str, str], folder: Path
) -> Iterator[Watch]:
    """Have a reader ask for pages, by their names in the table, as long as this lasts."""
    log = folder / "watched"
    with log.open("w") as file:
        command = [sys.executable, __file__, base, *who, *paths.values()]
        reader = subprocess.Popen(command, stdout=file, cwd=Path(__file__).parent)
        try:
            yield Watch(log, paths, server)
            if reader.poll() is not None:
                raise RuntimeError("the reader ended early")
        finally:
            reader.kill()
            reader.wait()


if __name__ == "__main__":
    main()
