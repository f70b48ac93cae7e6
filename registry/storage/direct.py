"""Large blobs that clients send to the object store themselves: in parts, each by a signed address of its own."""

from __future__ import annotations

from typing import NamedTuple

from registry.errors import Conflict, InvalidDigest, NotFound
from registry.models.uploads import MAX_DIRECT_PARTS, Upload, UploadPart
from registry.storage import backends
from registry.storage.backends.base import Link, Part, PartRules
from registry.storage.durable import disk_errors
from registry.storage.hashing import Digests, TwinHash
from registry.storage.limits import MIB, PIECE
from registry.storage.objects import new_name

# Smaller files are through in one request to the server, which hashes them on their way.
LEAST = 64 * MIB
PART = 64 * MIB


class Prepared(NamedTuple):
    """An object that was begun in the store: its name, the id of its parts; where each begins, and its length."""

    name: str
    id: str
    stretches: list[tuple[int, int]]


def prepare(size: int) -> Prepared | None:
    """Begin an object in the store for a file of this size; None where the file goes by way of the server."""
    each = _part_size(size)
    if each is None:
        return None
    name = new_name("large")
    with disk_errors():
        id = backends.current().begin_parts(name)
    if id is None:
        return None
    return Prepared(name, id, [(first, min(each, size - first)) for first in range(0, size, each)])


def origin() -> str:
    """Return the origin that parts go to, for pages that may send them there; "" where none do."""
    try:
        return backends.current().origin
    except OSError:
        # Nothing can be signed now: then files go by way of the server, as they do without a bucket.
        return ""


def give_up(prepared: Prepared | None) -> None:
    """Have the store forget what was begun for nothing."""
    if prepared is not None:
        abort(prepared.name, prepared.id)


def _part_size(size: int) -> int | None:
    rules = backends.current().parts
    if rules is None or size < LEAST:
        return None
    most = min(rules.number, MAX_DIRECT_PARTS)
    each = max(PART, rules.least, -(-size // most))
    each = -(-each // MIB) * MIB
    return each if each <= rules.most else None


def abort(name: str, id: str) -> None:
    """Have the store forget the parts of an object."""
    with disk_errors():
        backends.current().abort_parts(name, id)


def is_known(upload: Upload) -> bool:
    """Tell whether the store still knows of the parts."""
    return _listed(upload) is not None


def arrived(upload: Upload) -> dict[int, int]:
    """Return how many bytes of each part are in the store; a part is there whole, or not at all."""
    listed = _listed(upload)
    if listed is None:
        raise _lost()
    return {part.number: part.size for part in listed}


def address(upload: Upload, number: int, checksum: bytes) -> Link:
    """Return the request that sends one part, bound to its size and checksum, for a quarter of an hour."""
    if not upload.is_direct:
        raise Conflict("This upload comes by way of the server: send its parts there.")
    if upload.state != Upload.State.OPEN:
        raise Conflict("This upload is complete already.")
    try:
        part = upload.parts.get(number=number)
    except UploadPart.DoesNotExist:
        raise NotFound(f"This upload has no part {number}.") from None
    rules, backend = _rules(), backends.current()
    length = {"sha256": 32, "md5": 16}[rules.checksum]
    if len(checksum) != length:
        raise InvalidDigest(
            f"The store compares each part with its {rules.checksum.upper()}: give that, "
            f"as {2 * length} hexadecimal digits."
        )
    with disk_errors():
        return backend.presign_part(
            upload.object_name, upload.parts_id, number, size=part.size, checksum=checksum
        )


def checksum_kind(upload: Upload) -> str | None:
    """Return which digest of a part an address is asked for with; None for an upload by way of the server."""
    return _rules().checksum if upload.is_direct else None


def assemble(upload: Upload) -> tuple[Digests, int]:
    """Make the parts one object, read it back, return its digests and size: what others sent is believed only then."""
    backend, twin, listed, size = backends.current(), TwinHash(), _listed(upload), 0
    with disk_errors():
        try:
            # Without parts the object may be there all the same: completed by a try whose answer got lost.
            if listed is not None:
                backend.complete_parts(upload.object_name, upload.parts_id, listed)
            opened = backend.open(upload.object_name)
        except FileNotFoundError:
            raise _lost() from None
        try:
            with opened:
                while piece := opened.read(PIECE):
                    twin.update(piece)
                    size += len(piece)
        finally:
            state = twin.finish()
    return state.digests(), size


def _listed(upload: Upload) -> list[Part] | None:
    """Return the parts that arrived; None when the store knows of no such parts (any more)."""
    with disk_errors():
        try:
            return backends.current().list_parts(upload.object_name, upload.parts_id)
        except FileNotFoundError:
            return None


def _rules() -> PartRules:
    rules = backends.current().parts
    if rules is None:
        raise Conflict("The server's storage was changed meanwhile and takes no parts. Begin a new upload.")
    return rules


def _lost() -> NotFound:
    return NotFound("The store has forgotten what arrived of this upload. Begin a new one.")
