"""Paths of entries: one check for POSIX and Windows alike, made on every system and at both ends."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from strongroom.core.beneath import open_parts, refuse_links
from strongroom.core.errors import InvalidPath
from strongroom.core.text import forbidden_character, shown

LONGEST_PATH = 4096
LONGEST_PART = 255
_LONGEST_FOLDER = 200

# Names of devices to Windows, with any ending: `nul.tar.gz` is one, and so is `aux .txt`.
_DEVICE = re.compile(
    r"(?:con|prn|aux|nul|(?:com|lpt)[1-9¹²³]|con(?:in|out)\$) *(?:\..*)?", re.IGNORECASE | re.DOTALL
)
_DRIVE = re.compile(r"[A-Za-z]:")
_ABSOLUTE = re.compile(r"(?:[A-Za-z]:)?/")
_NOT_ON_WINDOWS = re.compile(r'[<>:"|?*]')
# Most paths are made of these alone, and need no closer look. What starts as a device does is not plain.
# Possessive (`++`), for no other way to cut a path could match: this runs for each line of a manifest.
_WORD = r"[\w=+-]++"
_START = r"(?![Cc][Oo][MmNn]|[AaLlNnPp](?:[Uu][XxLl]|[Pp][Tt]|[Rr][Nn]))\.?+"
PLAIN_PATH = rf"{_START}{_WORD}(?:(?:[. ]++|/{_START}){_WORD})*+"
_PLAIN = re.compile(PLAIN_PATH, re.ASCII)


def check_entry_path(path: Any) -> str:
    """Check the path of an entry: relative, `/`-separated, canonical, and a file's name everywhere."""
    if not isinstance(path, str) or not path:
        raise InvalidPath("A path inside an artifact is a text that isn't empty.")
    if len(path) <= LONGEST_PART and _PLAIN.fullmatch(path):
        return path
    if len(path.encode("utf-8", "surrogatepass")) > LONGEST_PATH:
        _refuse(path, f"is longer than {LONGEST_PATH} bytes. Shorten it")
    if "\\" in path:
        _refuse(path, 'contains a backslash. Separate folders with "/"')
    if _ABSOLUTE.match(path):
        _refuse(path, "is absolute. Name it relative to the artifact's root")
    bad = forbidden_character(path)
    if bad is not None:
        _refuse(path, f"contains the control or invisible character U+{ord(bad):04X}. Remove it")
    for part in path.split("/"):
        # A character has at most four bytes.
        if len(part) > LONGEST_PART // 4 and len(part.encode()) > LONGEST_PART:
            _refuse(path, f"has a name of more than {LONGEST_PART} bytes. Shorten it")
        if not part or part[-1] in ". " or part[1:2] == ":" or _DEVICE.match(part):
            _check_part(path, part)
    return path


def _check_part(path: str, part: str) -> None:
    if not part:
        _refuse(path, 'has an empty part. Write single "/" between names, none at the ends')
    if part in (".", ".."):
        _refuse(path, f'contains "{part}". Write the path without it')
    if part[-1] in ". ":
        _refuse(
            path, f'has the part "{part}", whose end Windows drops. Let no name end with a dot or a space'
        )
    if _DRIVE.match(part):
        _refuse(path, f'has the part "{part}", which Windows takes for a drive. Rename it')
    if _DEVICE.fullmatch(part):
        _refuse(path, f'has the part "{part}", which is a device to Windows. Rename it')


def _refuse(path: str, why: str) -> NoReturn:
    raise InvalidPath(f'The path "{shown(path)}" {why}.', path=shown(path))


def folded(path: str) -> str:
    """Return what a file system takes a path for that ignores case and the forms of letters."""
    return path.lower() if path.isascii() else unicodedata.normalize("NFC", path).casefold()


def check_windows_path(path: str) -> None:
    """Refuse a path that Windows can't hold, or would take for another file's stream."""
    found = _NOT_ON_WINDOWS.search(path)
    if found:
        _refuse(
            path, f"contains {found[0]}, which no file name has on Windows. Download it on another system"
        )


def safe_join(root: str | os.PathLike[str], path: str) -> Path:
    """Return the place of an entry below `root`; no part of the path may be a symbolic link.

    Where folders have handles `open_beneath` is better: there nobody can plant a link in between.
    """
    parts = check_entry_path(path).split("/")
    if os.name == "nt":
        check_windows_path(path)
    return refuse_links(Path(root).resolve(), parts)


@contextmanager
def open_beneath(root_fd: int, path: str, *, create: bool = True) -> Iterator[tuple[int, str]]:
    """Yield a handle of the folder that holds `path` below `root_fd`, and the last name of the path.

    No symbolic link is followed. The last name is the caller's to open, with O_NOFOLLOW.
    """
    *folders, name = check_entry_path(path).split("/")
    with open_parts(root_fd, folders, create=create) as handle:
        yield handle, name


def default_folder(entity: str, project: str, name: str) -> str:
    """Return a folder name for an artifact's files, of harmless characters only, whatever the server says."""
    wanted = f"{entity}-{project}-{name.replace(':', '-')}"
    harmless = re.sub(r"[^A-Za-z0-9_.-]", "-", wanted).strip(".")[:_LONGEST_FOLDER]
    if harmless == wanted:
        return harmless
    # Names that differ only in what was replaced or cut must not share a folder.
    mark = hashlib.sha256(wanted.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{harmless}-{mark}"
