"""Pickles in a stream: one, or several behind each other, as `torch.save` and others write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial

from strongroom.core.scanning.budget import Budget
from strongroom.core.scanning.machine import End, Machine
from strongroom.core.scanning.report import Report
from strongroom.core.scanning.sources import Stream

# A name as people give it; binary data and prose that begin like a pickle name nothing of the kind.
_PLAUSIBLE = re.compile(r"[A-Za-z_][\w.]*\.[A-Za-z_][\w.<>]*")
# From so many opcodes on, bytes that broke off were a pickle: data that merely begins like one comes nowhere near.
_ENOUGH = 8


@dataclass(slots=True)
class Found:
    """How many pickles were read to their end, and whether what came first was one at all."""

    whole: int = 0
    is_pickle: bool = False


def scan_pickles(stream: Stream, place: str, report: Report, budget: Budget, *, expected: bool) -> Found:
    """Read all pickles at the head of a stream; `expected` says that somebody will load it as one, whatever it is.

    What comes behind the last one is no pickle: a loader that is called once more fails there.
    """
    found = Found()
    while True:
        begin = stream.tell()
        told = Report()
        machine = Machine(stream, budget, partial(_tell, told, place))
        try:
            end = machine.run()
        except Exception:
            # It costs too much, or can't be unpacked any further: what was found until then stands.
            report.take(told)
            raise
        if machine.count == 0:
            return found
        if not (expected or found.whole) and not _is_pickle(machine, end):
            return found
        found.is_pickle = True
        report.take(told)
        if end is End.BROKEN:
            if not found.whole or told.dangers or machine.lost or machine.names:
                why = (
                    machine.lost or f"the pickle at byte {begin:,} breaks off after {machine.count:,} opcodes"
                )
                report.unreadable(place, why)
            return found
        found.whole += 1
        report.pickles += 1


def _tell(report: Report, place: str, offset: int, name: str, said: str) -> None:
    report.danger(place, offset, name, said)


def _is_pickle(machine: Machine, end: End) -> bool:
    """Say whether bytes that nobody called a pickle were one: prose and tensors begin like one now and then."""
    named = any(_PLAUSIBLE.fullmatch(name) or name.startswith("?") for name in machine.names)
    if machine.calls and named:
        return True
    if end is End.STOP:
        return machine.has_protocol or (named and machine.count > 1)
    return machine.has_protocol and (named or machine.count >= _ENOUGH)
