"""Lists as files: the versions of a collection as CSV."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone

from registry.actor import Actor
from registry.http import paging
from registry.services import versions
from registry.web import columns, rows, sheets
from registry.web.pages import page
from registry.web.views.collections import found


@page()
def of_versions(request: HttpRequest, actor: Actor, **place: Any) -> StreamingHttpResponse:
    """The versions that the search finds, in the order of the list, with the columns that were chosen."""
    here = found(actor, **place)
    asked = {name: request.GET.get(name, "").strip() for name in ("q", "tag", "alias")}
    chosen, by = columns.asked(request) or [], columns.sorted_by(request)
    known = columns.known_orders([*chosen, *([by] if by else [])])
    order = paging.order_of(request.GET, known).name
    listed = columns.sortable(versions.listing(actor, collection=here, **asked), by, order)
    return StreamingHttpResponse(
        sheets.versions(listed, known, order, chosen, rows.by_id(actor, here)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{here.name}-{timezone.now():%Y-%m-%d}.csv"'},
    )
