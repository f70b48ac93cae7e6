"""The rules of one collection in plain Python: what the services must never differ from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

TRASH = timedelta(days=7)


@dataclass
class Kept:
    """One version as the rules see it."""

    content: int
    ttl: str | int
    created: datetime
    state: str = "live"
    cause: str = ""
    deleted: datetime | None = None
    tags: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


@dataclass
class Reference:
    """A collection in a project; each act returns "ok" or the name of the error."""

    versions: list[Kept] = field(default_factory=list)
    aliases: dict[str, int] = field(default_factory=dict)
    policies: dict[str, str | int] = field(
        default_factory=lambda: {"collection": "inherit", "project": "inherit"}
    )

    def log(self, content: int, ttl: str | int, aliases: set[str], now: datetime) -> int:
        number = self.aliases.get("latest")
        if number is None or self.versions[number].content != content:
            number = len(self.versions)
            self.versions.append(Kept(content, ttl, now))
            self.aliases["latest"] = number
        self.aliases |= dict.fromkeys(aliases, number)
        return number

    def move(self, number: int, alias: str) -> str:
        if self.versions[number].state != "live":
            return "NotFound"
        self.aliases[alias] = number
        return "ok"

    def remove(self, alias: str) -> str:
        return "NotFound" if self.aliases.pop(alias, None) is None else "ok"

    def tag(self, number: int, tag: str) -> str:
        if self.versions[number].state != "live":
            return "NotFound"
        self.versions[number].tags.add(tag)
        return "ok"

    def set_ttl(self, number: int, ttl: str | int) -> str:
        if self.versions[number].state != "live":
            return "Gone"
        self.versions[number].ttl = ttl
        return "ok"

    def delete(self, number: int, delete_aliases: bool, now: datetime) -> str:
        if self.versions[number].state != "live":
            return "Gone"
        if self._held(number) and not delete_aliases:
            return "HasAliases"
        self._trash(number, "person", now)
        return "ok"

    def restore(self, number: int, now: datetime) -> str:
        version = self.versions[number]
        if version.state != "trash":
            return "NotInTrash" if version.state == "live" else "Gone"
        newest = max(self._live(), default=None)
        if newest is not None and self.aliases.get("latest") == newest < number:
            self.aliases["latest"] = number
        self.aliases |= {alias: number for alias in version.lost if alias not in self.aliases}
        if newest is None:
            self.aliases.setdefault("latest", number)
        version.state, version.cause, version.deleted, version.lost = "live", "", None, set()
        if self._is_due(number, now):
            version.ttl = "never"
        return "ok"

    def expire(self, now: datetime) -> int:
        due = [number for number in range(len(self.versions)) if self._is_due(number, now)]
        # What has a TTL of its own goes first.
        for number in sorted(due, key=lambda number: self.versions[number].ttl == "inherit"):
            self._trash(number, "expiry", now)
        return len(due)

    def purge(self, now: datetime) -> int:
        due = [v for v in self.versions if v.state == "trash" and v.deleted + TRASH <= now]
        for version in due:
            version.state, version.tags = "purged", set()
        return len(due)

    def _held(self, number: int) -> set[str]:
        return {alias for alias, holder in self.aliases.items() if holder == number}

    def _trash(self, number: int, cause: str, now: datetime) -> None:
        version = self.versions[number]
        version.state, version.cause, version.deleted = "trash", cause, now
        version.lost = self._held(number)
        for alias in version.lost:
            del self.aliases[alias]
        if "latest" in version.lost and self._live():
            self.aliases["latest"] = max(self._live())

    def _live(self) -> list[int]:
        return [number for number, version in enumerate(self.versions) if version.state == "live"]

    def _is_due(self, number: int, now: datetime) -> bool:
        version = self.versions[number]
        if version.state != "live":
            return False
        ttl = version.ttl
        if ttl == "inherit":
            if self._held(number) - {"latest"}:
                return False
            set_here = [policy for policy in self.policies.values() if policy != "inherit"]
            ttl = set_here[0] if set_here else "never"
        return ttl != "never" and version.created + timedelta(seconds=ttl) <= now
