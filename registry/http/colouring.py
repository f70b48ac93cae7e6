"""Code with its words coloured by Pygments: the few languages that one meets beside data and models, in bounds.

The text is a stranger's. Many lexers need minutes for some texts (that of Makefiles takes quadratic time for digits,
those of C and Java for blank lines, those of Go and Protobuf for comments that never end), so only these are used, for
texts of this size and lines of this length: of 60 patterns repeated, the worst took one of these 0.9 s.
"""

from __future__ import annotations

from functools import lru_cache

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import STANDARD_TYPES

# To colour takes ten times as long as to show.
LIMIT = 16 * 1024
_LONGEST_LINE = 2000
LANGUAGES = frozenset({
    "python", "json", "yaml", "toml", "ini", "bash", "sql", "xml", "html", "css", "javascript", "typescript",
    "rust", "r", "julia", "diff", "docker",
})  # fmt: skip
_SPELLED = {
    "py": "python", "python3": "python", "sh": "bash", "shell": "bash", "zsh": "bash", "yml": "yaml", "cfg": "ini",
    "js": "javascript", "ts": "typescript", "rs": "rust", "jl": "julia", "jsonl": "json",
    "ndjson": "json", "patch": "diff", "udiff": "diff", "dockerfile": "docker", "pyi": "python",
}  # fmt: skip
# The classes of the spans that it makes.
CLASSES = frozenset(name for name in STANDARD_TYPES.values() if name)


def coloured(language: str, text: str) -> str | None:
    """Return HTML of the text with its words marked; None when the language is none of ours, or it is too long."""
    known = _SPELLED.get(language.lower(), language.lower())
    if known not in LANGUAGES or len(text) > LIMIT:
        return None
    if max(map(len, text.splitlines()), default=0) > _LONGEST_LINE:
        return None
    return str(highlight(text, _lexer(known), HtmlFormatter(nowrap=True)))


@lru_cache(maxsize=len(LANGUAGES))
def _lexer(language: str) -> Lexer:
    return get_lexer_by_name(language, stripnl=False, ensurenl=False)
