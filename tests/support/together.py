"""Many callers at one moment, each in a thread with a database connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def together(acts: Sequence[Callable[[], T]]) -> list[T | Exception]:
    """Start all acts at once; return what each returned or raised, in their order."""
    start = threading.Barrier(len(acts))
    outcomes: list[T | Exception] = [RuntimeError("did not run")] * len(acts)

    def run(number: int) -> None:
        try:
            start.wait(timeout=60)
            outcomes[number] = acts[number]()
        except Exception as error:  # noqa: BLE001  # handed to the test, which judges it
            outcomes[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return outcomes


def replayed(events) -> dict[str, int]:
    """Return who holds which alias of a collection, from its events alone."""
    held: dict[str, int] = {}
    for event in events:
        number = int(event.subject.rpartition(":v")[2]) if ":v" in event.subject else None
        if event.act == "version.log":
            held["latest"] = number
        elif event.act == "alias.move":
            held[event.subject] = int(event.after.removeprefix("v"))
        elif event.act == "alias.remove":
            del held[event.subject]
        elif event.act in ("version.delete", "version.expire"):
            held = {name: holder for name, holder in held.items() if holder != number}
        elif event.act == "version.restore":
            held |= dict.fromkeys(event.after["aliases"], number)
    return held
