"""The check of a card: the sections that a rule asks for are there, and no section is empty."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from registry.services.check_kinds import BuiltIn, Case, Finding, Pace, State, named

NAME = "strongroom/card"
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


def _evidence(case: Case) -> Any:
    return [case.membership.version.description, _wanted(case)]


def _wanted(case: Case) -> list[str]:
    wanted = case.setting(NAME).get("sections")
    return [each for each in wanted if isinstance(each, str)] if isinstance(wanted, list) else []


def _run(case: Case, pace: Pace) -> Finding:
    card = case.membership.version.description
    if not card.strip():
        return Finding(State.FAILURE, "There is no card.", {"missing": _wanted(case)})
    there: dict[str, bool] = {}
    for title, said in sections(card):
        there[_folded(title)] = there.get(_folded(title), False) or said
    wanted = _wanted(case)
    missing = [title for title in wanted if _folded(title) not in there]
    empty = (
        [title for title in wanted if there.get(_folded(title)) is False]
        if wanted
        else [title for title, said in sections(card) if not said]
    )
    return _judge(missing, empty, wanted or [title for title, _ in sections(card)])


def _judge(missing: list[str], empty: list[str], named_by: list[str]) -> Finding:
    details = {"missing": missing, "empty": empty}
    if missing or empty:
        said = [f"missing: {named(missing)}"] if missing else []
        said += [f"nothing said under: {named(empty)}"] if empty else []
        return Finding(State.FAILURE, f"Sections {'; '.join(said)}.", details)
    return Finding(
        State.SUCCESS, f"{named(named_by)}." if named_by else "There is a card, without sections.", details
    )


def _folded(title: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", re.sub(r"[*_`]", "", title)).casefold().split())


CARD = BuiltIn(NAME, "Card is complete", _evidence, _run, of_promotion=True)
