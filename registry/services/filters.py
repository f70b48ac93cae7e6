"""The language in which lists of versions are searched: `resnet tag:prod -alias:old metadata.val/f1>=0.9 size<1GB`.

A term is a word, or a field with a sign and a value; all of them must hold, and `-` before one turns it round.
What holds spaces stands in double quotes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from registry.errors import InvalidQuery

MOST_TERMS = 20
LONGEST = 1000
METADATA = "metadata"
# field → the kind of its values
FIELDS = {
    "alias": "name",
    "tag": "name",
    "by": "name",
    "run": "name",
    "digest": "name",
    "drift": "name",
    "version": "number",
    "files": "number",
    "size": "size",
    "created": "time",
    "updated": "time",
    METADATA: "any",
}
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SIGN = r":|!=|>=|<=|=|>|<"
_KEY = rf'{_QUOTED}|[^\s".:=<>!]+'
_TERM = re.compile(
    rf"(?P<minus>-?)(?:(?P<field>[A-Za-z_]+)(?P<path>(?:\.(?:{_KEY}))*)(?P<sign>{_SIGN}))?"
    rf'(?P<value>{_QUOTED}|[^\s"]*)'
)
_STEP = re.compile(rf"\.({_KEY})")
_PATH = re.compile(rf"(?:\.(?:{_KEY}))+")
_ODD = re.compile(r'[\s".:=<>!]')
_SPACE = re.compile(r"\s*")
_SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?)\s*([kKMGTP]?)(i?)B?")
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Term:
    """One condition, with its place in the text: `start` and `end` count characters from zero."""

    start: int
    end: int
    field: str
    path: tuple[str, ...]
    sign: str
    value: str
    is_negated: bool = False

    @property
    def is_word(self) -> bool:
        """Tell whether this is a word to look for anywhere."""
        return not self.field

    @property
    def name(self) -> str:
        """The field as a person calls it: metadata by its key."""
        return ".".join(self.path) if self.field == METADATA else self.field

    def number(self) -> float | None:
        """Return the value as a number, if it is one."""
        return float(self.value) if _NUMBER.fullmatch(self.value) else None

    def bytes(self) -> int:
        """Return the value as a count of bytes."""
        found = _SIZE.fullmatch(self.value)
        if found is None:
            raise self.refused("write a size like 500MB or 1.5GB")
        number, unit, binary = found.groups()
        return round(float(number) * (1024 if binary else 1000) ** _POWERS[unit.upper()])

    def period(self) -> tuple[datetime, datetime]:
        """Return the first moment of what the value names, and the first one after it: a day is all of it."""
        try:
            if len(self.value) == len("2026-01-01"):
                day = datetime.combine(date.fromisoformat(self.value), datetime.min.time(), UTC)
                return day, day + timedelta(days=1)
            at = datetime.fromisoformat(self.value)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
            return at, at + timedelta(microseconds=1)
        except (ValueError, OverflowError):
            raise self.refused("write a date like 2026-01-31, or 2026-01-31T18:00") from None

    def refused(self, what: str) -> InvalidQuery:
        """Return the error that names the place of the term."""
        return wrong(self.start, f'"{self.value[:80]}" is nothing to compare {self.name[:80]} with: {what}')


def wrong(at: int, why: str) -> InvalidQuery:
    """Return the error of a text that is none of this language, with its place."""
    return InvalidQuery(f"The search is not understood at character {at + 1}: {why}.", field="q", at=at + 1)


def read_path(text: str) -> tuple[str, ...]:
    """Read the keys that lead to a value of the metadata, as they stand behind `metadata.` in a search."""
    if not _PATH.fullmatch(f".{text}"):
        raise InvalidQuery(f'"{text[:80]}" is no key of metadata: write it like val.f1.', field="column")
    return tuple(_plain(step) for step in _STEP.findall(f".{text}"))


def write_path(path: Sequence[str]) -> str:
    """Write keys so that they are read back as they are."""
    return ".".join(_written(step) for step in path)


def _written(step: str) -> str:
    if step and not _ODD.search(step):
        return step
    escaped = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def exact(field: str, name: str) -> Term:
    """Return the term for a name that was given by itself."""
    return Term(0, 0, field, (), "=", name)


def parse(text: str) -> list[Term]:
    """Read a search; InvalidQuery says at which character it is none."""
    if len(text) > LONGEST:
        raise wrong(LONGEST, f"it takes at most {LONGEST:,} characters")
    if "\0" in text:
        raise wrong(text.index("\0"), "no name, text or key has such a character")
    found: list[Term] = []
    at = _skip(text, 0)
    while at < len(text):
        term = _term(text, at)
        found.append(term)
        at = _skip(text, term.end)
        if at == term.end < len(text):
            raise wrong(at, 'a double quote begins or ends a value, and "\\"" stands for one inside')
    if len(found) > MOST_TERMS:
        raise wrong(found[MOST_TERMS].start, f"it takes at most {MOST_TERMS} terms")
    return found


def _skip(text: str, at: int) -> int:
    spaces = _SPACE.match(text, at)
    return spaces.end() if spaces else at


def _term(text: str, at: int) -> Term:
    matched = _TERM.match(text, at)
    assert matched is not None  # every part of the pattern may be empty
    minus, field, path, sign, value = matched.group("minus", "field", "path", "sign", "value")
    if not field:
        if matched["value"] == "" and not minus:
            raise wrong(at, "a double quote is not closed")
        # A lone "-" is a word, and what begins with a sign is one that lacks its field.
        word = _plain(value) or minus
        if value[:1] in tuple(":=<>!"):
            raise wrong(at, f'a field is missing before "{value[:1]}"')
        return Term(at, matched.end(), "", (), ":", word, is_negated=bool(minus) and bool(value))
    name = field.lower()
    if name not in FIELDS:
        known = ", ".join(FIELDS)
        raise wrong(
            at + len(minus),
            f'"{field[:80]}" is no field; there are {known}.key. Put a text with signs in double quotes',
        )
    steps = tuple(_plain(step) for step in _STEP.findall(path))
    if (name == METADATA) != bool(steps):
        raise wrong(at, "write metadata with a key, like metadata.accuracy>0.9, and other fields without one")
    if any('"' in step for step in steps):
        raise wrong(matched.start("path"), "a key with a double quote in it cannot be looked for")
    if not value:
        open_quote = text[matched.end() : matched.end() + 1] == '"'
        why = (
            "a double quote is not closed" if open_quote else f"a value is missing after {field}{path}{sign}"
        )
        raise wrong(matched.end(), why)
    if FIELDS[name] == "name" and sign not in (":", "=", "!="):
        raise wrong(matched.end((path and "path") or "field"), f"{name} can be compared by :, = and != only")
    sign = "=" if sign == ":" else sign
    negated = bool(minus) != (sign == "!=")
    return Term(
        at, matched.end(), name, steps, "=" if sign == "!=" else sign, _plain(value), is_negated=negated
    )


def _plain(text: str) -> str:
    """Take the quotes off."""
    if text[:1] != '"':
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1])
