"""`wandb-artifact`: an entry of another artifact, followed until it is a file or lies outside."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass

from strongroom.core.entries import Entry
from strongroom.core.errors import Gone, NotFound, ReferenceMissing, ReferenceUnreachable
from strongroom.core.references.base import Checked, Found, Reach, State, Stream
from strongroom.core.references.looking import OK, address, as_state
from strongroom.core.references.uris import last_part, refuse
from strongroom.core.text import shown

_URI = re.compile(r"wandb-artifact://((?:[0-9a-f]{2})+)/(.+)", re.IGNORECASE | re.DOTALL)
# References never point at what is not there yet, so a chain ends; one that does not is somebody's lie.
_LONGEST_CHAIN = 32


@dataclass(frozen=True, slots=True)
class Place:
    """An artifact, by the id that clients see, and a path inside it."""

    artifact_id: str
    path: str

    @property
    def uri(self) -> str:
        """The address."""
        return uri_of(self.artifact_id, self.path)


def uri_of(artifact_id: str, path: str) -> str:
    """Return the address of an entry of an artifact."""
    return f"wandb-artifact://{binascii.a2b_base64(artifact_id).hex()}/{path}"


class Artifacts:
    """An entry of another artifact."""

    def parse(self, uri: str) -> Place:
        """Take a URI apart."""
        found = _URI.fullmatch(uri)
        if found is None:
            refuse(uri, "names no entry of an artifact. Pass what Artifact.get_entry returns")
        return Place(base64.b64encode(bytes.fromhex(found[1])).decode("ascii"), found[2])

    def plain(self, uri: str) -> Found:
        """Return the address as its own digest."""
        return Found(uri, self.name(uri), uri)

    def name(self, uri: str) -> str:
        """Return the last part of the path."""
        return last_part(self.parse(uri).path)

    def look(self, uri: str, reach: Reach, *, max_objects: int, after: str = "") -> Iterator[Found]:
        """Yield the entry that a chain of references ends with."""
        if after:
            return
        place, entry = followed(uri, reach)
        yield Found(place.uri, "", entry.digest or "", entry.size)

    def check(self, entry: Entry, reach: Reach) -> Checked:
        """Look whether the other artifact still is there; what is in it never changes."""
        return as_state(lambda: self._check(entry, reach))

    def _check(self, entry: Entry, reach: Reach) -> Checked:
        _, there = followed(entry.ref or "", reach)
        if entry.digest in (there.digest, entry.ref):
            return OK
        return Checked(State.CHANGED, f"{address(entry)} has the digest {shown(there.digest or '')} now.")

    def open(self, entry: Entry, reach: Reach, offset: int = 0) -> AbstractContextManager[Stream]:
        """Open where the chain ends, when that is outside; the registry's own bytes are had from the registry."""
        # Only here: the schemes are all listed there, this one among them.
        from strongroom.core.references import open_reference

        _, there = followed(entry.ref or "", reach)
        if there.ref is None:
            raise ReferenceUnreachable(
                f"{address(entry)} is a file of another artifact. Download it from there.", uri=address(entry)
            )
        return open_reference(there, reach, offset)


def followed(uri: str, reach: Reach) -> tuple[Place, Entry]:
    """Return the last artifact of a chain, and its entry: a file, or a reference to the outside."""
    place = Artifacts().parse(uri)
    for _ in range(_LONGEST_CHAIN):
        try:
            entry = reach.artifact(place.artifact_id, place.path)
        except (NotFound, Gone) as error:
            raise ReferenceMissing(
                f"{shown(place.uri)} is not there, or not for you to see: {error}", uri=shown(place.uri)
            ) from error
        if entry.ref is None or not entry.ref.lower().startswith("wandb-artifact:"):
            return place, entry
        place = Artifacts().parse(entry.ref)
    raise ReferenceUnreachable(
        f"{shown(uri)} leads from artifact to artifact without an end.", uri=shown(uri)
    )
