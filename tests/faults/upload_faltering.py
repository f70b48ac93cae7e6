"""Upload to a storage that falters: `python tests/faults/upload_faltering.py FOLDER NUMBER SEED`; a line of JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(folder: str, number: str, seed: str) -> None:
    from tests.faults import store

    store.set_up(Path(folder))
    from tests.faults import faltering

    found = faltering.measure(int(number), int(seed))
    print(json.dumps({"said": str(found), "faults": found.faults}))  # noqa: T201  # read by who started this


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "client" / "src")]
    main(*sys.argv[1:4])
