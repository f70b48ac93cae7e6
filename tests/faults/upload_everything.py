"""What is traced for the order of fsyncs: bundles, pieces and uploads, several at a time."""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2])]
from tests.faults import store  # noqa: E402  # the line above makes it importable from anywhere

THREADS, ROUNDS = 4, 6


def break_something(kind: str) -> None:
    """Leave out one of the calls, so that it is shown that the judge would notice."""
    from registry.storage import durable, objects
    from registry.storage.backends import local

    if kind == "file":
        objects.publish = lambda file, name: objects.backends.current().adopt(file.path, name)
    elif kind == "all":
        os.fsync = lambda handle: None
    elif kind == "folder":
        local.fsync_directory = lambda path: None
    elif kind == "parents":
        durable.fsync_directory = lambda path: None


def main(data: Path, broken: str) -> None:
    store.set_up(data)
    from django.db import connection

    from registry import storage
    from registry.models import StoredObject

    if broken:
        break_something(broken)
    scope = store.make_scope()
    told: set[str] = set()
    lock = threading.Lock()

    def tell(handle: int) -> None:
        with lock:
            names = set(StoredObject.objects.values_list("name", flat=True)) - told
            told.update(names)
            for name in sorted(names):
                os.write(handle, f"{name}\n".encode())

    def work(number: int, handle: int) -> None:
        dice, same = random.Random(number), random.Random(0)
        for _ in range(ROUNDS):
            # The last is the same in all threads: they race for it.
            for act, who in ((store.send_bundle, dice), (store.send_upload, dice), (store.send_bundle, same)):
                act(scope, who)
                tell(handle)
            storage.write_pieces([dice.randbytes(1000) for _ in range(20)])
            tell(handle)
        connection.close()

    with store.acknowledgements(data / "acknowledged") as handle:
        threads = [threading.Thread(target=work, args=(number, handle)) for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
