"""Jupyter notebooks, cell by cell. What an output could run (HTML, JavaScript, SVG, widgets) is left out.

Source: https://nbformat.readthedocs.io/en/latest/format_description.html (version 4)
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from strongroom.core.names import parse_json

from registry.errors import InvalidInput
from registry.http import colouring, markdown
from registry.models import Blob
from registry.web.previews import code
from registry.web.previews.reading import read, utf8

# Read whole, as JSON must be; of what is in it, as much is shown as of other files.
READ_UP_TO = 4 * 1024 * 1024
CELLS, OUTPUTS = 300, 50
_TEXT, _PICTURE = 256 * 1024, 1024 * 1024
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PICTURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


@dataclass(frozen=True, slots=True)
class Output:
    """A text, or a picture as `src`; `kind` is text, error, picture or none."""

    kind: str
    text: str = ""
    src: str = ""


@dataclass(frozen=True, slots=True)
class Cell:
    """`kind` is markdown (then `html` is it), code or raw (then `text`, and `html` in colours if there are any)."""

    kind: str
    text: str = ""
    html: str = ""
    number: int | None = None
    outputs: list[Output] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Notebook:
    """The first cells, and how many more there are."""

    cells: list[Cell]
    left_out: int


def notebook(path: str, blob: Blob) -> Notebook | None:
    """Return the cells of a notebook; None when the file is none after all, and is shown as what it is."""
    if not path.lower().endswith(".ipynb") or blob.size > READ_UP_TO:
        return None
    text = utf8(read(blob, 0, READ_UP_TO), whole=True)
    try:
        found = parse_json(text) if text else None
    except InvalidInput:
        return None
    if not isinstance(found, dict):
        return None
    cells = found.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        return None
    room = _Room()
    shown = [_cell(cell, _suffix(found), room) for cell in cells[:CELLS]]
    return Notebook(shown, max(0, len(cells) - CELLS))


class _Room:
    """What may still be shown: texts and pictures of all cells together."""

    def __init__(self) -> None:
        self.text, self.pictures, self.coloured = _TEXT, 4 * _PICTURE, colouring.LIMIT

    def colour(self, path: str, text: str) -> str:
        """Colour code until all cells together have had as much as one file gets: it takes long."""
        if len(text) > self.coloured:
            return ""
        self.coloured -= len(text)
        return code.coloured(path, text) or ""

    def take(self, text: str) -> str:
        taken = text[: self.text]
        self.text -= len(taken)
        return taken if len(taken) == len(text) else f"{taken}\n… (the rest is not shown)"


def _suffix(found: dict[str, Any]) -> str:
    """The file ending of its language, by which code is coloured."""
    metadata = found.get("metadata")
    language = metadata.get("language_info") if isinstance(metadata, dict) else None
    suffix = language.get("file_extension") if isinstance(language, dict) else None
    return suffix if isinstance(suffix, str) and len(suffix) < 8 else ".py"


def _cell(cell: dict[str, Any], suffix: str, room: _Room) -> Cell:
    text, kind = room.take(_joined(cell.get("source"))), cell.get("cell_type")
    if kind == "markdown":
        return Cell("markdown", html=str(markdown.render(text)))
    if kind != "code":
        return Cell("raw", text)
    number, outputs = cell.get("execution_count"), cell.get("outputs")
    listed = outputs[:OUTPUTS] if isinstance(outputs, list) else []
    shown = [_output(each, room) for each in listed if isinstance(each, dict)]
    return Cell(
        "code", text, room.colour(f"cell{suffix}", text), number if isinstance(number, int) else None, shown
    )


def _output(output: dict[str, Any], room: _Room) -> Output:
    if output.get("output_type") == "stream":
        return Output("text", room.take(_plain(output.get("text"))))
    if output.get("output_type") == "error":
        trace = _plain("\n".join(_texts(output.get("traceback"))))
        return Output("error", room.take(trace or f"{output.get('ename')}: {output.get('evalue')}"))
    data = output.get("data")
    if not isinstance(data, dict):
        return Output("none")
    for kind in _PICTURES:
        if kind in data and (src := _picture(kind, _joined(data[kind]), room)):
            return Output("picture", _plain(data.get("text/plain"))[:200], src)
    if "text/plain" in data:
        return Output("text", room.take(_plain(data["text/plain"])))
    return Output("none", ", ".join(sorted(str(kind)[:40] for kind in data))[:200])


def _picture(kind: str, text: str, room: _Room) -> str:
    """Return a picture as an address of its bytes; nothing when it is none, or too large."""
    packed = "".join(text.split())
    if len(packed) > _PICTURE * 4 // 3 or len(packed) > room.pictures:
        return ""
    try:
        data = base64.b64decode(packed, validate=True)
    except (binascii.Error, ValueError):
        return ""
    if not data.startswith(_PICTURES[kind]):
        return ""
    room.pictures -= len(packed)
    return f"data:{kind};base64,{packed}"


def _plain(value: Any) -> str:
    return _COLOURS.sub("", _joined(value))


def _joined(value: Any) -> str:
    """A text, which notebooks keep as one string or as a list of lines."""
    return value if isinstance(value, str) else "".join(_texts(value))


def _texts(value: Any) -> Iterator[str]:
    return (each for each in value if isinstance(each, str)) if isinstance(value, list) else iter(())
