"""The check of a card: the sections that a rule asks for are there, and no section is empty."""

from __future__ import annotations

from typing import Any

from strongroom.core.cards import Completeness, completeness, sections

from registry.services import card_templates
from registry.services.check_kinds import BuiltIn, Case, Finding, Pace, State, named

NAME = "strongroom/card"


def _evidence(case: Case) -> Any:
    return [case.membership.version.description, _wanted(case)]


def _wanted(case: Case) -> list[str]:
    """The sections that the rule names; without any those that the registry asks of all cards."""
    wanted = case.setting(NAME).get("sections")
    if isinstance(wanted, list) and wanted:
        return [each for each in wanted if isinstance(each, str)]
    return card_templates.required_of(case.membership.collection.project)


def _run(case: Case, pace: Pace) -> Finding:
    card, wanted = case.membership.version.description, _wanted(case)
    if not card.strip():
        return Finding(State.FAILURE, "There is no card.", {"missing": wanted})
    # Where nothing is asked for, a section that was begun is to be filled.
    return _judge(completeness(card, wanted or [title for title, _ in sections(card)]))


def _judge(found: Completeness) -> Finding:
    details = {"missing": found.missing, "empty": found.empty}
    if not found.is_whole:
        said = [f"missing: {named(found.missing)}"] if found.missing else []
        said += [f"nothing said under: {named(found.empty)}"] if found.empty else []
        return Finding(State.FAILURE, f"Sections {'; '.join(said)}.", details)
    there = f"{named(found.required)}." if found.required else "There is a card, without sections."
    return Finding(State.SUCCESS, there, details)


CARD = BuiltIn(NAME, "Card is complete", _evidence, _run, of_promotion=True)
