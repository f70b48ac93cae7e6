"""What the page of a promotion shows beside what decides: the candidate beside the holder, and the conversation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from registry.actor import Actor
from registry.http import markdown
from registry.models import (
    Event,
    Membership,
    Promotion,
    PromotionComment,
    PromotionReview,
    ReferenceWatch,
    User,
    Version,
)
from registry.services import drifts, files, promotion_history, runs, sourcing
from registry.services.judging import Judgement
from registry.web import differences, metrics
from registry.web.differences import FilePair, Totals
from registry.web.sides import inputs, origins

_FILES, _COUNTED = 8, 2000


def compared(actor: Actor, promotion: Promotion, judged: Judgement) -> dict[str, Any]:
    """Return all that the evidence of a promotion is shown by; without a candidate there is nothing to show."""
    a, b = present(promotion.base), present(promotion.candidate)
    known = {
        "held": promotion_history.held_since(promotion),
        "source_a": source(actor, a),
        "source_b": source(actor, b),
    }
    if b is None:
        return known | {"a": a, "b": None}
    old = a.version if a is not None else Version()
    ways = metrics.directions(judged.rule)
    return known | {
        "a": a,
        "b": b,
        "label_a": f"v{a.number}" if a is not None else "nobody",
        "label_b": f"v{b.number}",
        "metrics": metrics.compare(old.metadata, b.version.metadata, ways),
        "metadata": differences.pairs(old.metadata, b.version.metadata, numbers=False),
        "card": differences.text(old.description, b.version.description),
        "went_in": went_in(actor, a, b),
        "watch": _watch(actor, b),
        **_files(actor, a, b),
    }


def present(side: Membership | None) -> Membership | None:
    """Return a side whose content is still there."""
    if side is None or side.version.state != Version.State.COMMITTED or side.version.manifest is None:
        return None
    return side


def source(actor: Actor, side: Membership | None) -> Membership | None:
    """Return where a side was logged, for who may see that."""
    if side is None or not sourcing.shows(actor, side):
        return None
    return sourcing.source_of(side)


def _watch(actor: Actor, side: Membership) -> ReferenceWatch | None:
    return drifts.of_version(actor, side)


def _files(actor: Actor, a: Membership | None, b: Membership) -> dict[str, Any]:
    """Count what was added, changed and removed, with bytes; without a holder all of it is new."""
    if a is None:
        return {"totals": None, "files": []}
    changes = list(islice(files.diff(a, b, actor=actor), _COUNTED + 1))
    totals = Totals.of(changes[:_COUNTED], is_whole=len(changes) <= _COUNTED)
    same = totals.same(b.version.file_count, b.version.size) if totals.is_whole else None
    listed = [FilePair(change.before, change.after) for change in changes[:_FILES]]
    return {
        "totals": totals,
        "same_files": same,
        "files": listed,
        "more_files": max(0, len(changes) - _FILES),
    }


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that went in: of a collection, the versions that the run of each side used."""

    name: str
    type: str
    was: list[Membership]
    now: list[Membership]

    @property
    def is_same(self) -> bool:
        return [row.pk for row in self.was] == [row.pk for row in self.now]


def went_in(actor: Actor, a: Membership | None, b: Membership) -> dict[str, Any]:
    """Say which data and code changed, as far as one may see where both were logged."""
    if a is not None:
        known = origins(actor, a, b)
        run_a, run_b = known["runs"]
        config = known["config"]
    else:
        run_a, run_b = None, runs.logged_by(actor, b)
        config = differences.pairs({}, {})
    listed = _by_collection(inputs(actor, run_a).values(), inputs(actor, run_b).values())
    return {"run_a": run_a, "run_b": run_b, "config": config, "inputs": listed}


def _by_collection(was: Iterable[Membership], now: Iterable[Membership]) -> list[Input]:
    found: dict[int, Input] = {}
    for side, rows in (("was", was), ("now", now)):
        for row in rows:
            place = row.collection
            entry = found.setdefault(place.pk, Input(place.name, place.type.name, [], []))
            getattr(entry, side).append(row)
    return sorted(found.values(), key=lambda each: (each.is_same, each.name))


@dataclass(frozen=True, slots=True)
class Said:
    """A line of the conversation: a comment in a box, or an act as one line."""

    at: datetime
    user: User | None
    name: str
    words: str = ""
    html: str = ""
    icon: str = "point"
    tone: str = ""
    comment: PromotionComment | None = None
    link: str = ""


def conversation(actor: Actor, promotion: Promotion) -> list[Said]:
    """Return what was said and done, oldest first."""
    people = {user.pk: user for user in (promotion.author, promotion.closed_by) if user is not None}
    found = [_opening(promotion)]
    for comment in promotion.comments.select_related("user", "settled_by"):
        people[comment.user_id] = comment.user
        html = markdown.render(comment.body)
        found.append(Said(comment.created_at, comment.user, comment.user.username, "", html, comment=comment))
    for review in promotion.reviews.select_related("user"):
        people[review.user_id] = review.user
        found.append(_reviewed(review, promotion))
    found += [_done(event, promotion, people) for event in promotion_history.history(actor, promotion)]
    return sorted(found, key=lambda said: said.at)


def _opening(promotion: Promotion) -> Said:
    words = "asked for this promotion"
    if promotion.rollback_of is not None:
        words = f"asked to roll back promotion {promotion.rollback_of.number}"
    name = promotion.author.username if promotion.author else "strongroom"
    html = markdown.render(promotion.reason or f"{promotion.title}.")
    return Said(promotion.created_at, promotion.author, name, words, html)


_VERDICTS = {
    PromotionReview.Verdict.APPROVE: ("approved", "check", "ok"),
    PromotionReview.Verdict.CHANGES: ("asked for changes", "pencil", "warn"),
    PromotionReview.Verdict.REFUSE: ("refused this promotion", "circle-x", "warn"),
}


def _reviewed(review: PromotionReview, promotion: Promotion) -> Said:
    words, icon, tone = _VERDICTS[PromotionReview.Verdict(review.verdict)]
    if review.round != promotion.round:
        words = f"{words} of what was proposed then"
    html = markdown.render(review.body) if review.body.strip() else ""
    return Said(review.created_at, review.user, review.user.username, words, html, icon, tone)


def _done(event: Event, promotion: Promotion, people: dict[int, User]) -> Said:
    icon, tone, words = _words(event, promotion.alias)
    link = ""
    if event.act == "version.edit" and promotion.candidate is not None:
        link = f"{promotion.candidate.get_absolute_url()}/history"
    user = people.get(event.actor_id or 0)
    return Said(event.at, user, event.actor_name, words, icon=icon, tone=tone, link=link)


def _words(event: Event, alias: str) -> tuple[str, str, str]:
    before, after = event.before, event.after
    if event.act == "promotion.ask":
        return (
            "user",
            "",
            f"asked {_listed(after)} for review" if after else "asked nobody for review any more",
        )
    if event.act == "promotion.open":
        return "user", "", f"asked {_listed((after or {}).get('reviewers'))} for review"
    if event.act == "promotion.replace":
        return "arrow-right", "", f"proposed {after} instead of {before}"
    if event.act == "promotion.reopen":
        return (
            "arrow-right",
            "",
            f"renewed it: {after or 'nobody'} holds {alias} now, and {before or 'nobody'} did",
        )
    if event.act == "promotion.outdate":
        return "alert-triangle", "warn", f"moved {alias} to {after or 'nobody'}: this is out of date"
    if event.act == "promotion.promote":
        return (
            "check",
            "ok",
            f"promoted {(after or {}).get('version', '')} to {(after or {}).get('alias', '')}",
        )
    if event.act == "promotion.withdraw":
        reason = (after or {}).get("reason") or ""
        return "minus", "", f"withdrew it{f': {reason}' if reason else ''}"
    return "pencil", "", f"edited the {' and the '.join(_EDITED.get(name, name) for name in (after or {}))}"


_EDITED = {"description": "card", "ttl": "time to live"}


def _listed(names: Any) -> str:
    found = [str(name) for name in names] if isinstance(names, list) else []
    return f"{', '.join(found[:-1])} and {found[-1]}" if len(found) > 1 else "".join(found) or "nobody"
