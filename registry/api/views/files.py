"""What lies inside a version: manifest, folders, entries, bytes, differences."""

from __future__ import annotations

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from strongroom.core.errors import InvalidQuery

from registry.api.base import Endpoint
from registry.api.schema import BINARY, BUNDLE, BYTES, JSON, LISTING, NDJSON, operation
from registry.api.serializers import files as shape
from registry.api.shapes import Param, needed
from registry.http import signing
from registry.http.delivery import deliver, disposition
from registry.http.paging import limit_of
from registry.http.streams import stream
from registry.http.who import acting_for
from registry.models import Membership
from registry.services import files, versions

_PATH = Param("path", {"type": "string", "maxLength": 4096}, "The path of the entry", required=True)
_FOLDER = Param("path", {"type": "string", "maxLength": 4096}, "The folder; the top when not given")
_MANIFEST = (
    Param("format", {"type": "string", "enum": ["ndjson", "wandb"]}, "ndjson when not given"),
    Param("prefix", {"type": "string", "maxLength": 4096}, "Only paths that begin with this"),
)
_BASE = Param(
    "base",
    {"type": "string", "maxLength": 1024},
    "A ref of this collection, or entity/project/name:ref",
    required=True,
)


class Manifest(Endpoint):
    """The manifest of a version."""

    @operation(
        "Stream the manifest",
        {200: BINARY},
        query=_MANIFEST,
        errors=(410,),
        content_type=NDJSON,
        other_types={JSON: {"type": "object"}},
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponseBase:
        """Stream entries, a line each, or the JSON form of the `wandb` client."""
        form, prefix = self.http.GET.get("format", "ndjson"), self.http.GET.get("prefix", "")
        found = self.version(entity, project, collection, ref)
        if form == "wandb" and not prefix:
            return stream(
                self.http, files.wandb_manifest(self.actor, found), "application/json", _tag(found, form)
            )
        if form != "ndjson":
            raise InvalidQuery("format must be ndjson or wandb; wandb takes no prefix.", field="format")
        return stream(self.http, files.lines(self.actor, found, prefix), NDJSON, _tag(found, prefix))


class Folder(Endpoint):
    """One folder of a version."""

    @operation(
        "List a folder, sub-folders first", {200: shape.FOLDER}, query=(_FOLDER, *LISTING), errors=(410,)
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of the folder."""
        query = self.http.GET
        found = self.version(entity, project, collection, ref)
        page = files.folder(self.actor, found, query.get("path", ""), query.get("cursor"), limit_of(query))
        return self.answer(shape.folder(page))


class EntryDetail(Endpoint):
    """One entry of a version."""

    @operation("Show one entry", {200: shape.ENTRY}, query=(_PATH,), errors=(410,))
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer the entry."""
        path = needed(self.http.GET, "path")
        found = self.version(entity, project, collection, ref)
        return self.answer(files.entry(self.actor, found, path).to_json())


class Content(Endpoint):
    """The bytes of an entry."""

    @operation(
        "Download one file: ranges, and 304 by digest",
        {200: BINARY, 206: BINARY},
        query=(_PATH,),
        errors=(410, 416),
        content_type=BYTES,
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponseBase:
        """Deliver the file as an attachment."""
        path = needed(self.http.GET, "path")
        return self.deliver(self.version(entity, project, collection, ref), path)

    def deliver(self, membership: Membership, path: str) -> HttpResponseBase:
        """Deliver the bytes of one path."""
        _, blob = files.content(self.actor, membership, path)
        return deliver(
            self.http,
            files.opener(self.actor, membership, blob),
            size=blob.size,
            sha256=blob.sha256.hex(),
            filename=path,
        )


class Address(Endpoint):
    """Where the bytes of an entry are had without the server."""

    @operation(
        "Ask where the object store gives a large file", {200: shape.ADDRESS}, query=(_PATH,), errors=(410,)
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer an address that is good for 15 minutes, or null: the server gives the bytes, then."""
        path = needed(self.http.GET, "path")
        found = self.version(entity, project, collection, ref)
        blob, url = files.address(self.actor, found, path, disposition=disposition(path))
        return self.answer({"url": url, "size": blob.size, "sha256": blob.sha256.hex()})


class Bundle(Endpoint):
    """Many files in one answer."""

    @operation(
        "Download many files in one answer",
        {200: BINARY},
        body=shape.PATHS,
        errors=(410,),
        content_type=BUNDLE,
    )
    def post(
        self, request: Request, entity: str, project: str, collection: str, ref: str
    ) -> HttpResponseBase:
        """Stream frames, each distinct blob once, in the order of their place in the store."""
        paths = shape.PATHS.read(self.http)["paths"]
        found = self.version(entity, project, collection, ref)
        return stream(self.http, files.bundle(self.actor, found, paths), BUNDLE, compress=False)


class Diff(Endpoint):
    """What changed from another version to this one."""

    @operation(
        "Compare with another version", {200: shape.CHANGE_PAGE}, query=(_BASE, *LISTING), errors=(410,)
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer a page of changes by path."""
        base, query = needed(self.http.GET, "base"), self.http.GET
        limit, after = limit_of(query), shape.path_of(query.get("cursor"))
        found = self.version(entity, project, collection, ref)
        if ":" in base:
            other = versions.lookup(self.actor, base, entity=entity, project=project)
        else:
            other = versions.find(self.actor, found.collection, base)
        return self.answer(shape.changes(files.diff(other, found, actor=self.actor, after=after), limit))


class LinkList(Endpoint):
    """Signed links to the files of a version."""

    @operation(
        "Make a link that downloads one file without a key, for 15 minutes",
        {201: shape.LINK},
        body=shape.LINK_TO_MAKE,
        errors=(410,),
    )
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Sign a link for what one may download oneself."""
        path = shape.LINK_TO_MAKE.read(self.http)["path"]
        found = self.version(entity, project, collection, ref)
        files.content(self.actor, found, path)
        return self.answer(shape.link(self.base_url, self.actor, found, path), status=201)


class Download(Content):
    """A file by its signed link; who signed it must still be allowed to."""

    public = True

    @operation(
        "Download one file by a signed link",
        {200: BINARY, 206: BINARY},
        errors=(410, 416),
        content_type=BYTES,
        conditional=True,
    )
    def get(self, request: Request, token: str) -> HttpResponseBase:  # type: ignore[override]
        """Deliver what the link names, judged again now."""
        link = signing.verify(token, purpose=signing.DOWNLOAD, method=str(request.method))
        self.actor = acting_for(link.user_id, link.key_id, self.http)
        place, path = link.object
        response = self.deliver(versions.find_place(self.actor, place), path)
        response["Cache-Control"] = "private, no-store"
        return response


def _tag(found: Membership, variant: str) -> str:
    root = "" if found.version.manifest is None else found.version.manifest.root.hex()
    return f"{root} {variant}"
