"""Revisions of cards, and templates of them."""

from __future__ import annotations

from typing import Any

from registry.api.schema import page_of
from registry.api.serializers._common import COUNT, MAYBE_TEXT, MAYBE_TIME, TEXT, TEXTS, moment, record
from registry.api.shapes import CARD, NAMES, Changes, component
from registry.models import CardRevision, CardTemplate

REVISION = component(
    "CardRevision",
    record(
        {
            "id": COUNT,
            "text": TEXT,
            "written_at": {**MAYBE_TIME, "description": "null: before revisions were kept"},
            "written_by": MAYBE_TEXT,
        }
    ),
)
REVISION_PAGE = page_of(REVISION, "CardRevisionPage")
TEMPLATE = component("CardTemplate", record({"text": TEXT, "required": TEXTS}))
TEMPLATE_CHANGES = Changes("CardTemplateChanges", optional={"text": CARD, "required": NAMES})


def revision(row: CardRevision) -> dict[str, Any]:
    """Represent one text of a card."""
    return {
        "id": row.pk,
        "text": row.text,
        "written_at": moment(row.written_at) if row.written_at else None,
        "written_by": row.written_by.username if row.written_by else None,
    }


def template(row: CardTemplate) -> dict[str, Any]:
    """Represent what a registry asks of cards."""
    return {"text": row.text, "required": row.required}
