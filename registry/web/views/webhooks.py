"""Webhooks of a project or registry: make, change, another secret, a test, delete; what was sent, and again."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from registry.actor import Actor
from registry.models import Webhook, WebhookDelivery
from registry.policy import Act, check
from registry.services import webhook_log, webhooks
from registry.web import orders
from registry.web.forms.webhooks import LogForm, WebhookForm, WebhookSettingsForm
from registry.web.pager import paged
from registry.web.pages import done, page, show
from registry.web.views import projects


@page("GET", "POST")
def listing(request: HttpRequest, actor: Actor, entity: str, project: str) -> HttpResponse:
    """All webhooks; the secret of a new one is shown in the answer to the form, and never again."""
    context = projects.frame(actor, entity, project, "settings")
    check(actor, Act.EDIT_PROJECT, context["project"])
    form, secret = WebhookForm(request.POST if request.method == "POST" else None), ""
    if request.method == "POST" and form.act(webhooks.create, actor, project=context["project"]):
        (context["made"], secret), form = form.result, WebhookForm()
    context |= {
        "form": form,
        "secret": secret,
        "webhooks": webhooks.listing(actor, project=context["project"]),
    }
    return show(request, "webhooks/list.html", context, status=form.status)


@page("GET", "POST")
def detail(request: HttpRequest, actor: Actor, entity: str, project: str, webhook: int) -> HttpResponse:
    """One webhook: its settings, and the log of what it was sent."""
    context, found = _found(actor, entity, project, webhook)
    form = None
    if request.method == "POST":
        form = WebhookSettingsForm(request.POST)
        if form.act(webhooks.edit, actor, webhook=found):
            return done(request, f"The webhook {form.result.name} is saved.", form.result.get_absolute_url())
    return _detail(request, actor, context, form=form)


@page("POST")
def secret(request: HttpRequest, actor: Actor, entity: str, project: str, webhook: int) -> HttpResponse:
    """Give it another secret, which is shown in this answer, and never again."""
    context, found = _found(actor, entity, project, webhook)
    context["secret"] = webhooks.rotate(actor, webhook=found)
    return _detail(request, actor, context)


@page("POST")
def ping(request: HttpRequest, actor: Actor, entity: str, project: str, webhook: int) -> HttpResponse:
    """Have a test sent."""
    _, found = _found(actor, entity, project, webhook)
    sent = webhook_log.ping(actor, webhook=found)
    return done(request, "A test is on its way. Open this page again in a moment.", _address(sent))


@page("GET", "POST")
def delete(request: HttpRequest, actor: Actor, entity: str, project: str, webhook: int) -> HttpResponse:
    """Ask, then delete a webhook with its log."""
    context, found = _found(actor, entity, project, webhook)
    if request.method == "POST":
        webhooks.delete(actor, webhook=found)
        to = reverse("projects:webhooks", args=[found.project.entity.name, found.project.name])
        return done(request, f"The webhook {found.name} is deleted.", to)
    return show(request, "webhooks/delete.html", context, fragment="webhooks/_delete.html")


@page("GET", "POST")
def delivery(
    request: HttpRequest, actor: Actor, entity: str, project: str, webhook: int, delivery: str
) -> HttpResponse:
    """What was sent, and what each attempt was answered; have it sent again."""
    context, found = _found(actor, entity, project, webhook)
    sent = webhook_log.find(actor, found, delivery)
    if request.method == "POST":
        webhook_log.redeliver(actor, delivery=sent)
        return done(request, "It is sent again. Open this page again in a moment.", _address(sent))
    return show(request, "webhooks/delivery.html", context | {"delivery": sent})


def _found(actor: Actor, entity: str, project: str, webhook: int) -> tuple[dict[str, Any], Webhook]:
    """The frame of the page, and the webhook that it is about; the right to it is judged first."""
    context = projects.frame(actor, entity, project, "settings")
    context["webhook"] = webhooks.find(actor, context["project"], webhook)
    return context, context["webhook"]


def _detail(
    request: HttpRequest, actor: Actor, context: dict[str, Any], form: WebhookSettingsForm | None = None
) -> HttpResponse:
    found, log = context["webhook"], LogForm(request.GET)
    first = {"name": found.name, "url": found.url, "events": found.kinds, "active": found.disabled_at is None}
    rows = webhook_log.listing(actor, webhook=found, **log.given())
    context |= {
        "form": form or WebhookSettingsForm(initial=first),
        "log": log,
        "pager": paged(request, rows, orders.DELIVERIES),
    }
    return show(request, "webhooks/detail.html", context, status=form.status if form else 200)


def _address(sent: WebhookDelivery) -> str:
    return f"{sent.webhook.get_absolute_url()}/deliveries/{sent.uid}"
