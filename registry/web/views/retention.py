"""How long the versions of a team or a person live: what a change deletes is shown, then confirmed, then saved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone

from registry.actor import Actor
from registry.errors import PreviewChanged
from registry.http import expiring_lines
from registry.models import Entity
from registry.policy import Act, check
from registry.services import confirming, expiring, policies, previews, retention, teams
from registry.services.previews import Plan
from registry.web import impact, orders, searches
from registry.web.forms.policies import DefaultForm, of_entity
from registry.web.pager import paged
from registry.web.pages import act_of, done, page, show
from registry.web.views.entities import frame

_FIELDS = (
    "kind",
    "days",
    "ttl_editors",
    "inherited_ttl_spares_aliased",
    "kept_newest",
    "ttl_grace_until",
)


@page("GET", "POST")
def settings(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """The settings, with what they delete; "Review" asks once more, and only that saves."""
    found = _found(actor, entity)
    act = act_of(request, ("preview", "review", "save"))
    form = _form(request, actor, found)
    if act == "save" and form.act(_save, actor, found, preview=request.POST.get("preview", "")):
        return done(request, "The settings are saved.", request.path)
    asks = isinstance(form.refusal, PreviewChanged) or (act == "review" and form.is_valid())
    context = frame(actor, found, "retention") | {"form": form, "query": _query(form)}
    context |= {"runs": expiring.runs(actor, entity=found)}
    context |= _impact(actor, found, form, with_bytes=asks or "bytes" in request.GET)
    context["rules"] = impact.changes(found, form) if asks else []
    template = "teams/retention_review.html" if asks and "found" in context else "teams/retention.html"
    return show(request, template, context, status=form.status)


@page()
def preview(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """What the settings of the address would delete; the bytes where they are asked for."""
    found = _found(actor, entity)
    form = _asked(request, actor, found)
    context = frame(actor, found, "retention") | {"form": form, "query": _query(form)}
    context |= _impact(actor, found, form, with_bytes="bytes" in request.GET)
    return show(request, "teams/retention_preview.html", context, fragment="teams/_impact_afresh.html")


@page()
def versions(request: HttpRequest, actor: Actor, entity: str) -> HttpResponse:
    """Every version that the settings of the address would let expire."""
    found = _found(actor, entity)
    form = _asked(request, actor, found)
    wanted = form.planned(_plan, actor, found, form) if form.is_valid() else None
    asked, _ = searches.of(request)
    context = frame(actor, found, "retention") | {"form": form, "asked": asked, "query": _query(form)}
    if wanted is None:
        return show(request, "teams/expiring.html", context, status=422)
    listed = previews.listing(wanted, **asked.given()).for_listing().without_cards()
    context["pager"] = paged(request, listed, orders.EXPIRING, by_time=False)
    context["dues"] = expiring.dues(wanted, context["pager"].rows)
    context["becomes"] = impact.words_of(wanted.ttl)
    return show(request, "teams/expiring.html", context)


@page()
def as_csv(request: HttpRequest, actor: Actor, entity: str) -> StreamingHttpResponse:
    """The same list as a file."""
    found = _found(actor, entity)
    form = _asked(request, actor, found)
    form.raise_if_wrong()
    wanted = _plan(actor, found, form)
    asked, _ = searches.of(request)
    return StreamingHttpResponse(
        expiring_lines.expiring(wanted, previews.listing(wanted, **asked.given())),
        content_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="expiring-{found.name}-{timezone.now():%Y-%m-%d}.csv"'
        },
    )


def _found(actor: Actor, name: str) -> Entity:
    found = teams.find_entity(actor, name)
    check(actor, Act.SET_POLICY, found)
    return found


def _form(request: HttpRequest, actor: Actor, entity: Entity) -> DefaultForm:
    now = policies.read(actor, target=entity).ttl
    return of_entity(entity, now, request.POST if request.method == "POST" else None)


def _asked(request: HttpRequest, actor: Actor, entity: Entity) -> DefaultForm:
    """The settings of the address; without any, those that are saved."""
    now = policies.read(actor, target=entity).ttl
    saved = of_entity(entity, now)
    if "kind" in request.GET:
        return of_entity(entity, now, request.GET)
    return saved.again(_query(saved) | {"seen": str(saved["seen"].value())})


def _plan(actor: Actor, entity: Entity, form: DefaultForm) -> Plan:
    return previews.plan(actor, place=entity, ttl=form.wanted(), rules=form.rules())


def _impact(actor: Actor, entity: Entity, form: DefaultForm, *, with_bytes: bool) -> dict[str, Any]:
    """What the form's settings delete; nothing for a form that is wrong."""
    asked = form.again(_query(form))
    wanted = form.planned(_plan, actor, entity, asked) if asked.is_valid() else None
    if wanted is None:
        return {}
    return impact.context(confirming.show(wanted, with_bytes=with_bytes), _query(form))


def _query(form: DefaultForm) -> dict[str, str]:
    """The settings as an address has them."""
    names = [name for name in _FIELDS if name in form.fields]
    values = {name: form[name].value() for name in names}
    return {
        name: "on" if value is True else str(value)
        for name, value in values.items()
        if value not in (None, False)
    }


def _save(actor: Actor, entity: Entity, **given: Any) -> None:
    if entity.kind == Entity.Kind.TEAM:
        teams.edit_settings(actor, team=entity.team, **given)
    else:
        retention.set_policy(
            actor, target=entity, **{"ttl": policies.read(actor, target=entity).ttl, **given}
        )
