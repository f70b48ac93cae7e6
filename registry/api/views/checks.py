"""Checks of versions in a registry: listed, posted by scripts, made again; and whose the names are."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from registry.api.base import Endpoint
from registry.api.orders import CHECK_NAMES
from registry.api.schema import LISTING, operation, ordering
from registry.api.serializers import checks as shape
from registry.api.shapes import search_in, words_of
from registry.http import conditional
from registry.models import Promotion
from registry.services import check_names, projects, promotion_checks, promotions, version_checks


class VersionChecks(Endpoint):
    """The checks of a version at its place in a registry."""

    @operation(
        "List the checks of a version in a registry, failed ones first", {200: shape.CHECKS}, conditional=True
    )
    def get(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Answer all of them; they are few."""
        found = self.version(entity, project, collection, ref)
        listed = version_checks.listing(self.actor, membership=found)
        return conditional.unless_known(self.http, self.answer(shape.checks(listed)))

    @operation(
        "Post the result of a check under a name of your own; the same name again replaces it",
        {200: shape.CHECK, 201: shape.CHECK},
        body=shape.TO_POST,
    )
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Keep it; 201 when the version had none of this name."""
        data = shape.TO_POST.read(self.http)
        found = self.version(entity, project, collection, ref)
        row, is_new = version_checks.post(self.actor, membership=found, **data)
        told = shape.check(version_checks.of_row(row))
        return self.answer(told, status=201 if is_new else 200)


class VersionChecksRerun(Endpoint):
    """Built-in checks of a version, made again."""

    @operation(
        "Have built-in checks of a version made again: all of those that depend on nothing else, or those named",
        {202: shape.STARTED},
        body=shape.TO_RERUN,
    )
    def post(self, request: Request, entity: str, project: str, collection: str, ref: str) -> HttpResponse:
        """Have workers make them."""
        data = shape.TO_RERUN.read(self.http)
        found = self.version(entity, project, collection, ref)
        done = version_checks.rerun(self.actor, membership=found, names=data.get("checks", ()))
        return self.answer({"checks": done}, status=202)


class PromotionChecks(Endpoint):
    """The checks of a promotion: those of its candidate, and those of its rule."""

    @operation(
        "List the checks of a promotion, failed ones first; those that its rule requires are all there",
        {200: shape.CHECKS},
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str, number: int) -> HttpResponse:
        """Answer all of them."""
        row = self._promotion(entity, project, number)
        found = promotion_checks.look(self.actor, row)
        return conditional.unless_known(self.http, self.answer(shape.checks(found)))

    @operation(
        "Have built-in checks of a promotion made again, all or those named",
        {202: shape.STARTED},
        body=shape.TO_RERUN,
        errors=(410,),
    )
    def post(self, request: Request, entity: str, project: str, number: int) -> HttpResponse:
        """Have workers make them."""
        data = shape.TO_RERUN.read(self.http)
        row = self._promotion(entity, project, number)
        done = version_checks.rerun_of(self.actor, promotion=row, names=data.get("checks", ()))
        return self.answer({"checks": done}, status=202)

    def _promotion(self, entity: str, project: str, number: int) -> Promotion:
        return promotions.find(self.actor, projects.find(self.actor, entity, project), number)


class CheckNames(Endpoint):
    """The names that results are posted under in a registry."""

    @operation(
        "List the names that checks are posted under in a registry, with whose they are",
        {200: shape.NAMES},
        query=(search_in("the name"), *LISTING, ordering(CHECK_NAMES)),
        conditional=True,
    )
    def get(self, request: Request, entity: str, project: str) -> HttpResponse:
        """Answer a page of them."""
        here = projects.find(self.actor, entity, project)
        rows = check_names.listing(self.actor, project=here, **words_of(self.http.GET, "q"))
        return self.page(rows, CHECK_NAMES, shape.names)


class CheckNameDetail(Endpoint):
    """One name."""

    @operation("Give a name free, as an admin: whoever posts under it next has it", {204: None})
    def delete(self, request: Request, entity: str, project: str, name: str) -> HttpResponse:
        """Forget whose it is; what was posted stays."""
        check_names.release(self.actor, project=projects.find(self.actor, entity, project), name=name)
        return self.nothing()
