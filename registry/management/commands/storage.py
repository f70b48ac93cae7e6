"""Check the storage of blobs, and move an installation to another one."""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from registry.errors import RegistryError
from registry.management.commands._base import ProvisioningCommand
from registry.services import moving, probing
from registry.services._common import size_in_words
from registry.services.probing import Step
from registry.storage.moving import Copied

# On a terminal; and where what is said goes to a file, so that a copy of a night shows how far it is.
_EVERY, _EVERY_IN_FILES = 0.5, 60.0


class Command(ProvisioningCommand):
    """`manage.py storage check [--origin URL] | copy --from current --to other [--dry-run]`."""

    help = "Check whether the storage of blobs works, from this server and from a browser; or copy it to another one."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        check = acts.add_parser(
            "check", help="write, read, list and delete small objects, and say what fails"
        )
        check.add_argument("--other", action="store_true", help="check the storage of STRONGROOM_OTHER_BLOBS")
        check.add_argument(
            "--origin",
            metavar="URL",
            default=settings.PUBLIC_URL,
            help="the address that browsers know this server by (default: STRONGROOM_PUBLIC_URL)",
        )
        copy = acts.add_parser(
            "copy", help="copy all objects, verified; it may be interrupted, and run again"
        )
        places = ("current", "other")
        copy.add_argument("--from", dest="source", choices=places, required=True)
        copy.add_argument("--to", dest="target", choices=places, required=True)
        copy.add_argument("--dry-run", action="store_true", help="only count what is missing there")
        copy.add_argument("--threads", type=int, default=4, help="how many objects at a time (default: 4)")
        copy.add_argument(
            "--no-read-back",
            action="store_true",
            help="compare sizes only, and do not read each copy again to compare its SHA-256",
        )

    def provision(self, *, act: str, **given: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        if act == "check":
            self._check(other=given["other"], origin=given["origin"])
        else:
            self._copy(given)

    def _check(self, *, other: bool, origin: str) -> None:
        failed = 0
        for step in probing.run(self.actor, place="other" if other else "current", origin=origin):
            failed += step.state == Step.FAILED
            for line in _lines(step):
                self.say(line)
        if failed:
            raise CommandError(f"{failed} of these fail: mend what they say, and run this again.")
        self.say("The storage works.")

    def _copy(self, given: dict[str, Any]) -> None:
        if not 1 <= given["threads"] <= 64:
            raise CommandError("--threads takes a number from 1 to 64.")
        progress = Progress()
        way: dict[str, Any] = {
            "source": given["source"],
            "target": given["target"],
            "threads": given["threads"],
            "tell": progress,
        }
        try:
            if given["dry_run"]:
                self._as_preview(moving.preview(self.actor, **way))
                return
            done = moving.copy(self.actor, **way, read_back=not given["no_read_back"])
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. What was copied is kept: run this again to go on.", returncode=130
            ) from None
        except RegistryError as refused:
            raise CommandError(refused.message, returncode=2) from None
        finally:
            progress.end()
        self._as_result(done, given["target"])

    def _as_preview(self, found: Copied) -> None:
        self.say(f"There are {found.total:,} objects of {size_in_words(found.total_bytes)}.")
        self.say(
            f"Already there: {found.there:,}. To be copied: {found.copied:,}, {size_in_words(found.bytes)}."
        )
        if found.lost:
            self.say(f"In neither: {found.lost:,}. `manage.py fsck` says which versions that touches.")

    def _as_result(self, done: Copied, target: str) -> None:
        objects = "1 object" if done.copied == 1 else f"{done.copied:,} objects"
        self.say(f"Copied {objects} of {size_in_words(done.bytes)}; already there: {done.there:,}.")
        if done.lost or done.different:
            for name in done.names:
                self.say(f"    {name}")
            raise CommandError(
                f"{done.lost:,} objects are in neither storage, and {done.different:,} differ from one to the other. "
                "Run `manage.py fsck --read-data`, which says what that touches, before you go on."
            )
        self.say(_NEXT[target])


_NEXT = {
    "other": "All of it is in the other storage. Now let STRONGROOM_BLOBS… name that one and STRONGROOM_OTHER_BLOBS… "
    "this one, restart all processes, and run `manage.py storage copy --from other --to current`, which copies what "
    "was written since.",
    "current": "All of it is in the current storage. Take STRONGROOM_OTHER_BLOBS… away and restart: nothing is read "
    "from there any more. Delete what it holds once you have a backup of this one.",
}


def _lines(step: Step) -> list[str]:
    marks = {Step.DONE: "ok", Step.FAILED: "FAILS", Step.WARNED: "note", Step.SKIPPED: "left out"}
    lines = [f"{marks[step.state]:>8}  {step.title}" + (f": {step.said}" if step.said else "")]
    return [*lines, *(f"          {line}" for line in step.mend.splitlines())]


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Progress:
    """One line on a terminal that is written over; elsewhere a line each minute."""

    def __init__(self) -> None:
        self._began = self._shown = time.monotonic()

    def __call__(self, step: str, done: Copied) -> None:
        at = time.monotonic()
        is_terminal = sys.stderr.isatty()
        if at - self._shown < (_EVERY if is_terminal else _EVERY_IN_FILES):
            return
        self._shown = at
        speed = done.bytes / max(at - self._began, 0.001)
        begin, end = ("\r\x1b[K", "") if is_terminal else ("", "\n")
        sys.stderr.write(
            f"{begin}{step}: {done.looked:,} of {done.total:,} objects; copied {done.copied:,}, "
            f"{size_in_words(done.bytes)} ({size_in_words(int(speed))}/s){end}"
        )
        sys.stderr.flush()

    def end(self) -> None:
        if sys.stderr.isatty():
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
