"""Judge a trace of system calls: no name for an unsynced file, no word of a name before its folder is synced."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

CALLS = (
    "write,pwrite64,writev,copy_file_range,sendfile,ftruncate,fsync,fdatasync,"
    "rename,renameat,renameat2,link,linkat,mkdir,mkdirat,unlink,unlinkat,rmdir,sendto,sendmsg"
)
_LINE = re.compile(r"^(?:\[pid +)?(\d+)\]? +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
_RESUMED = re.compile(r"^<\.\.\. \w+ resumed>(.*)$")
_HANDLE = re.compile(r"\d+<([^>]*)>")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def calls(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Give each call that succeeded, with its arguments, in the order in which they ended."""
    for _, call, arguments in calls_of_threads(lines):
        yield call, arguments


def calls_of_threads(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Give each call that succeeded with its thread before it."""
    begun: dict[str, str] = {}
    for line in lines:
        if not (found := _LINE.match(line.rstrip("\n"))):
            continue
        thread, text = found.groups()
        if text.endswith("<unfinished ...>"):
            begun[thread] = text.removesuffix("<unfinished ...>").rstrip()
            continue
        if resumed := _RESUMED.match(text):
            text = begun.pop(thread, "") + resumed.group(1)
        if (call := _CALL.match(text)) and int(call.group(3)) >= 0:
            yield thread, call.group(1), call.group(2)


@dataclass
class Judge:
    """Follows what a power cut would leave of the files below `root`."""

    root: str
    acknowledgements: str
    dirty: set[str] = field(default_factory=set)
    unsynced_names: set[str] = field(default_factory=set)
    names: int = 0
    acknowledged: int = 0
    violations: list[str] = field(default_factory=list)

    def see(self, call: str, arguments: str) -> None:
        handles, quoted = _HANDLE.findall(arguments), _QUOTED.findall(arguments)
        if call in ("fsync", "fdatasync"):
            self.dirty.discard(handles[0])
            self._folder_synced(handles[0])
        elif call in ("rename", "renameat", "renameat2", "link", "linkat"):
            self._named(quoted[0], quoted[1])
        elif call in ("mkdir", "mkdirat"):
            self.unsynced_names.add(quoted[0])
        elif call in ("unlink", "unlinkat"):
            self.unsynced_names.discard(quoted[0])
        elif handles and handles[-1] == self.acknowledgements:
            self._acknowledged(quoted[0].removesuffix("\\n"))
        elif handles:
            # The last handle: copies name their source first.
            self.dirty.add(handles[-1])

    def _folder_synced(self, folder: str) -> None:
        self.unsynced_names = {
            name for name in self.unsynced_names if str(PurePosixPath(name).parent) != folder
        }

    def _named(self, source: str, target: str) -> None:
        if not target.startswith(self.root):
            return
        self.names += 1
        if source in self.dirty:
            self.violations.append(f"{target} was named before {source} was synced")
        self.unsynced_names.add(target)

    def _acknowledged(self, name: str) -> None:
        self.acknowledged += 1
        path = PurePosixPath(self.root) / name
        for at in (path, *path.parents):
            if str(at) in self.unsynced_names:
                self.violations.append(f"{name} was acknowledged before the folder of {at} was synced")


def judge(lines: Iterable[str], root: str, acknowledgements: str) -> Judge:
    """Judge a whole trace, made with `strace -f -y`."""
    found = Judge(root, acknowledgements)
    for call, arguments in calls(lines):
        found.see(call, arguments)
    return found
