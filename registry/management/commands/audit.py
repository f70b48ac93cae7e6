"""Prove that the audit log is whole, or print the end of its chain."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.services import chain
from registry.services.chain import START, Head, Report

_EVERY = 100_000


class Command(ProvisioningCommand):
    """`manage.py audit verify [--since HEAD] [--head HEAD]` and `manage.py audit head`."""

    help = (
        "Events are chained by hash. `head` prints the end of the chain, to be kept elsewhere; `verify` reads the "
        "chain and says where it breaks, with exit code 1 (2 when it could not look)."
    )

    # 1 says that the chain is broken.
    refused_code = 2

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True, metavar="verify | head")
        verify = acts.add_parser("verify", help="read the chain, and say what is wrong with it")
        where = "POSITION:HASH, as `audit head` printed it"
        verify.add_argument("--since", metavar="HEAD", help=f"only what came after this head: {where}")
        verify.add_argument(
            "--head",
            metavar="HEAD",
            action="append",
            default=[],
            help=f"a head that must be in the chain still (may be given several times): {where}",
        )
        acts.add_parser("head", help="print the end of the chain as POSITION:HASH")

    def provision(self, *, act: str, **options: Any) -> None:
        if act == "head":
            self.say(str(chain.head(self.actor)))
        else:
            self._verify(**options)

    def _verify(self, *, since: str | None, head: list[str], **options: Any) -> None:
        after = START if since is None else chain.read_head(since)
        kept = [chain.read_head(each) for each in head]
        report = chain.verify(self.actor, after=after, kept=kept, progress=self._progress)
        for fault in report.faults:
            place = f"Position {fault.position}: " if fault.position else ""
            self.say(f"{place}{fault.words}")
        if report.broken > len(report.faults):
            self.say(f"… and {report.broken - len(report.faults):,} more.")
        if report.broken:
            raise CommandError(f"The audit log is NOT whole: {_count(report.broken, 'fault')}.", returncode=1)
        self.say(_whole(report, kept))

    def _progress(self, position: int, end: int) -> None:
        if position % _EVERY == 0 and position < end:
            self.stderr.write(f"{position:,} of {end:,} read.")


def _whole(report: Report, kept: list[Head]) -> str:
    since = f" after position {report.after.position:,}" if report.after != START else ""
    also = f" {_count(len(kept), 'kept head')} found in it." if kept else ""
    return (
        f"The audit log is whole: {_count(report.count, 'event')}{since}, each as it was written.{also}\n"
        f"Its head, to be kept elsewhere: {report.head}"
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
