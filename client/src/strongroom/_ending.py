"""How the script ends: functions at exit are not told of an error or an exit code, so what leads there notes it."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import NoReturn

failed = False
_watching = False


def watch() -> None:
    """Note an error that nobody catches, and the code of `sys.exit`; whatever was told of them before is still."""
    global _watching  # one hook a process, however many runs it begins
    if _watching:
        return
    _watching, before, leave = True, sys.excepthook, sys.exit

    def note(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        global failed
        failed = failed or not _at_prompt()
        before(kind, error, trace)

    def note_code(status: str | int | None = None, /) -> NoReturn:
        global failed
        # In another thread it ends that thread alone. The last one counts: it may have been caught, and come to 0.
        if threading.current_thread() is threading.main_thread() and not _at_prompt():
            failed = status not in (None, 0)
        leave(status)

    sys.excepthook, sys.exit = note, note_code


def _at_prompt() -> bool:
    """Tell whether an error ends only the line that was typed, and nothing else."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)
