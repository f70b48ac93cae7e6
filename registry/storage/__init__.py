"""The blob store: bytes by digest over Django's storages; packs, uploads, reads."""

from registry.storage.blobs import (
    Content,
    Known,
    known,
    known_md5s,
    mark_damaged,
    open_blob,
    read_blob,
    verify_blob,
)
from registry.storage.bundles import BundleResult, receive_bundle
from registry.storage.completion import complete_upload
from registry.storage.incoming import clean_incoming
from registry.storage.objects import hold_objects, open_piece, read_piece, write_pieces
from registry.storage.rows import is_full, renew
from registry.storage.sending import send_bundle
from registry.storage.single import Received, receive_single
from registry.storage.uploads import Begun, Progress, abandon_upload, append_part, begin_upload, progress

__all__ = [
    "Begun",
    "BundleResult",
    "Content",
    "Known",
    "Progress",
    "Received",
    "abandon_upload",
    "append_part",
    "begin_upload",
    "clean_incoming",
    "complete_upload",
    "hold_objects",
    "is_full",
    "known",
    "known_md5s",
    "mark_damaged",
    "open_blob",
    "open_piece",
    "progress",
    "read_blob",
    "read_piece",
    "receive_bundle",
    "receive_single",
    "renew",
    "send_bundle",
    "verify_blob",
    "write_pieces",
]
