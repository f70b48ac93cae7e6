"""My API keys: make, revoke."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from registry.actor import Actor
from registry.services import keys
from registry.web.forms.keys import KeyForm
from registry.web.pages import done, page, show
from registry.web.snippets import base_url


@page("GET", "POST")
def listing(request: HttpRequest, actor: Actor) -> HttpResponse:
    """My keys; a new one is shown in the answer to the form, and never again."""
    form = KeyForm(request.POST if request.method == "POST" else None)
    secret = ""
    if request.method == "POST" and form.act(keys.create, actor, user=actor.user):
        secret, form = form.result[1], KeyForm()
    context = {"form": form, "secret": secret, "keys": keys.of(actor), "address": base_url(request)}
    return show(request, "keys/list.html", context, status=422 if form.errors else 200)


@page("GET")
def authorize(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Lead from the address that the `wandb` client prints for "make an API key"."""
    return HttpResponseRedirect(reverse("keys:list"))


@page("GET", "POST")
def revoke(request: HttpRequest, actor: Actor, key: int) -> HttpResponse:
    """Ask, then end a key."""
    found = keys.find(actor, key)
    if request.method == "POST":
        keys.revoke(actor, key=found)
        return done(request, f"The key {found.name} is revoked.", reverse("keys:list"))
    return show(request, "keys/revoke.html", {"key": found}, fragment="keys/_revoke.html")
