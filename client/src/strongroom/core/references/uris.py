"""What is a URI at all, and the few characters that are escaped in one where a name is read from it."""

from __future__ import annotations

import re
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit

from strongroom.core.entries import LONGEST_TEXT
from strongroom.core.errors import InvalidUri
from strongroom.core.text import forbidden_character, shown

# At least two letters: one alone is a drive of Windows.
_SIGNED = re.compile(
    r"((?<![\w-])(?:x-(?:amz|goog)-(?:signature|credential|security-token)|awsaccesskeyid|googleaccessid|signature|sig"
    r"|(?:access_?|auth_?)?token|api_?key|key|password|secret)=)[^&#\s\"]+",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(?=.)")


def scheme_word(uri: object) -> str:
    """Return the scheme of a URI in small letters; InvalidUri for what is none."""
    if not isinstance(uri, str) or not (found := _SCHEME.match(uri)):
        raise InvalidUri(
            f'"{shown(str(uri))}" is no URI. A reference needs one with its scheme, such as s3://bucket/key;'
            " a local file is file:///path.",
            uri=shown(str(uri)),
        )
    if len(uri) > LONGEST_TEXT:
        refuse(uri, f"is longer than {LONGEST_TEXT} characters. Shorten it")
    if (bad := forbidden_character(uri)) is not None:
        refuse(uri, f"contains the control or invisible character U+{ord(bad):04X}. Name it without")
    return found[1].lower()


def split(uri: str) -> SplitResult:
    """Split a URI that names a host."""
    try:
        parts = urlsplit(uri)
        parts.port  # noqa: B018  # reading it is what refuses a port that is none
    except ValueError as error:
        refuse(uri, f"cannot be read ({error}). Correct it")
    if not parts.hostname:
        refuse(uri, f"names no host. Write it like {parts.scheme}://host/path")
    return parts


def refuse(uri: str, why: str) -> NoReturn:
    """Raise InvalidUri for a URI and a reason that ends with what to do."""
    raise InvalidUri(f"{shown(uri)} {why}.", uri=shown(uri))


def refuse_dots(uri: str, name: str) -> None:
    """Refuse a name with a part `.` or `..`: what sends it would take it for a step to another place, and go there."""
    if not {".", ".."}.isdisjoint(name.split("/")):
        refuse(uri, "has a part that is . or .., which would lead elsewhere. Name where it should lead")


def unsigned(text: str) -> str:
    """Blank in a text the values of those parameters of addresses that let their reader in."""
    return _SIGNED.sub(r"\1…", text)


def escaped(name: str) -> str:
    """Return a name for a URI: only what would end or change it is escaped, so that it stays readable."""
    return name.replace("%", "%25").replace("?", "%3F").replace("#", "%23")


def last_part(path: str) -> str:
    """Return what follows the last slash, of a path that may end with one."""
    return path.rstrip("/").rpartition("/")[2]
