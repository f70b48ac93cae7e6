"""Set-up, signing in and signing out."""

from __future__ import annotations

from django.conf import settings
from django.contrib import auth, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from registry.actor import Actor
from registry.errors import RateLimited
from registry.http import problems
from registry.http.who import actor_of
from registry.services import accounts, invitations, mail, passwords
from registry.web.forms.accounts import ForgottenForm, NewPasswordForm, SetupForm, SignInForm
from registry.web.pages import public


@require_http_methods(["GET", "HEAD", "POST"])
@public
def setup(request: HttpRequest, token: str) -> HttpResponse:
    """Make the admin account, once: who holds the printed link is the operator."""
    form = SetupForm(request.POST if request.method == "POST" else None)
    accounts.check_setup_token(token)
    if request.method == "POST" and form.act(
        accounts.complete_setup, actor_of(request, door="web"), token=token
    ):
        auth.login(request, form.result)
        return redirect("home")
    return render(request, "accounts/setup.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@public
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in, and go on to where one was going."""
    target = own_path(request, request.POST.get("next") or request.GET.get("next") or "/")
    if request.user.is_authenticated:
        return redirect(target)
    form = SignInForm(request.POST if request.method == "POST" else None)
    address = actor_of(request, door="web").address
    # Attempts are counted in Redis: while it is down nobody signs in, else anybody could guess for ever.
    if request.method == "POST" and form.act(accounts.authenticate, address=address):
        auth.login(request, form.result)
        return redirect(target)
    context = {"form": form, "next": "" if target == "/" else target, "is_set_up": accounts.is_set_up()}
    context["openid"] = settings.OPENID
    answer = render(request, "accounts/sign_in.html", context, status=422 if form.errors else 200)
    if isinstance(form.refusal, RateLimited):
        answer.status_code = form.refusal.status
        problems.ask_to_wait(answer, form.refusal)
    return answer


@require_http_methods(["GET", "HEAD", "POST"])
@public
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link that sets a new password; the answer is the same whether there is such an account or not."""
    form = ForgottenForm(request.POST if request.method == "POST" else None)

    def link(uid: str, token: str) -> str:
        return request.build_absolute_uri(reverse("new-password", args=[uid, token]))

    asked = request.method == "POST" and form.act(passwords.ask, actor_of(request, door="web"), link=link)
    context = {"form": form, "asked": asked, "mail": mail.is_set_up()}
    return render(request, "accounts/forgotten.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@public
def new_password(request: HttpRequest, uid: str, token: str) -> HttpResponse:
    """Set a new password by the link that was sent."""
    passwords.find(uid, token)
    form = NewPasswordForm(request.POST if request.method == "POST" else None)
    actor = actor_of(request, door="web")
    if request.method == "POST" and form.act(passwords.reset, actor, uid=uid, token=token):
        auth.login(request, form.result)
        return redirect("home")
    return render(request, "accounts/new_password.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@public
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Accept an invitation: as who is signed in, or with a new account."""
    found, actor = invitations.find(token), actor_of(request, door="web")
    if request.method == "POST" and actor.user is not None:
        invitations.accept(actor, token=token)
        messages.success(request, f"You are {found.role} of {found.team.entity.name} now.")
        return redirect("entities:detail", found.team.entity.name)
    form = SetupForm(request.POST if request.method == "POST" else None, initial={"email": found.email})
    if request.method == "POST" and form.act(invitations.register, actor, token=token):
        auth.login(request, form.result)
        return redirect("entities:detail", found.team.entity.name)
    host = Actor(found.created_by, door="web")
    context = {"form": form, "invitation": found, "open": invitations.takes_strangers(host, found.team)}
    return render(request, "accounts/join.html", context, status=422 if form.errors else 200)


@require_POST
@public
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    auth.logout(request)
    return redirect("sign-in")


def own_path(request: HttpRequest, given: str) -> str:
    """Return a path of this site, or the home page: `next` must never lead away."""
    # Browsers drop tabs and newlines and read a backslash as a slash: "/\t/evil" would become "//evil".
    odd = any(ord(letter) < 33 or letter == "\\" for letter in given)
    safe = url_has_allowed_host_and_scheme(given, allowed_hosts=None, require_https=request.is_secure())
    return given if given.startswith("/") and safe and not odd else "/"
