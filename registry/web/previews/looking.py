"""Which preview a file gets: by its bytes first, and only among texts by its name."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Any

from strongroom.core.manifest import Entry
from strongroom.core.names import parse_json

from registry.actor import Actor
from registry.errors import Forbidden, InvalidInput, RegistryError
from registry.http import markdown
from registry.models import Blob, Membership
from registry.services import files
from registry.web.previews import code, dump, notebook, pages, pictures, tables
from registry.web.previews.media import PICTURE_LIMIT, document_kind, media_type
from registry.web.previews.reading import TEXT_LIMIT, as_text, read

# A tree of more is slower to draw than anybody is to read.
_TREE_NODES = 2000


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says about the part to show."""

    offset: int = 0
    line: int | None = None
    table: tables.Asked = field(default_factory=tables.Asked)
    as_source: bool = False


@dataclass(frozen=True, slots=True)
class Preview:
    """`kind` is text, markdown, json, notebook, table, image, audio, video, pdf, parquet, bytes,
    reference, none or refused.

    `said` says what was read; `text` is that of a file which is text, whatever it is shown as; `numbers` are
    those of its lines.
    """

    kind: str
    said: str
    text: str = ""
    html: str = ""
    data: Any = None
    numbers: str = ""

    @property
    def has_source(self) -> bool:
        """Tell whether it can be shown as plain text instead."""
        return self.kind in ("markdown", "json", "table", "notebook")


def of(actor: Actor, membership: Membership, entry: Entry, asked: Asked | None = None) -> Preview:
    """Look into a file."""
    if entry.ref is not None and entry.sha256 is None:
        return Preview("reference", "A reference: its bytes stay where they are.")
    try:
        _, blob = files.content(actor, membership, entry.path)
        shown = _of_blob(entry.path, blob, asked or Asked())
    except Forbidden as error:
        return Preview("refused", str(error))
    except RegistryError as error:
        return Preview("none", str(error))
    if shown.kind == "markdown":
        return replace(shown, html=pictures.shown(actor, membership, entry.path, shown.html))
    return shown


def _of_blob(path: str, blob: Blob, asked: Asked) -> Preview:
    if blob.size == 0:
        return Preview("none", "This file is empty.")
    media = media_type(blob)
    if media is not None:
        return _of_media(blob, media)
    document = document_kind(blob)
    if document is not None:
        return Preview(document, "Only what is shown is read.", data=blob.size)
    head = read(blob, 0, TEXT_LIMIT)
    text = as_text(head, whole=blob.size <= TEXT_LIMIT)
    if text is None:
        shown = dump.dump(blob, asked.offset)
        return Preview("bytes", f"Bytes {shown.start:,} to {shown.end - 1:,} were read.", data=shown)
    return _of_text(path, blob, text, asked)


def _of_media(blob: Blob, media: str) -> Preview:
    kind = media.partition("/")[0]
    if kind == "image" and blob.size > PICTURE_LIMIT:
        return Preview("none", "This picture is too large to show here. Download it.")
    said = "The whole picture is shown." if kind == "image" else "It is read as it is played."
    return Preview(kind, said, data=media)


def _of_text(path: str, blob: Blob, text: str, asked: Asked) -> Preview:
    cut = blob.size > TEXT_LIMIT
    if not asked.as_source:
        cells = notebook.notebook(path, blob)
        if cells is not None:
            return Preview("notebook", "The whole file was read.", text=text, data=cells)
        found = None if cut else _as_tree(path, text) or _as_markdown(path, text)
        found = found or _as_table(path, blob, text, asked)
        if found is not None:
            return found
    if cut:
        return _of_long_text(path, blob, asked)
    if path.lower().endswith(".json"):
        text = _indented(text)
    return _plain(path, "The whole file is shown.", text, 1)


def _of_long_text(path: str, blob: Blob, asked: Asked) -> Preview:
    shown = pages.page(blob, pages.Asked(asked.offset, asked.line))
    where = f", from byte {shown.start:,} on" if shown.start else ""
    said = "Only the first 256 kB were read." if not where else f"Only 256 kB were read{where}."
    return replace(_plain(path, said, shown.text, shown.line), data=shown)


def _plain(path: str, said: str, text: str, line: int | None) -> Preview:
    return Preview(
        "text", said, text=text, html=code.coloured(path, text) or "", numbers=pages.numbers(text, line)
    )


def _as_markdown(path: str, text: str) -> Preview | None:
    if not path.lower().endswith((".md", ".markdown")):
        return None
    return Preview("markdown", "The whole file is shown.", text=text, html=str(markdown.render(text)))


def _as_table(path: str, blob: Blob, text: str, asked: Asked) -> Preview | None:
    found = tables.table(path, blob, asked.table)
    if found is None:
        return None
    said = "Only these rows were read." if found.column is None else "The whole file was read to sort it."
    return Preview("table", said, text=text, data=found)


def _as_tree(path: str, text: str) -> Preview | None:
    if not path.lower().endswith((".json", ".ipynb")):
        return None
    try:
        data = parse_json(text)
    except InvalidInput:
        return None
    if not isinstance(data, dict | list) or not data or _count(data) > _TREE_NODES:
        return None
    return Preview("json", "The whole file is shown.", text=text, data=data)


def _count(data: Any) -> int:
    """Count the values inside, as far as it matters."""
    level, total = [data], 0
    while level and total <= _TREE_NODES:
        inside = [below for each in level for below in (each.values() if isinstance(each, dict) else each)]
        total += len(inside)
        level = [below for below in inside if isinstance(below, dict | list)]
    return total


def _indented(text: str) -> str:
    """JSON on one line is nothing to read; what can't be parsed stays as it is."""
    if "\n" in text.strip():
        return text
    try:
        return json.dumps(parse_json(text), indent=2, ensure_ascii=False)
    except InvalidInput:
        return text
