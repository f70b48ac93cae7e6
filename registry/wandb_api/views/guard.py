"""Around every view of this door: who asks by a key, and errors as the client reads them, never a crash."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt

from registry.errors import MethodNotAllowed, NotAuthenticated
from registry.http import problems
from registry.http.signing import Link, verify
from registry.http.who import acting_for, actor_of
from registry.wandb_api.context import Context

View = Callable[..., HttpResponseBase]
DOOR = "wandb"


def guarded(*methods: str) -> Callable[[View], View]:
    """Let a view take some methods, and answer what it raises.

    No cookie counts here, so that no page of another site can act in somebody's name: hence no CSRF token either.
    """

    def wrap(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            try:
                if request.method not in methods:
                    raise MethodNotAllowed("This address does not take that method.", allow=list(methods))
                return view(request, *args, **kwargs)
            except Exception as error:  # noqa: BLE001  # whatever it is, a crash would be asked again for hours
                return refused(error, request)

        return answer

    return wrap


def refused(error: BaseException, request: HttpRequest) -> HttpResponse:
    """Answer an error. The client asks again for hours after a 500, so what nobody foresaw is a 422."""
    response = problems.respond(error, request)
    if response.status_code >= 500 and response.status_code != 503:
        response.status_code = 422
    return response


def by_key(request: HttpRequest) -> Context:
    """Return the context of who sends an API key; nobody else is heard."""
    if not request.headers.get("Authorization"):
        raise NotAuthenticated(
            "Send an API key: `wandb login --host ADDRESS`. Make one on your API keys page."
        )
    return Context(actor_of(request, door=DOOR), base_url(request))


def by_link(request: HttpRequest, token: str, purpose: str) -> tuple[Context, Link]:
    """Return the context of who made a signed link, and what it allows."""
    link = verify(token, purpose=purpose, method=str(request.method))
    return Context(acting_for(link.user_id, link.key_id, request, door=DOOR), base_url(request)), link


def base_url(request: HttpRequest) -> str:
    """Where people reach this installation."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
