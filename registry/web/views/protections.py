"""Protected aliases of a registry: which, by which rule; and moving one by hand, with a reason."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.models import Membership, Project
from registry.policy import Act, can, check
from registry.services import (
    aliases,
    approvals,
    collections,
    protection,
    protection_rules,
    registries,
    versions,
)
from registry.services.built_in_checks import BUILT_IN
from registry.web.forms.promotions import ByHandForm, RuleForm, of_rule
from registry.web.pages import done, page, show
from registry.web.views.promotions import asked, frame


def _home(project: Project) -> str:
    return reverse("promotions:protected", args=[project.entity.name, registries.title(project)])


@page()
def listing(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """The protected aliases of a registry and their rules."""
    context = frame(actor, organization, registry, "protected")
    rules = list(protection.listing(actor, project=context["project"]))
    context["rules"] = [(rule, approvals.whom(rule)) for rule in rules]
    context["may_protect"] = can(actor, Act.PROTECT, context["project"])
    return show(request, "promotions/protected.html", context)


@page("GET", "POST")
def rule(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Set a rule; `pattern` in the address is the one to change, without it a new one is made."""
    context = frame(actor, organization, registry, "protected")
    here = context["project"]
    check(actor, Act.PROTECT, here)
    pattern = request.GET.get("pattern", "")[:128]
    found = protection_rules.find(actor, here, pattern) if pattern else None
    shown = of_rule(protection_rules.as_value(found), found.pattern) if found else None
    form = RuleForm(request.POST if request.method == "POST" else None, initial=shown)
    if request.method == "POST" and form.act(protection_rules.set_rule, actor, project=here):
        return done(request, f"{form.result.pattern} is protected by this rule now.", _home(here))
    context |= {"form": form, "rule": found, "built_in": BUILT_IN}
    context["teams"] = protection_rules.teams_of(actor, project=here)
    return show(request, "promotions/rule.html", context, status=form.status)


@page("GET", "POST")
def remove(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Protect an alias no longer."""
    context = frame(actor, organization, registry, "protected")
    here = context["project"]
    check(actor, Act.PROTECT, here)
    found = protection_rules.find(actor, here, asked(request, "pattern"))
    if request.method == "POST":
        protection_rules.remove(actor, project=here, pattern=found.pattern)
        return done(request, f"{found.pattern} is not protected any more.", _home(here))
    return show(request, "promotions/unprotect.html", context | {"rule": found})


@page("GET", "POST")
def by_hand(request: HttpRequest, actor: Actor, organization: str, registry: str) -> HttpResponse:
    """Move a protected alias without a promotion, with a written reason."""
    context = frame(actor, organization, registry, "promotions")
    here = context["project"]
    check(actor, Act.PROTECT, here)
    row = _version(actor, here, request)
    name = aliases.spelled(asked(request, "name") or asked(request, "alias"))
    form = ByHandForm(request.POST if request.method == "POST" else None, initial={"name": name})
    if request.method == "POST" and form.act(aliases.move, actor, membership=row):
        return done(request, f"{form.result.name} is at v{row.number} now.", row.get_absolute_url())
    held = aliases.holders(row.collection, [name]).get(name)
    context |= {"form": form, "row": row, "name": name, "held": held}
    return show(request, "promotions/by_hand.html", context, status=form.status)


def _version(actor: Actor, here: Project, request: HttpRequest) -> Membership:
    place = collections.find(actor, here, asked(request, "collection"))
    return versions.find(actor, place, asked(request, "version") or aliases.LATEST)
