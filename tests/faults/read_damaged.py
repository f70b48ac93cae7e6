"""Read damaged contents in a store of its own: `python tests/faults/read_damaged.py FOLDER NUMBER`; a line of JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(folder: str, number: str) -> None:
    from tests.faults import store

    store.set_up(Path(folder))
    from django.conf import settings
    from django.test.utils import setup_test_environment

    setup_test_environment()
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    static = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": static}
    from tests.faults.damaged_reads import Reader

    reader = Reader()
    failed = reader.sound()
    found = reader.measure(int(number))
    said = {"refused": found.refused, "cut_short": found.cut_short, "wrong": found.wrong + failed}
    print(json.dumps(said))  # noqa: T201  # read by the process that started this one


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "client" / "src")]
    main(*sys.argv[1:3])
