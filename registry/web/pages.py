"""What every page shares: who asks, errors as pages, fragments for htmx, and going on after a form."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import wraps
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from django.contrib import messages
from django.db import DataError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from redis.exceptions import RedisError

from registry.actor import Actor
from registry.errors import InvalidInput, MethodNotAllowed, NotAuthenticated, RegistryError
from registry.http import problems
from registry.http.who import actor_of
from registry.models import Event, Project
from registry.policy import Act, can
from registry.services import policies, undoing
from registry.services.policies import Place
from registry.web.forms.policies import PolicyForm

View = Callable[..., HttpResponseBase]

_HEADINGS = {
    400: "That can't be done as asked",
    403: "That is not allowed",
    404: "There is nothing here, or nothing for you to see",
    405: "This address is not for that",
    409: "That conflicts with what is there",
    410: "This was deleted",
    413: "That is too large",
    429: "Too many attempts",
    500: "Something went wrong at the server",
    503: "The server can't do that now",
    507: "There is no room left",
}


def page(*methods: str) -> Callable[[View], View]:
    """Turn a view of (request, actor, …) into a page: signed in, errors rendered, never kept by a cache."""
    allowed = methods or ("GET",)

    def decorate(view: View) -> View:
        @wraps(view)
        @public
        def inner(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            try:
                return _answer(request, view, allowed, kwargs)
            except NotAuthenticated:
                return to_sign_in(request)

        return inner

    return decorate


def public(view: View) -> View:
    """Render what a view raises as a page, also for who is not signed in; never kept by a cache."""

    @wraps(view)
    def inner(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            response = view(request, **kwargs)
        except RegistryError as error:
            response = problem(request, error)
        except (OperationalError, DataError, RedisError, OSError) as error:
            response = problem(request, problems.as_error(error))
        return _private(response)

    return inner


def _answer(
    request: HttpRequest, view: View, allowed: tuple[str, ...], kwargs: dict[str, Any]
) -> HttpResponseBase:
    method = "GET" if request.method == "HEAD" else request.method
    if method not in allowed:
        raise MethodNotAllowed(
            "This address does not take that method. Nothing was changed.", allow=list(allowed)
        )
    _check_form(request)
    actor = actor_of(request, door="web")
    if actor.user is None:
        raise NotAuthenticated("Sign in to see this page.")
    with timezone.override(actor.user.time_zone or None):
        return view(request, actor, **kwargs)


def _check_form(request: HttpRequest) -> None:
    """Refuse what is not UTF-8: Django would put other letters in its place, and they would be kept."""
    if request.method == "POST":
        is_quoted = request.content_type == "application/x-www-form-urlencoded"
        try:
            # Of several parts none is a file: those go by the API. `KeptForms` has kept their bytes.
            (unquote_to_bytes(request.body) if is_quoted else getattr(request, "_body", b"")).decode()
        except UnicodeDecodeError:
            raise InvalidInput("The form is not in UTF-8. Nothing was changed.") from None


def _private(response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers.setdefault("Vary", "Cookie, HX-Request")
    return response


def act_of(request: HttpRequest, known: Collection[str]) -> str:
    """Return which of a page's acts its form asks for; "" where no form was sent, InvalidInput where none is named."""
    act = request.POST.get("act", "")
    if request.method == "POST" and act not in known:
        raise InvalidInput(
            "The form does not say what it is to change. Open this page again, and save there."
        )
    return act


def is_fragment(request: HttpRequest) -> bool:
    """Is this htmx asking for a piece of the page?"""
    htmx: Any = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request


def show(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, fragment: str = "", status: int = 200
) -> HttpResponse:
    """Render the page, or only its fragment when htmx asks for it."""
    if fragment and is_fragment(request):
        return render(request, "components/_fragment.html", {**context, "fragment": fragment}, status=status)
    return render(request, template, dict(context), status=status)


def may_reach(response: HttpResponse, origin: str) -> HttpResponse:
    """Let the scripts of this one page send to another origin as well; "" lets them send nowhere else."""
    if origin:
        # Where the middleware of the policy looks.
        vars(response)["_csp_update"] = {"connect-src": [origin]}
    return response


def undo_of(actor: Actor, project: Project, since: int) -> str:
    """Return the address that takes back what the person did in a project since an event; "" where nothing can."""
    return address_of_undo(project, undoing.made(actor, project=project, since=since))


def address_of_undo(project: Project, event: Event | None) -> str:
    """Return the address that takes an act back; "" for none."""
    if event is None:
        return ""
    return reverse("projects:undo", args=[project.entity.name, project.name, event.pk])


def done(request: HttpRequest, said: str, to: str, *, undo: str = "") -> HttpResponse:
    """Say what was done and go on to a page; `undo` is the address that takes it back."""
    messages.success(request, said, extra_tags=undo)
    if is_fragment(request):
        response = HttpResponse(status=204)
        response["HX-Redirect"] = to
        return response
    return redirect(to)


def to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page, and back here afterwards."""
    back = request.get_full_path() if request.method in ("GET", "HEAD") and not is_fragment(request) else "/"
    query = "" if back == "/" else f"?{urlencode({'next': back})}"
    target = reverse("sign-in") + query
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return redirect(target)


def problem(request: HttpRequest, error: RegistryError) -> HttpResponse:
    """Show an error as a page; to htmx as the sentence that its toast shows."""
    if is_fragment(request):
        response = HttpResponse(str(error), status=error.status, content_type="text/plain; charset=utf-8")
        problems.ask_to_wait(response, error)
        return response
    # Who asks is read from the database, which may be what failed.
    known = (
        error.status < 500 and getattr(request, "user", None) is not None and request.user.is_authenticated
    )
    context = {
        "error": error,
        "heading": _HEADINGS.get(error.status, "That did not work"),
        "frame": "base.html" if known else "base_alone.html",
        "place": _place(request),
    }
    response = render(request, "errors/problem.html", context, status=error.status)
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = ", ".join(error.details.get("allow", []))
    problems.ask_to_wait(response, error)
    return response


def _place(request: HttpRequest) -> dict[str, Any]:
    """The parts of the address, so that an error page can offer a way on."""
    match = request.resolver_match
    return dict(match.kwargs) if match is not None else {}


def policy_panel(actor: Actor, target: Place, project: Project, form: PolicyForm | None) -> dict[str, Any]:
    """What the section on the time to live shows, in the settings of a project or a collection."""
    policy = policies.read(actor, target=target)
    return {
        "policy": policy,
        "policy_form": form or PolicyForm(now=policy.ttl),
        "may_set": can(actor, Act.SET_POLICY, project),
    }


def rights(actor: Actor, project: Any) -> dict[str, bool]:
    """What a page may offer here; the services check again."""
    is_registry = project.kind == Project.Kind.REGISTRY
    return {
        "edit": can(actor, Act.EDIT, project),
        "ttl": can(actor, Act.SET_TTL, project),
        "delete": can(actor, Act.DELETE, project),
        # A registry takes links: nothing is logged there.
        "log": not is_registry and can(actor, Act.LOG, project),
        "link": is_registry and can(actor, Act.LINK, project),
        "settings": can(actor, Act.EDIT_PROJECT, project),
    }
