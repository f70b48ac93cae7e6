"""Django's own failures, as pages: nothing at that address, a forged form, a crash."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, HttpResponse
from django.template import Context, Engine

from registry.errors import Forbidden
from registry.http import problems
from registry.web.pages import problem, to_sign_in


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: a request that Django itself refused; 413 when it is only too long."""
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent):
        return problem(
            request,
            problems.of_status(
                413,
                "This is more than a form takes, so nothing was changed. Go back, where what you typed still is, "
                "and shorten it; or send it with the client or the API.",
            ),
        )
    if isinstance(exception, DisallowedHost):
        return problem(request, problems.as_error(exception))
    return problem(
        request, problems.of_status(400, "The request is malformed. Go back, reload the page, and try again.")
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return problem(request, problems.of_status(403, "You may not do this. Nothing was changed."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 for addresses that no page has; who is not signed in is asked to, wherever they look."""
    user = getattr(request, "user", None)
    if user is not None and not user.is_authenticated:
        return to_sign_in(request)
    return problem(
        request, problems.of_status(404, "There is nothing at this address. Check it, or start from home.")
    )


def crashed(request: HttpRequest) -> HttpResponse:
    """500: rendered without the database, the session or a context processor, any of which may be what broke."""
    number = getattr(request, "request_id", "")
    template = Engine.get_default().get_template("errors/500.html")
    return HttpResponse(template.render(Context({"request_id": number})), status=500)


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: a stale page, or another site's form."""
    return problem(
        request,
        Forbidden(
            "This form is out of date, or came from another site, so nothing was changed. "
            "Go back, reload the page, and send it again. Cookies must be allowed."
        ),
    )
