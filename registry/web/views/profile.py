"""My settings: who I am, my time zone, where my things go, my password."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.conf import settings as configured
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse

from registry.actor import Actor
from registry.models import User
from registry.services import accounts, identities, teams
from registry.web.forms.accounts import PasswordForm, ProfileForm
from registry.web.pages import act_of, done, page, show


@page("GET", "POST")
def settings(request: HttpRequest, actor: Actor) -> HttpResponse:
    """Both forms; `act` says which was sent."""
    assert actor.user is not None
    user, act = actor.user, act_of(request, ("profile", "password"))
    profile = _profile(request if act == "profile" else None, actor, user)
    password = PasswordForm(request.POST if act == "password" else None)
    if act == "profile" and profile.act(accounts.edit_profile, actor):
        return done(request, "Your settings are saved.", request.path)
    if act == "password" and password.act(accounts.set_password, actor, user=user):
        # The other sessions end with the old password; this one goes on.
        update_session_auth_hash(request, user)
        return done(
            request, "Your password is changed. All your other sessions are signed out.", request.path
        )
    context = {"form": profile, "password_form": password, "zones": sorted(available_timezones())}
    context |= {"openid": configured.OPENID, "identities": identities.listing(user)}
    return show(
        request, "accounts/settings.html", context, status=422 if profile.errors or password.errors else 200
    )


def _profile(request: HttpRequest | None, actor: Actor, user: User) -> ProfileForm:
    names = [entity.name for entity, _ in teams.entities_of(actor)]
    first = {name: getattr(user, name) for name in ("full_name", "email", "time_zone", "mails_inbox")}
    first["default_entity"] = accounts.default_entity(user).name
    return ProfileForm(request.POST if request else None, names=names, initial=first)
