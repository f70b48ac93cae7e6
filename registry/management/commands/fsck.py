"""Check the store, and mend it where that is asked for."""

from __future__ import annotations

import json
import signal
import sys
import time
from dataclasses import replace
from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.errors import RegistryError, Unavailable
from registry.management.commands._base import ProvisioningCommand
from registry.models import FsckFinding, FsckRun
from registry.services import fsck

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_EVERY = 0.5


class Command(ProvisioningCommand):
    """`manage.py fsck [--read-data] [--sample 5% | --part N/T] [--rate 100M] [--repair [--dry-run]]`."""

    help = (
        "Check rows against objects, manifests against what they name and kept totals; with --read-data all bytes "
        "against their digests. Ends with 0 when all is right, with 1 when something is wrong."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add = parser.add_argument
        add(
            "--read-data",
            action="store_true",
            help="read every object, and compare its bytes with the digests",
        )
        add("--md5", action="store_true", help="compare the MD5s, too (slower); only with --read-data")
        add("--sample", metavar="5%", help="look at so much of the store, chosen anew each time")
        add("--part", metavar="N/T", help="look at part N of T; T runs look at all")
        add("--rate", metavar="100M", help="read at most so many bytes a second (K, M or G)")
        add(
            "--threads", type=int, help="how many threads read and hash (default: one a processor, at most 4)"
        )
        add("--repair", action="store_true", help="mend what can be mended")
        add("--dry-run", action="store_true", help="with --repair: only say what would be done")
        add("--resume", action="store_true", help="go on with the run that was interrupted last")
        add(
            "--json",
            action="store_true",
            help="print each finding as a line of JSON, and the run as the last one",
        )

    def provision(self, **given: Any) -> None:
        signal.signal(signal.SIGTERM, _interrupt)
        report = Progress() if sys.stderr.isatty() else None
        try:
            if given["resume"]:
                run = fsck.resume(self.actor, report=report)
            else:
                run = fsck.start(self.actor, options_of(given), report=report)
        except KeyboardInterrupt:
            raise CommandError(
                "Interrupted. `manage.py fsck --resume` goes on from here.", returncode=130
            ) from None
        except Unavailable as error:
            raise CommandError(f"{error.message} `fsck --resume` goes on from here.", returncode=2) from None
        except RegistryError as refused:
            # Not 1, which says that something is wrong with the store.
            raise CommandError(refused.message, returncode=2) from None
        finally:
            if report is not None:
                report.end()
        (self._as_json if given["json"] else self._as_text)(run)
        if run.left:
            raise SystemExit(1)

    def _as_json(self, run: FsckRun) -> None:
        for one in fsck.findings(self.actor, run).iterator(500):
            self.say(json.dumps(as_data(one), ensure_ascii=False))
        summary = {
            "run": run.pk,
            "found": run.found,
            "left": run.left,
            "part": f"{run.part}/{run.parts}",
            "read_data": run.reads_data,
            "counts": run.counts,
            "seconds": round((run.finished_at - run.started_at).total_seconds(), 3)
            if run.finished_at
            else None,
        }
        self.say(json.dumps(summary))

    def _as_text(self, run: FsckRun) -> None:
        for one in fsck.findings(self.actor, run).iterator(500):
            for line in as_lines(one):
                self.say(line)
        counts = run.counts
        looked = [f"{counts.get('objects', 0)} objects", f"{counts.get('nodes', 0)} parts of manifests"]
        if run.reads_data:
            looked.insert(1, f"{counts.get('contents', 0)} contents ({counts.get('bytes', 0)} bytes read)")
        part = f" of part {run.part} of {run.parts}" if run.parts > 1 else ""
        self.say(f"Looked at {', '.join(looked)}{part}.")
        for name, words in _ASIDE.items():
            if counts.get(name):
                self.say(f"{counts[name]} {words}")
        self.say(verdict(run))


_ASIDE = {
    "unmarked": "contents were marked as damaged and are right: they are served again.",
    "orphans": "objects have no row; --repair leaves them to the collector. That is waste, not damage.",
    "unused_objects": "objects hold nothing that is known any more: they wait for collection.",
    "unused_manifests": "manifests belong to no version any more: they wait for collection.",
    "cut_short": "time: the run ended before it had seen all.",
}


def verdict(run: FsckRun) -> str:
    """Say how it went in one sentence."""
    if not run.found:
        return "All is right."
    if not run.left:
        return f"{run.found} things were wrong, and are mended."
    if run.left < run.found:
        return f"{run.found} things were wrong; {run.left} still are."
    if run.options.get("repair"):
        return (
            f"{run.found} things are wrong; nothing was changed."
            if run.options.get("dry_run")
            else (
                f"{run.found} things are wrong, and nothing is left here to mend them with. "
                "Log the same content again, or restore a backup."
            )
        )
    return f"{run.found} things are wrong. `manage.py fsck --repair --dry-run` says what can be mended."


def as_lines(one: FsckFinding) -> list[str]:
    """Describe a finding: what it is, where, what it touches, and what becomes of it."""
    where = f" in {one.object_name} at {one.offset}" if one.object_name and one.offset is not None else ""
    digest = f" {one.digest}" if one.digest else ""
    scope = f" ({one.scope})" if one.scope_id else ""
    name = one.object_name if one.kind == FsckFinding.Kind.ORPHAN else ""
    lines = [f"{one.kind}: {one.get_kind_display()}:{digest}{scope}{where}{name} {one.said}".rstrip(" :")]
    versions, paths = one.touched.get("versions", 0), one.touched.get("paths", 0)
    first = one.touched.get("first", [])
    lines += [f"    {version} {path}".rstrip() for version, path in first]
    if paths > len(first):
        lines.append(f"    … {paths} paths of {versions} versions altogether")
    if one.digest and "versions" not in one.touched:
        lines.append("    no version names it")
    if one.outcome != FsckFinding.Outcome.OPEN:
        lines.append(f"    {one.get_outcome_display().lower()} {one.mending}")
    return lines


def as_data(one: FsckFinding) -> dict[str, Any]:
    """Return a finding for machines."""
    return {
        "kind": one.kind,
        "what": one.get_kind_display(),
        "team": one.scope.name if one.scope else None,
        "digest": one.digest or None,
        "object": one.object_name or None,
        "offset": one.offset,
        "size": one.size,
        "said": one.said,
        "versions": one.touched.get("versions", 0),
        "paths": one.touched.get("paths", 0),
        "first": one.touched.get("first", []),
        "outcome": one.outcome,
        "mending": one.mending,
    }


def options_of(given: dict[str, Any]) -> fsck.Options:
    """Read the command line; say what is wrong with it."""
    if given["md5"] and not given["read_data"]:
        raise _refused("--md5 compares what --read-data reads: give both.")
    if given["dry_run"] and not given["repair"]:
        raise _refused("--dry-run says what --repair would do: give both.")
    if given["sample"] and given["part"]:
        raise _refused("--sample and --part exclude each other.")
    part, parts = 1, 1
    if given["sample"]:
        part, parts = fsck.sample(_percent(given["sample"]))
    elif given["part"]:
        part, parts = _part(given["part"])
    options = fsck.Options(
        read_data=given["read_data"],
        md5=given["md5"],
        part=part,
        parts=parts,
        rate=_rate(given["rate"]) if given["rate"] else None,
        repair=given["repair"],
        dry_run=given["dry_run"],
    )
    if given["threads"] is None:
        return options
    if not 1 <= given["threads"] <= 64:
        raise _refused("--threads takes a number from 1 to 64.")
    return replace(options, threads=given["threads"])


def _percent(text: str) -> float:
    try:
        percent = float(text.removesuffix("%"))
    except ValueError:
        percent = 0
    if not 0.0001 <= percent <= 100:
        raise _refused(f"--sample takes a percentage such as 5%, not {text}.")
    return percent


def _part(text: str) -> tuple[int, int]:
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= 1_000_000):
        raise _refused(f"--part takes a part of so many, such as 3/10, not {text}.")
    return int(number), int(of)


def _rate(text: str) -> int:
    unit = text[-1:].upper() if text[-1:].isalpha() else ""
    number = text[: len(text) - len(unit)]
    if unit not in _UNITS or not number.isdecimal() or not 0 < int(number) < 10**9:
        raise _refused(f"--rate takes bytes a second such as 100M, not {text}.")
    return int(number) * _UNITS[unit]


def _refused(said: str) -> CommandError:
    return CommandError(said, returncode=2)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


class Progress:
    """One line on a terminal that is written over."""

    def __init__(self) -> None:
        self._began = self._shown = time.monotonic()

    def __call__(self, step: str, done: int, total: int, read: int) -> None:
        at = time.monotonic()
        if at - self._shown < _EVERY:
            return
        self._shown = at
        of = f" of {total}" if total else ""
        speed = read / 1024**2 / max(at - self._began, 0.001)
        sys.stderr.write(f"\r\x1b[K{step}: {done}{of}, {speed:.0f} MiB/s")
        sys.stderr.flush()

    def end(self) -> None:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
