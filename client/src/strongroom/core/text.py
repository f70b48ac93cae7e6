"""Characters that no name may hold, and how a text is shown in a sentence about it."""

from __future__ import annotations

import json
import re

# Written out, not asked of `unicodedata`: client and server must agree whatever their Pythons know.
# Controls, formats (bidirectional ones among them), separators of lines, surrogates, noncharacters,
# and letters and marks that take no room on the screen.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160"
    "\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\U000110bd\U000110cd\U00013430-\U0001345f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(chr(plane * 0x10000 + last) for plane in range(1, 17) for last in (0xFFFE, 0xFFFF))
    + "]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def forbidden_character(text: str) -> str | None:
    """Return the first character that makes a name look like another, or breaks a line of a log."""
    if text.isascii() and text.isprintable():
        return None
    found = _FORBIDDEN.search(text)
    return found[0] if found else None


def is_storable(text: str) -> bool:
    """Tell whether UTF-8 and every database can hold a text: no NUL, no lone surrogate."""
    return "\x00" not in text and (text.isascii() or not _SURROGATE.search(text))


def printable(text: str) -> str:
    """Return a text as it may reach a terminal: what could command one is spelled out, lines stay lines."""
    return _FORBIDDEN.sub(lambda found: found[0] if found[0] in "\n\t" else json.dumps(found[0])[1:-1], text)


def shown(text: str, most: int = 200) -> str:
    """Return a text for a sentence: short, and with every odd character spelled out."""
    short = text[:most] + ("…" if len(text) > most else "")
    if short.isprintable() and forbidden_character(short) is None:
        return short
    return short[:most].encode("unicode_escape").decode("ascii")
