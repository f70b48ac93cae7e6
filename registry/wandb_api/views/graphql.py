"""GraphQL."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from registry.errors import MethodNotAllowed
from registry.http.body import read_json
from registry.http.problems import as_error, ask_to_wait
from registry.wandb_api.execution import Asked, run
from registry.wandb_api.views.guard import by_key

BODY_LIMIT = 8 * 1024 * 1024
# Asked again by the client, as often as they may pass by themselves; all else is told once.
_PASSING = (429, 503)


@csrf_exempt  # no cookie counts here
def graphql(request: HttpRequest) -> HttpResponse:
    """Answer one operation."""
    try:
        if request.method != "POST":
            raise MethodNotAllowed("Send operations by POST.", allow=["POST"])
        context = by_key(request)
        answer = run(context, Asked.of(read_json(request, BODY_LIMIT)))
    except Exception as error:  # noqa: BLE001  # whatever it is, a crash would be asked again for hours
        return _refused(error)
    response = HttpResponse(
        json.dumps(answer, ensure_ascii=False, separators=(",", ":")), content_type="application/json"
    )
    response["Cache-Control"] = "private, no-store"
    return response


def _refused(error: BaseException) -> HttpResponse:
    known = as_error(error)
    body = {"errors": [{"message": known.message, "extensions": {"code": known.code}}], "data": None}
    status = known.status if known.status < 500 or known.status in _PASSING else 422
    response = JsonResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    ask_to_wait(response, known)
    if status == 401:
        # Not Basic: a browser would ask its user for a password.
        response["WWW-Authenticate"] = 'Bearer realm="strongroom"'
    return response
