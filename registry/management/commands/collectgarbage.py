"""Give back the bytes that no version needs, or say what that would be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.services import collecting
from registry.services.collecting import Round
from registry.web.templatetags.words import plural, size


class Command(ProvisioningCommand):
    """`manage.py collectgarbage [--preview]`."""

    help = (
        "Give back bytes that no version, draft or trash needs. Objects are deleted a round after they were found "
        "unused. It may be interrupted, and run beside everything else."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preview", action="store_true", help="only say what would be found")

    def provision(self, *, preview: bool, **options: Any) -> None:
        act = collecting.preview if preview else collecting.collect
        try:
            done = act(self.actor, tell=self._tell, longest_seconds=None)
        except KeyboardInterrupt:
            raise CommandError("Interrupted. What is done is done; the next round finds the rest.") from None
        finally:
            self._clear()
        for line in _lines(done, preview=preview):
            self.say(line)
        if done.skipped:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in done.skipped)
            raise CommandError(f"Nothing was given back where something needed can't be read. {reasons}")

    def _tell(self, done: Round) -> None:
        if self.stdout.isatty():
            self.stdout.write(
                f"\r{plural(done.entities, 'entity,entities')}, {size(done.found.bytes)} unused", ending=""
            )
            self.stdout.flush()

    def _clear(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")


def _lines(done: Round, *, preview: bool) -> list[str]:
    found = done.found
    lines = [
        f"unused: {size(found.bytes)} in {plural(found.blobs, 'file,files')}, "
        f"{plural(found.manifests, 'manifest,manifests')} and {plural(found.chunks, 'part,parts')} of manifests",
        f"unused for too short a time: {size(found.waiting_bytes)}",
        f"left behind by broken uploads: {plural(done.orphans, 'object,objects')}, {size(done.orphan_bytes)}",
        f"packs {'to be ' if preview else ''}written anew: {done.compacted:,}, giving {size(done.compacted_bytes)}",
        f"to be deleted by {'the next round' if preview else 'a later round'}: {plural(done.doomed, 'object,objects')}",
    ]
    return (
        lines
        if preview
        else [*lines, f"deleted: {plural(done.objects, 'object,objects')}, {size(done.freed)}"]
    )
