"""The blob store: bytes by digest over Django's storages; packs, uploads, reads."""

from registry.storage.blobs import Known, known, mark_damaged, open_blob, read_blob, verify_blob
from registry.storage.bundles import BundleResult, receive_bundle
from registry.storage.objects import read_piece, write_pieces

__all__ = [
    "BundleResult",
    "Known",
    "known",
    "mark_damaged",
    "open_blob",
    "read_blob",
    "read_piece",
    "receive_bundle",
    "verify_blob",
    "write_pieces",
]
