"""How the script ends: functions at exit are not told that an error ended it, so the hook for errors notes it."""

from __future__ import annotations

import sys
from types import TracebackType

failed = False
_watching = False


def watch() -> None:
    """Note an error that nobody catches; then whatever was told of errors before is told of it still."""
    global _watching  # one hook a process, however many runs it begins
    if _watching:
        return
    _watching, before = True, sys.excepthook

    def note(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        global failed
        # At a prompt, an error ends the line that was typed and nothing else.
        failed = failed or not (hasattr(sys, "ps1") or sys.flags.interactive)
        before(kind, error, trace)

    sys.excepthook = note
