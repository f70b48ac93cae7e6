"""Promotions: lists, asking for one, and the review on one page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.errors import InvalidInput
from registry.models import Collection, Membership, Project, Promotion
from registry.policy import Act, can, check
from registry.services import (
    aliases,
    approvals,
    collections,
    inbox,
    judging,
    promotion_checks,
    promotion_history,
    promotions,
    protection,
    registries,
    versions,
)
from registry.services.judging import Judgement
from registry.web import orders, reviewing, searches
from registry.web.forms.promotions import CommentForm, DecisionForm, PromotionForm, ReviewersForm
from registry.web.pager import bounded_count, paged
from registry.web.pages import act_of, done, page, rights, show
from registry.web.views import promotion_acts

_OFFERED = 20


def frame(actor: Actor, organization: str, registry: str, tab: str) -> dict[str, Any]:
    """What every page of a registry shows."""
    found = registries.find(actor, organization, registry)
    return {"project": found, "tab": tab, "may": rights(actor, found)}


@page()
def everywhere(request: HttpRequest, actor: Actor) -> HttpResponse:
    """The promotions of all registries that one may see; those that wait for oneself are one choice."""
    context: dict[str, Any] = {"project": None, "tab": "promotions"}
    return _listed(request, actor, context)


@page()
def listing(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """The promotions of a registry."""
    return _listed(request, actor, frame(actor, organization, registry, "promotions"))


def _listed(request: HttpRequest, actor: Actor, context: dict[str, Any]) -> HttpResponse:
    states = [(promotions.GOING, "All in review"), *Promotion.State.choices]
    asked, choices = searches.of(request, {"state": ("State", states)})
    typed = {name: request.GET.get(name, "").strip()[:128] for name in ("alias", "person", "collection")}
    given = asked.given() | {name: value for name, value in typed.items() if value}
    found = promotions.listing(actor, project=context["project"], **given)
    pager = paged(request, found, orders.PROMOTIONS)
    context |= {"pager": pager, "asked": asked, "choices": choices, "typed": typed, "narrowed": bool(given)}
    context["matches"] = bounded_count(found) if given else ""
    context["waiting"] = promotions.waiting_for(actor.user).count() if actor.user else 0
    return show(request, "promotions/list.html", context)


@page("GET", "POST")
def create(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Ask that a linked version take an alias; which version the address says."""
    context = frame(actor, organization, registry, "promotions")
    here = context["project"]
    check(actor, Act.PROPOSE, here)
    row = _candidate(actor, here, request)
    if row is None and request.method == "POST":
        raise InvalidInput("Say which registered model and version: open this page from a version.")
    form = PromotionForm(request.POST if request.method == "POST" else None, initial=_initial(request))
    if request.method == "POST" and form.act(promotions.open, actor, membership=row):
        made = form.result
        return done(request, f"Promotion {made.number} is open.", made.get_absolute_url())
    context |= {"form": form, "row": row, **_offered(actor, here, row)}
    return show(request, "promotions/new.html", context, status=form.status)


def _initial(request: HttpRequest) -> dict[str, str]:
    return {"alias": request.GET.get("alias", "")[:128]}


def asked(request: HttpRequest, name: str) -> str:
    """Return what the address or the form says."""
    return (request.POST.get(name) or request.GET.get(name, "")).strip()[:128]


def _candidate(actor: Actor, here: Project, request: HttpRequest) -> Membership | None:
    name, ref = asked(request, "collection"), asked(request, "version")
    if not name:
        return None
    return versions.find(actor, collections.find(actor, here, name), ref or aliases.LATEST)


def _offered(actor: Actor, here: Project, row: Membership | None) -> dict[str, Any]:
    """What may be chosen: aliases that are protected or held, versions to propose, people whose approval counts."""
    rules = list(protection.listing(actor, project=here))
    names = [rule.pattern for rule in rules if not set("*?[") & set(rule.pattern)]
    if row is None:
        listed = collections.listing(actor, project=here).order_by("name")[:200]
        return {"rules": rules, "aliases": names, "models": list(listed)}
    held = [alias.name for alias in aliases.listing(actor, collection=row.collection)[:50]]
    return {
        "rules": rules,
        "aliases": [name for name in dict.fromkeys([*names, *held]) if name != aliases.LATEST],
        "newest": newest(actor, row.collection),
        "people": approvals.known(here, rules),
    }


def newest(actor: Actor, place: Collection) -> list[Membership]:
    """The newest versions of a registered model, of which the number and the age are read."""
    listed = versions.listing(actor, collection=place).select_related(None).prefetch_related(None)
    return list(listed.only("number", "created_at").order_by("-number")[:_OFFERED])


@page("GET", "POST")
def detail(request: HttpRequest, actor: Actor, organization: str, registry: str, number: int) -> HttpResponse:
    """The review on one page: evidence, checks, conversation, and what decides."""
    context = frame(actor, organization, registry, "promotions")
    row = promotions.find(actor, context["project"], number)
    act = act_of(request, promotion_acts.ACTS)
    tried = promotion_acts.try_(request, actor, row, act) if act else None
    if tried is not None and tried.said:
        return done(request, tried.said, tried.to)
    judged = judging.judge(row)
    promotion_checks.look(actor, row, judged.checks)
    inbox.look(actor, row)
    context |= _decision(actor, row, judged) | reviewing.compared(actor, row, judged)
    context["talk"] = reviewing.conversation(actor, row)
    context |= _forms(row, judged) | (tried.forms if tried else {})
    return show(request, "promotions/detail.html", context, status=tried.status if tried else 200)


def _decision(actor: Actor, row: Promotion, judged: Judgement) -> dict[str, Any]:
    """What decides, and what of it this person may do."""
    refused = approvals.why_not(judged.rule, row, actor.user) if actor.user else ""
    return {
        "promotion": row,
        "judged": judged,
        "protected": protection.held_by(row.candidate) if row.candidate else set(),
        "why_not": refused,
        "whom": approvals.whom(judged.rule),
        "can": _rights(actor, row, refused),
        "reviewers": promotion_history.standing_of_reviewers(row, judged.counted),
        "others": [] if row.is_closed else newest(actor, row.collection),
        "people": approvals.known(row.project, [judged.rule]),
    }


def _rights(actor: Actor, row: Promotion, refused: str | None = "") -> dict[str, bool]:
    """What this person may do; `refused` is why their approval would not count. The services check again."""
    place, going = row.project, not row.is_closed
    mine = actor.user is not None and row.author_id == actor.user.pk
    admin, member = can(actor, Act.PROTECT, place), can(actor, Act.PROPOSE, place)
    return {
        "review": refused is None and going,
        "discuss": can(actor, Act.DISCUSS, place),
        "propose": member and going,
        "promote": can(actor, promotions.promoting(row), place) and going,
        "refuse": (refused is None or admin) and not mine and going,
        "withdraw": (admin or (mine and member)) and going,
        "roll_back": row.state == Promotion.State.PROMOTED and member and row.base_number is not None,
        "by_hand": admin,
    }


def _forms(row: Promotion, judged: Judgement) -> dict[str, Any]:
    asked = ", ".join(each.user.username for each in row.reviewers.select_related("user"))
    return {
        "decision": DecisionForm(initial={"seen": judged.seen}),
        "comment": CommentForm(),
        "asking": ReviewersForm(initial={"reviewers": asked}),
    }


@page()
def checks(request: HttpRequest, actor: Actor, organization: str, registry: str, number: int) -> HttpResponse:
    """The checks of a promotion, asked for again while some run."""
    context = frame(actor, organization, registry, "promotions")
    row = promotions.find(actor, context["project"], number)
    judged = judging.judge(row)
    promotion_checks.look(actor, row, judged.checks)
    context |= {"promotion": row, "judged": judged, "can": _rights(actor, row)}
    return show(request, "promotions/checks.html", context, fragment="promotions/_checks.html")
