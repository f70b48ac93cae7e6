"""Drafts: stage, send, commit."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.schema import BUNDLE, NDJSON, operation
from registry.api.serializers import drafts as shape
from registry.api.serializers import versions as version_shape
from registry.api.shapes import Param
from registry.http.body import open_body, pieces
from registry.http.paging import limit_of
from registry.services import drafts, projects, uploads

_MISSING = (
    Param("after", {"type": "string", "maxLength": 8192}, "`next` of the page before"),
    Param("limit", {"type": "integer", "minimum": 1, "maximum": 10_000}, "How many (1,000 when not given)"),
)


class DraftList(Endpoint):
    """The drafts of a project."""

    @operation("Begin a draft", {201: shape.DRAFT, 200: shape.DRAFT}, body=shape.NEW_DRAFT)
    def post(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Begin a draft, or answer the one that this client_id began."""
        data = shape.NEW_DRAFT.read(self.http)
        place = projects.ensure(self.actor, entity_name=entity, name=project)
        draft, created = drafts.begin(self.actor, project=place, **self.with_run(place, data))
        return self.answer(shape.draft(draft), status=201 if created else 200)


class DraftDetail(Endpoint):
    """One draft."""

    @operation("Show one of one's own drafts", {200: shape.DRAFT})
    def get(self, request: Request, draft_id: str) -> HttpResponse:
        """Answer the draft."""
        return self.answer(shape.draft(drafts.find(self.actor, draft_id)))

    @operation("Give a draft up", {204: None}, errors=(409,))
    def delete(self, request: Request, draft_id: str) -> HttpResponse:
        """Abandon the draft."""
        drafts.abandon(self.actor, draft=drafts.find(self.actor, draft_id))
        return self.nothing()


class DraftManifest(Endpoint):
    """The manifest of a draft."""

    @operation("Stage the manifest: one entry a line, in path order", {200: shape.STAGED}, stream=NDJSON)
    def put(self, request: Request, draft_id: str) -> HttpResponse:
        """Read the manifest as it streams in."""
        draft = drafts.find(self.actor, draft_id)
        body = open_body(self.http, settings.MANIFEST_LIMIT)
        return self.answer(shape.staged(drafts.stage(self.actor, draft=draft, lines=pieces(body))))


class DraftMissing(Endpoint):
    """What a draft lacks."""

    @operation("List the blobs that the draft lacks", {200: shape.MISSING}, query=_MISSING, errors=(409,))
    def get(self, request: Request, draft_id: str) -> HttpResponse:
        """Answer a page of missing blobs."""
        limit = limit_of(self.http.GET, default=1000, most=10_000)
        draft = drafts.find(self.actor, draft_id)
        rows, after = drafts.missing(
            self.actor, draft=draft, after=self.http.GET.get("after", ""), limit=limit
        )
        found = [{"sha256": sha256, "size": size, "path": path} for sha256, size, path in rows]
        return self.answer({"results": found, "next": after})


class DraftSizes(Endpoint):
    """Which sizes are worth hashing before sending."""

    @operation("Say of which sizes the entity has a blob", {200: shape.KNOWN_SIZES}, body=shape.SIZES)
    def post(self, request: Request, draft_id: str) -> HttpResponse:
        """Answer the known ones: a file of another size can't be a duplicate."""
        sizes = shape.SIZES.read(self.http)["sizes"]
        draft = drafts.find(self.actor, draft_id)
        return self.answer({"known": uploads.known_sizes(self.actor, draft=draft, sizes=sizes)})


class DraftBundles(Endpoint):
    """Many small blobs in one body."""

    @operation("Send many small blobs in one body", {200: shape.STORED}, stream=BUNDLE)
    def post(self, request: Request, draft_id: str) -> HttpResponse:
        """Keep all of the body, or nothing."""
        draft = drafts.find(self.actor, draft_id)
        body = open_body(self.http, settings.BUNDLE_LIMIT)
        done = uploads.receive_bundle(self.actor, draft=draft, stream=body, length=body.length)
        return self.answer({"stored": done.stored, "known": done.known})


class DraftCommit(Endpoint):
    """The end of a draft."""

    @operation(
        "Commit: the draft becomes the next version, or nothing new when it equals `latest`",
        {201: version_shape.COMMITTED, 200: version_shape.COMMITTED},
        body=shape.COMMIT,
    )
    def post(self, request: Request, draft_id: str) -> HttpResponse:
        """Commit the draft; again answers the same version again."""
        data = shape.COMMIT.read(self.http)
        done = drafts.commit(self.actor, draft=drafts.find(self.actor, draft_id), **data)
        body = {
            "version": version_shape.version(done.membership, self.base_url, self.actor),
            "created": done.created,
        }
        return self.answer(body, status=201 if done.created else 200)
