"""Signing in by the OpenID Connect provider of the installation, and connecting an account to it."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from registry.actor import Actor
from registry.errors import NotFound
from registry.http.who import actor_of, address_of
from registry.services import accounts, identities
from registry.web import openid
from registry.web.pages import done, page, public
from registry.web.views.accounts import own_path


@require_POST
@public
def begin(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Lead to the provider. By a page, for a form may not be answered with an address elsewhere (form-action)."""
    _check(provider_id)
    accounts.limit(_attempts(request))
    return render(
        request, "accounts/leaving.html", {"target": openid.begin(request), "openid": settings.OPENID}
    )


@require_http_methods(["GET"])
@public
def finish(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Let in who comes back from the provider, or connect who is signed in already."""
    _check(provider_id)
    claims, state = openid.finish(request)
    actor, target = actor_of(request, door="web"), own_path(request, str(state.get("next") or "/"))
    if state.get("process") == "connect":
        identities.connect(actor, claims)
        accounts.forgive(_attempts(request))
        messages.success(request, f"You can sign in with {openid.provider().name} now.")
        return redirect("profile")
    auth.login(request, identities.sign_in(actor, claims))
    accounts.forgive(_attempts(request))
    return redirect(target)


@page("POST")
def disconnect(request: HttpRequest, actor: Actor, identity: int) -> HttpResponse:
    """End that an identity lets the person in."""
    identities.disconnect(actor, identity=identity)
    return done(request, "The identity is disconnected. Your password lets you in.", "/settings")


def _attempts(request: HttpRequest) -> str:
    return f"openid:address:{address_of(request)}"


def _check(provider_id: str) -> None:
    if settings.OPENID is None or provider_id != openid.PROVIDER:
        raise NotFound("This installation has no such way to sign in.")
