"""Bytes in and out, at signed addresses."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase

from registry.errors import NotFound
from registry.http import signing
from registry.http.body import open_body, pieces
from registry.http.delivery import deliver, disposition
from registry.http.problems import respond
from registry.http.streams import stream
from registry.models import Membership
from registry.services import declared, declared_files, files, versions
from registry.wandb_api.context import Context
from registry.wandb_api.views.guard import by_key, by_link, guarded

_RUN_FILE_LIMIT = 1024**3


@guarded("PUT")
def file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Keep the bytes of one file of a draft."""
    context, link = by_link(request, token, signing.WANDB_FILE)
    public_id, md5 = link.object
    draft = declared.find(context.actor, public_id)
    body = open_body(request, settings.PART_LIMIT)
    declared_files.receive(
        context.actor, draft=draft, md5=bytes.fromhex(md5), stream=body, length=body.length
    )
    return HttpResponse(status=200)


@guarded("PUT")
def manifest(request: HttpRequest, token: str) -> HttpResponseBase:
    """Make what comes the content of the draft, or what is added to it."""
    context, link = by_link(request, token, signing.WANDB_MANIFEST)
    public_id, kind, base, md5 = link.object
    draft = declared.find(context.actor, public_id)
    body = open_body(request, settings.MANIFEST_LIMIT)
    lines = declared_files.checked(pieces(body), md5)
    declared_files.stage(context.actor, draft=draft, kind=kind, stream=lines, base=base)
    return HttpResponse(status=200)


@guarded("PUT")
def run_file(request: HttpRequest, token: str) -> HttpResponseBase:
    """Take a file of a run, and keep nothing of it."""
    by_link(request, token, signing.WANDB_RUN_FILE)
    for _ in pieces(open_body(request, _RUN_FILE_LIMIT)):
        pass
    return HttpResponse(status=200)


@guarded("GET", "HEAD")
def read(request: HttpRequest, token: str) -> HttpResponseBase:
    """Give a file of a version, or its manifest."""
    try:
        context, link = by_link(request, token, signing.WANDB_READ)
    except NotFound as error:
        # What the client takes for "expired": it asks for a new link.
        expired = respond(error, request)
        expired.status_code = 403
        return expired
    place, path = link.object
    membership = versions.find_place(context.actor, place)
    response: HttpResponseBase
    if path is None:
        response = stream(request, files.wandb_manifest(context.actor, membership), "application/json")
    else:
        response = _deliver(request, context, membership, path)
    # An address that opens without a key is nothing for a cache.
    response["Cache-Control"] = "private, no-store"
    return response


def _deliver(request: HttpRequest, context: Context, membership: Membership, path: str) -> HttpResponseBase:
    where = None
    if request.method == "GET":
        # A large file in a bucket comes from there: the client follows.
        blob, where = files.address(context.actor, membership, path, disposition=disposition(path))
    else:
        _, blob = files.content(context.actor, membership, path)
    if where is not None:
        return HttpResponseRedirect(where)
    return deliver(
        request,
        files.opener(context.actor, membership, blob),
        size=blob.size,
        sha256=blob.sha256.hex(),
        filename=path,
    )


@guarded("GET", "HEAD")
def by_digest(
    request: HttpRequest, region: str, entity: str, project: str, collection: str, rest: str
) -> HttpResponseBase:
    """Give a file of a version by its MD5: only what this version contains, to who may download it.

    What stands between is the version's id, that of the one which the file came with, both, or neither of them.
    """
    context = by_key(request)
    *between, md5, _ = [part for part in rest.split("/") if part] or ["", ""]
    membership = declared_files.containing(
        context.actor, entity=entity, project=project, collection=collection, ids=between
    )
    return _deliver(request, context, membership, declared_files.path_of(context.actor, membership, md5))
