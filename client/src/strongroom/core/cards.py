"""Cards: markdown that says what a dataset or a model is, cut into its sections."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.core.errors import InvalidInput
from strongroom.core.names import check_label

MOST_SECTIONS = 50
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
# What a template leaves to be filled in says nothing yet.
_UNSAID = re.compile(r"(?:\W|\b(?:todo|tbd|fixme|to be (?:done|filled in|written)|n/?a)\b)*", re.IGNORECASE)


def sections(card: str) -> list[tuple[str, bool]]:
    """Return the headings of a card in their order, each with whether anything is said below it.

    What stands under a deeper heading counts for the one above it, too. Text before the first heading is no section.
    """
    found: list[tuple[int, str, bool]] = []
    for level, title, text in _cut(_COMMENT.sub("", card)):
        said = bool(text.strip()) and _UNSAID.fullmatch(text) is None
        if said:
            found = _say(found, level)
        found.append((level, title, said))
    return [(title, said) for _, title, said in found]


def _say(found: list[tuple[int, str, bool]], level: int) -> list[tuple[int, str, bool]]:
    """Mark the headings above what was said as said."""
    for at in range(len(found) - 1, -1, -1):
        above, title, _ = found[at]
        if above < level:
            found[at], level = (above, title, True), above
    return found


def _cut(card: str) -> list[tuple[int, str, str]]:
    parts: list[tuple[int, str, list[str]]] = []
    fence = ""
    for line in card.splitlines():
        opened = _FENCE.match(line)
        if opened and (not fence or opened[1].startswith(fence)):
            fence = "" if fence else opened[1]
        heading = None if fence or opened else _HEADING.fullmatch(line)
        under = None if fence or opened else _UNDERLINE.fullmatch(line)
        if heading:
            parts.append((len(heading[1]), heading[2], []))
        elif under and parts and parts[-1][2] and parts[-1][2][-1].strip():
            title = parts[-1][2].pop().strip()
            parts.append((1 if under[1].startswith("=") else 2, title, []))
        else:
            if not parts:
                parts.append((0, "", []))
            parts[-1][2].append(line)
    return [(level, title, "\n".join(lines)) for level, title, lines in parts if level]


@dataclass(frozen=True, slots=True)
class Completeness:
    """The sections that a card must have, those that it lacks, and those under which nothing is said."""

    required: list[str]
    missing: list[str]
    empty: list[str]

    @property
    def filled(self) -> int:
        return len(self.required) - len(self.missing) - len(self.empty)

    @property
    def is_whole(self) -> bool:
        return not self.missing and not self.empty


def completeness(card: str, required: Sequence[str]) -> Completeness:
    """Say which of the required sections a card has, by its headings; of two of one name either will do."""
    there: dict[str, bool] = {}
    for title, said in sections(card):
        there[folded(title)] = there.get(folded(title), False) or said
    return Completeness(
        list(required),
        [title for title in required if folded(title) not in there],
        [title for title in required if there.get(folded(title)) is False],
    )


def check_sections(titles: Any) -> list[str]:
    """Check the headings that cards must have: a list of short texts, each once, at most `MOST_SECTIONS`."""
    if isinstance(titles, str) or not isinstance(titles, Sequence):
        raise InvalidInput("Required sections are given as a list of headings.", field="required")
    found: dict[str, str] = {}
    for title in titles:
        found.setdefault(folded(check_label(title)), check_label(title))
    if len(found) > MOST_SECTIONS:
        raise InvalidInput(f"A card can be asked for at most {MOST_SECTIONS} sections.", field="required")
    return list(found.values())


def folded(title: str) -> str:
    """Return a heading as it is compared: case, space and emphasis don't matter."""
    return " ".join(unicodedata.normalize("NFKC", re.sub(r"[*_`]", "", title)).casefold().split())
