"""The ids that the client sees: base64 of a kind and a number, as it expects them of a server."""

from __future__ import annotations

import base64
import binascii
import re

from registry.errors import NotFound

_FORM = re.compile(r"([A-Za-z]+):([0-9]{1,18})(?::([0-9]{1,18}))?")


def encode(kind: str, *numbers: int) -> str:
    """Return an id, in standard padded base64."""
    return base64.b64encode(":".join([kind, *map(str, numbers)]).encode()).decode()


def decode(text: object, *kinds: str) -> tuple[str, int, int | None]:
    """Return kind and numbers of an id; NotFound when it is none of these kinds."""
    try:
        plain = base64.b64decode(str(text), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        plain = ""
    found = _FORM.fullmatch(plain)
    if found is None or found[1] not in kinds:
        raise NotFound("There is nothing with this id, or it is not for you to see.")
    return found[1], int(found[2]), int(found[3]) if found[3] else None
