"""How the script ends: functions at exit are not told of an error or an exit code, so what leads there notes it."""

from __future__ import annotations

import sys
from collections.abc import Callable
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

    def leave_noted(status: str | int | None = None, /) -> NoReturn:
        try:
            leave(status)
        except SystemExit as left:
            raise _Exit(left.code) from None

    sys.excepthook, sys.exit = note, leave_noted


def is_failure(error: BaseException | None) -> bool:
    """Tell whether a block, or a script, that ends by this has failed."""
    if isinstance(error, SystemExit):
        return error.code not in (None, 0)
    return error is not None


class _Exit(SystemExit):
    """What our `sys.exit` raises: it notes its code when nobody caught it.

    Python lets go of it then with no frame left; one that was caught goes while the frames of the script are there.
    """

    def __del__(self, frame: Callable[[int], object] = sys._getframe) -> None:
        global failed
        try:
            frame(1)
        except ValueError:
            failed = is_failure(self)


def _at_prompt() -> bool:
    """Tell whether an error ends only the line that was typed, and nothing else."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)
