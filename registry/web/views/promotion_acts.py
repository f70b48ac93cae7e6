"""What is done on the page of a promotion: each act by its word in the form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

from registry.actor import Actor
from registry.errors import Conflict, InvalidInput, RegistryError, ReviewRefused
from registry.models import Promotion
from registry.services import (
    collections,
    promotion_comments,
    promotions,
    reviews,
    version_checks,
    versions,
)
from registry.web.forms.base import ServiceForm
from registry.web.forms.promotions import CommentForm, DecisionForm, ReviewersForm


@dataclass(slots=True)
class Tried:
    """What came of an act: what is said of it and where to go on, or forms with what is wrong."""

    said: str = ""
    to: str = ""
    forms: dict[str, Any] = field(default_factory=dict)
    status: int = 200


def try_(request: HttpRequest, actor: Actor, row: Promotion, act: str) -> Tried:
    """Do one act; what the person can mend comes back beside its field."""
    return ACTS[act](request, actor, row)


def _formed(form: ServiceForm, name: str, said: str, to: str, do: Callable[..., Any], *given: Any) -> Tried:
    if form.act(do, *given):
        return Tried(said, to)
    return Tried(forms={name: form}, status=form.status)


def _plain(row: Promotion, said: str, do: Callable[[], Any]) -> Tried:
    """Do what has no fields of its own; a refusal stands in the decision box."""
    try:
        result = do()
    except (InvalidInput, Conflict, ReviewRefused) as error:
        return Tried(forms={"refused": str(error)}, status=_status(error))
    to = result.get_absolute_url() if isinstance(result, Promotion) else row.get_absolute_url()
    return Tried(said.format(number=getattr(result, "number", "")), to)


def _status(error: RegistryError) -> int:
    return error.status if error.status in (403, 409) else 422


def _review(do: Callable[..., Any], said: str) -> Callable[[HttpRequest, Actor, Promotion], Tried]:
    def act(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
        form = DecisionForm(request.POST)
        return _formed(form, "decision", said, row.get_absolute_url(), _given(do, actor, row))

    return act


def _given(do: Callable[..., Any], actor: Actor, row: Promotion) -> Callable[..., Any]:
    """Hand a service what it takes of the fields: who approves says what they saw."""

    def run(*, body: str, seen: str) -> Any:
        given = {"seen": seen} if do is reviews.approve else {}
        return do(actor, promotion=row, body=body, **given)

    return run


def _withdraw(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    form = DecisionForm(request.POST)

    def run(*, body: str, seen: str) -> Any:
        return promotions.withdraw(actor, promotion=row, reason=body)

    return _formed(form, "decision", "The promotion is withdrawn.", row.get_absolute_url(), run)


def _promote(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    seen = request.POST.get("seen", "")[:64]
    said = f"{row.alias} is at v{row.candidate_number} now."
    return _plain(row, said, lambda: promotions.promote(actor, promotion=row, seen=seen))


def _renew(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    said = "The promotion is renewed. Reviews begin anew."
    return _plain(row, said, lambda: promotions.renew(actor, promotion=row))


def _roll_back(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    said = "Promotion {number} asks for the way back."
    return _plain(row, said, lambda: promotions.rollback(actor, promotion=row))


def _replace(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    ref = request.POST.get("version", "").strip()[:128]
    place = collections.find(actor, row.project, row.collection.name)
    other = versions.find(actor, place, ref)
    said = f"v{other.number} is proposed now. Reviews begin anew."
    return _plain(row, said, lambda: promotions.replace(actor, promotion=row, membership=other))


def _ask(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    form = ReviewersForm(request.POST)
    to = row.get_absolute_url()

    def run(*, reviewers: list[str]) -> Any:
        return promotions.ask(actor, promotion=row, reviewers=reviewers)

    return _formed(form, "asking", "The reviewers are set.", to, run)


def _comment(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    form = CommentForm(request.POST)

    def run(*, body: str, on: str, anchor: str) -> Any:
        return promotion_comments.comment(actor, promotion=row, body=body, on=on, anchor=anchor)

    return _formed(form, "comment", "Your comment is there.", f"{row.get_absolute_url()}#talk", run)


def _settle(settled: bool) -> Callable[[HttpRequest, Actor, Promotion], Tried]:
    def act(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
        number = request.POST.get("comment", "")
        comment = promotion_comments.find(
            actor, row, int(number) if number.isdecimal() and len(number) < 19 else 0
        )
        promotion_comments.settle(actor, promotion=row, comment=comment, settled=settled)
        return Tried(
            "The comment is settled." if settled else "The comment is open again.",
            f"{row.get_absolute_url()}#talk",
        )

    return act


def _run_again(request: HttpRequest, actor: Actor, row: Promotion) -> Tried:
    if row.candidate is not None:
        version_checks.rerun(actor, membership=row.candidate, promotion=row)
    return Tried("The checks run again.", row.get_absolute_url())


ACTS: dict[str, Callable[[HttpRequest, Actor, Promotion], Tried]] = {
    "approve": _review(reviews.approve, "You approved it."),
    "request_changes": _review(reviews.request_changes, "You asked for changes."),
    "refuse": _review(reviews.refuse, "The promotion is refused."),
    "withdraw": _withdraw,
    "promote": _promote,
    "renew": _renew,
    "roll_back": _roll_back,
    "replace": _replace,
    "ask": _ask,
    "comment": _comment,
    "settle": _settle(True),
    "reopen_comment": _settle(False),
    "run_checks": _run_again,
}
