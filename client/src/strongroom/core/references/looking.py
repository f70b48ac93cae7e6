"""What the schemes share: counting what a listing yields, comparing with what was recorded, errors as states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NoReturn

from strongroom.core.entries import Entry
from strongroom.core.errors import (
    Gone,
    NotFound,
    NothingFound,
    ReferenceChanged,
    ReferenceRefused,
    ReferenceUnreachable,
    TooManyObjects,
)
from strongroom.core.references.base import Checked, Found, State
from strongroom.core.text import shown

OK = Checked(State.OK)


def bounded(found: Iterable[Found], uri: str, max_objects: int, after: str) -> Iterator[Found]:
    """Pass on what a listing yields; refuse one that is empty, or that goes on above the limit."""
    count = 0
    for count, one in enumerate(found, 1):  # counted for the end
        if count > max_objects:
            raise TooManyObjects(
                f"More than {max_objects:,} objects lie under {shown(uri)}. Raise max_objects, or name a part of them.",
                limit=max_objects,
                uri=shown(uri),
            )
        yield one
    if not count and not after:
        raise NothingFound(f"Nothing lies at {shown(uri)}, or under it. Check the address.", uri=shown(uri))


def is_checked(entry: Entry) -> bool:
    """Tell whether anything but the address was recorded; False for `checksum=False`."""
    return entry.digest != entry.ref or entry.size is not None


def compared(entry: Entry, now: Found, same: Callable[[str, str], bool] = str.__eq__) -> Checked:
    """Compare what is there now with what was recorded, as far as anything was."""
    if why := difference(entry, now.digest, now.size, same):
        return Checked(State.CHANGED, f"{address(entry)} {why}.", now)
    return Checked(State.OK, now=now)


def difference(
    entry: Entry, digest: str | None, size: int | None, same: Callable[[str, str], bool] = str.__eq__
) -> str:
    """Say in what something differs from what was recorded; empty when in nothing that is known."""
    if entry.size is not None and size is not None and entry.size != size:
        return f"had {counted(entry.size)} when it was recorded, and has {size} now"
    recorded = entry.digest
    if recorded is None or recorded == entry.ref:
        return ""
    if digest is None:
        return f"had the digest {shown(recorded, 80)} when it was recorded, and has none now"
    if not same(recorded, digest):
        return f"had the digest {shown(recorded, 80)} when it was recorded, and has {shown(digest, 80)} now"
    return ""


def counted(size: int) -> str:
    """Write a number of bytes."""
    return "1 byte" if size == 1 else f"{size} bytes"


def refuse_change(
    entry: Entry, digest: str | None, size: int | None, same: Callable[[str, str], bool] = str.__eq__
) -> None:
    """Raise ReferenceChanged unless this is what was recorded."""
    if why := difference(entry, digest, size, same):
        changed(entry, why, digest, size)


def changed(entry: Entry, why: str, digest: str | None = None, size: int | None = None) -> NoReturn:
    """Raise ReferenceChanged with both sides of the difference."""
    raise ReferenceChanged(
        f"{address(entry)} {why}. Log a new version if that is right, or restore what was there.",
        uri=address(entry),
        path=entry.path,
        recorded={"digest": entry.digest, "size": entry.size},
        found={"digest": digest, "size": size},
    )


def as_state(look: Callable[[], Checked]) -> Checked:
    """Return what a look found; what went wrong with it is a state, too."""
    try:
        return look()
    except ReferenceChanged as error:
        return Checked(State.CHANGED, str(error))
    except (NotFound, Gone, NothingFound) as error:
        return Checked(State.MISSING, str(error))
    except (ReferenceUnreachable, ReferenceRefused) as error:
        return Checked(State.UNREACHABLE, str(error))


def address(entry: Entry) -> str:
    """Return the address of a reference for a sentence."""
    return shown(entry.ref or "")
