"""Text as code: its words coloured by Pygments, for the few languages that one meets beside data and models."""

from __future__ import annotations

from functools import lru_cache

from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name

# To colour takes ten times as long as to show.
LIMIT = 32 * 1024
_LONGEST_LINE = 2000
_BY_ENDING = {
    "py": "python", "pyi": "python", "json": "json", "jsonl": "json", "ndjson": "json", "yaml": "yaml", "yml": "yaml",
    "toml": "toml", "ini": "ini", "cfg": "ini", "sh": "bash", "sql": "sql", "xml": "xml", "html": "html", "css": "css",
    "js": "javascript", "ts": "typescript", "c": "c", "h": "c", "cpp": "cpp", "java": "java", "go": "go", "rs": "rust",
    "r": "r", "jl": "julia", "diff": "diff", "patch": "diff", "proto": "protobuf", "dockerfile": "docker",
}  # fmt: skip


def coloured(path: str, text: str) -> SafeString | None:
    """Return the text with its words marked; None when its name is of no language, or it is too long."""
    name = path.rpartition("/")[2].lower()
    language = _BY_ENDING.get(name.rpartition(".")[2])
    if language is None or len(text) > LIMIT or max(map(len, text.splitlines()), default=0) > _LONGEST_LINE:
        return None
    marked = highlight(text, _lexer(language), HtmlFormatter(nowrap=True))
    return mark_safe(marked)  # noqa: S308  # Pygments escapes what it marks


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)
