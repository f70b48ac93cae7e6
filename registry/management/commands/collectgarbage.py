"""Give back the bytes that no version needs, or say what that would be."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from registry.management.commands._base import ProvisioningCommand
from registry.services import collecting
from registry.services._common import size_in_words
from registry.services.collecting import Round


class Command(ProvisioningCommand):
    """`manage.py collectgarbage [--preview]`."""

    help = (
        "Give back bytes that no version, draft or trash needs. Objects are deleted a round after they were found "
        "unused. It may be interrupted, and run beside everything else."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--preview", action="store_true", help="only say what would be found")

    def provision(self, *, preview: bool, **options: Any) -> None:
        try:
            if preview:
                done = collecting.preview(self.actor, tell=self._tell, longest_seconds=None)
            else:
                done = collecting.collect_now(self.actor, tell=self._tell)
        except KeyboardInterrupt:
            raise CommandError("Interrupted. What is done is done; the next round finds the rest.") from None
        finally:
            self._clear()
        for line in _lines(done, preview=preview):
            self.say(line)
        if done.skipped:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in done.skipped)
            raise CommandError(f"Nothing was given back where something needed can't be read. {reasons}")

    def _tell(self, counts: dict[str, int]) -> None:
        if self.stdout.isatty():
            words = f"\r{counts['entities']:,} people and teams, {size_in_words(counts['bytes'])} unused"
            self.stdout.write(words, ending="")
            self.stdout.flush()

    def _clear(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("\r\033[K", ending="")


def _lines(done: Round, *, preview: bool) -> list[str]:
    found, again = done.found, "to be written anew" if preview else "written anew"
    lines = [
        f"unused: {size_in_words(found.bytes)} in files: {found.blobs:,}, manifests: {found.manifests:,}, "
        f"parts of manifests: {found.chunks:,}",
        f"unused for too short a time: {size_in_words(found.waiting_bytes)}",
        f"objects left behind by broken uploads: {done.orphans:,}, {size_in_words(done.orphan_bytes)}",
        f"packs {again}: {done.compacted:,}, which gives {size_in_words(done.compacted_bytes)}",
        f"objects to be deleted by {'the next' if preview else 'a later'} round: {done.doomed:,}",
    ]
    if preview:
        return lines
    if done.undeleted:
        lines.append(
            f"objects that the storage did not delete, to be tried again: {done.undeleted:,} (see the log)"
        )
    return [*lines, f"objects deleted: {done.objects:,}, {size_in_words(done.freed)}"]
