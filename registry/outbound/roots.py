"""`file` references: only below the operator's roots, judged by where a path leads and never by how it is spelled."""

from __future__ import annotations

import errno
import os
import stat
from functools import cached_property
from pathlib import PurePosixPath

from django.conf import settings
from strongroom.core.text import shown

from registry.errors import ReferenceMissing, ReferenceRefused, ReferenceUnreachable
from registry.outbound.places import FILES, PlaceRefused

# A path that is too long, and links in a circle, lead to nothing, too.
_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


class Roots:
    """The folders that the operator opened for references of one team or person."""

    def __init__(self, team: str) -> None:
        self.team = team

    @cached_property
    def _named(self) -> list[str]:
        return [root.path for root in settings.OUTBOUND.roots if root.team in ("", self.team)]

    @cached_property
    def _real(self) -> list[str]:
        """As they are told of what is open, whatever links lead to them."""
        return [os.path.realpath(path) for path in self._named]

    def resolved(self, path: str) -> str:
        """Return the true path of a file or folder that may be read.

        Between this and the moment when it is opened somebody may put a link there. So who opens it asks again,
        for the true path of what is open by then: that can't be exchanged any more.
        """
        if not hasattr(os, "O_PATH"):
            raise _refused("On this system the server reads no files by reference.")
        if not self._named:
            why = str(_refused("The server reads no files by reference."))
            raise PlaceRefused(why, place=FILES)
        if not _is_plain(path) or not _is_below(path, [*self._named, *self._real]):
            raise _refused("The server reads files by reference only below certain folders.")
        real, mode = _held(path)
        if not _is_below(real, self._real) or _is_below(real, [os.path.realpath(settings.DATA_DIR)]):
            raise _refused(
                "This path leads out of the folders below which the server reads files by reference."
            )
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise _refused("The server reads files and folders only, neither devices nor pipes.")
        return real


def _held(path: str) -> tuple[str, int]:
    """Return the true path and the mode of what a path leads to, without opening it: a device would notice that."""
    try:
        held = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            return os.readlink(f"/proc/self/fd/{held}"), os.fstat(held).st_mode
        finally:
            os.close(held)
    except (OSError, UnicodeEncodeError) as error:
        if isinstance(error, UnicodeEncodeError) or error.errno in _NOTHING:
            raise ReferenceMissing(f"There is nothing at {shown(path)}. Check the path.") from None
        why = (error.strerror or "it failed").lower()
        raise ReferenceUnreachable(f"The server cannot read {shown(path)}: {why}.") from None


def _is_plain(path: str) -> bool:
    """Tell whether a path is absolute and spelled without detours; two slashes at its beginning are one."""
    return path.startswith("/") and "\0" not in path and os.path.normpath(path) == (path.rstrip("/") or "/")


def _is_below(path: str, roots: list[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(root) for root in roots)


def _refused(why: str) -> ReferenceRefused:
    # Without the path: where a link leads is told to nobody.
    return ReferenceRefused(f"{why} The operator opens folders by STRONGROOM_REFERENCE_ROOTS.")
