"""Fetching bytes from the server: small ones in bundles, large ones alone and resumable."""

from __future__ import annotations

import json
import os
import re
import stat
import time
from typing import BinaryIO

import urllib3

from strongroom._files import lock
from strongroom._http import Session, read_at_most
from strongroom.errors import BadAnswer, DigestMismatch, StrongroomError, Unreachable
from strongroom.transfer import bundles
from strongroom.transfer.inflight import RunningHash
from strongroom.transfer.placing import Group, Placer
from strongroom.transfer.source import Source
from strongroom.transfer.tree import Tree, Where

# Each read makes its own buffer, and the system clears the memory of larger ones anew every time.
RECEIVED = 512 << 10


class Fetcher:
    """Fetches the contents of one version."""

    def __init__(self, session: Session, version: str, placer: Placer, watch: bundles.Watch) -> None:
        self._session, self._version = session, version
        self._placer, self._watch = placer, watch
        self._source = Source(session, version)

    def fetch_bundle(self, groups: list[Group]) -> None:
        """Fetch small files, all in one answer."""
        by_digest = {group.sha256: group for group in groups}
        patience = self._session.patience()
        while True:
            try:
                data = self._bundle(groups)
                break
            except StrongroomError as error:
                patience.wait(error)
        sizes = {group.sha256: group.size for group in groups}
        for digest, body in bundles.parse(data, sizes):
            group = by_digest[digest]
            self._placer.write(group, body)
            self._watch(group.size * len(group.paths))

    def _bundle(self, groups: list[Group]) -> bytes:
        body = json.dumps({"paths": [group.item.path for group in groups]}).encode()
        expected = sum(group.size + bundles.HEAD.size for group in groups)
        headers = {"Content-Type": "application/json"}
        with self._session.stream("POST", f"{self._version}/bundle", body, headers) as response:
            data = read_at_most(response, expected)
        if len(data) != expected:
            raise Unreachable("The server sent a bundle that ends too early; try again.")
        return data

    def fetch_large(self, group: Group) -> None:
        """Fetch one file, going on where an earlier try ended."""
        tree, path = self._placer.tree(), group.paths[0]
        partial = Partial(tree, path, group.sha256.hex()[:32], group.size)
        try:
            if not self._receive(partial, group):
                partial.restart()  # what an earlier process left was damaged
                self._watch(-group.size)
                if not self._receive(partial, group):
                    partial.discard()
                    raise DigestMismatch(
                        f"The server sent bytes for {path!r} that are not those of the artifact; nothing was written."
                        " Ask an operator of the server to restore it from a backup."
                    )
            tree.rename(partial.where, path)
        finally:
            partial.close()
        self._placer.keep(group)
        for other in group.paths[1:]:
            self._copy(tree, path, other, group)

    def _copy(self, tree: Tree, path: str, other: str, group: Group) -> None:
        descriptor = tree.open_existing(path)
        try:
            if not self._placer.copy(descriptor, other, group):
                raise DigestMismatch(
                    f"{tree.root / path} was changed while it was being copied; download again."
                )
        finally:
            os.close(descriptor)
        self._watch(group.size)

    def _receive(self, partial: Partial, group: Group) -> bool:
        """Receive what is lacking, and tell whether the whole has the right digest."""
        running, patience = RunningHash(), self._session.patience()
        with partial.reading() as file:
            running.catch_up(file, partial.size)
        self._watch(partial.size)
        while partial.size < group.size:
            before = partial.size
            try:
                self._request(partial, group, running)
            except StrongroomError as error:
                if partial.size > before:
                    patience.progress()
                patience.wait(error)
        return running.digest() == group.sha256

    def _request(self, partial: Partial, group: Group, running: RunningHash) -> None:
        with self._source.open(group.item.path, group.size, partial.size) as response:
            _check_start(response, partial.size)
            while block := response.read(RECEIVED, decode_content=False):
                if partial.size + len(block) > group.size:
                    raise BadAnswer(
                        f"The server sends more than the {group.size} bytes of {group.item.path!r}."
                    )
                running.feed(partial.size, memoryview(block))
                partial.append(block)
                self._watch(len(block))
        if partial.size < group.size:
            raise Unreachable(f"The server sent only a part of {group.item.path!r}; try again.")


class Partial:
    """The file that a download grows in, under a name that a later process finds again by its mark."""

    def __init__(self, tree: Tree, path: str, mark: str | None, most: int | None) -> None:
        self._descriptor, self.where = _open(tree, path, mark)
        self.size = os.fstat(self._descriptor).st_size
        if most is not None and self.size > most:
            self.restart()
        os.lseek(self._descriptor, self.size, os.SEEK_SET)

    def append(self, block: bytes) -> None:
        """Write the next bytes."""
        view = memoryview(block)
        while view:
            view = view[os.write(self._descriptor, view) :]
        self.size += len(block)

    def reading(self) -> BinaryIO:
        """Open what is there for reading."""
        return open(os.dup(self._descriptor), "rb", buffering=0)

    def is_older_than_boot(self) -> bool:
        """Tell whether the machine was started since it was written to: not all of it may have reached the disk."""
        boot = getattr(time, "CLOCK_BOOTTIME", None)
        started = time.time() - (time.monotonic() if boot is None else time.clock_gettime(boot))
        return os.fstat(self._descriptor).st_mtime < started

    def restart(self) -> None:
        """Begin from nothing."""
        os.truncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        self.size = 0

    def discard(self) -> None:
        """Remove the file."""
        os.unlink(self.where[0], dir_fd=self.where[1])

    def close(self) -> None:
        """Close the file, and with it give up its lock."""
        os.close(self._descriptor)


def _open(tree: Tree, path: str, mark: str | None) -> tuple[int, Where]:
    """Open the partial file of an earlier try, or a new one when that is in use or is none of ours."""
    descriptor, where = tree.open_temporary(path, mark)
    if mark is None:
        return descriptor, where
    try:
        lock(descriptor)
    except OSError:
        os.close(descriptor)
        return tree.open_temporary(path)
    if not _is_ours(descriptor, where):
        os.close(descriptor)
        return tree.open_temporary(path)
    return descriptor, where


def _is_ours(descriptor: int, where: Where) -> bool:
    """Tell whether a locked file still has its temporary name, and no other: it may have been finished meanwhile."""
    found = os.fstat(descriptor)
    try:
        now = os.stat(where[0], dir_fd=where[1], follow_symlinks=False)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_ino == now.st_ino


def _check_start(response: urllib3.BaseHTTPResponse, start: int) -> None:
    if not start:
        return
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status != 206 or not found or int(found[1]) != start:
        raise BadAnswer("The server does not go on with a download where it was asked to.")
