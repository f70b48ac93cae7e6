"""What a page shows of a file: text, a table, a picture, sound, or its bytes; each reads only what it shows."""

from registry.web.previews.looking import Asked, Preview, of
from registry.web.previews.media import document_kind, media_type
from registry.web.previews.reading import TEXT_LIMIT, as_text, opener
from registry.web.previews.tables import Asked as TableAsked

__all__ = [
    "TEXT_LIMIT",
    "Asked",
    "Preview",
    "TableAsked",
    "as_text",
    "document_kind",
    "media_type",
    "of",
    "opener",
]
