"""The blob store: bytes by digest over Django's storages; packs, uploads, reads."""

from registry.storage.blobs import (
    Content,
    Known,
    address_of,
    known,
    known_md5s,
    mark_damaged,
    open_blob,
    read_blob,
    verify_blob,
)
from registry.storage.bundles import BundleResult, receive_bundle
from registry.storage.completion import complete_upload
from registry.storage.direct import address as part_address
from registry.storage.direct import checksum_kind, give_up
from registry.storage.direct import origin as parts_origin
from registry.storage.direct import prepare as prepare_direct
from registry.storage.durable import as_storage_error
from registry.storage.incoming import abort_parts, clean_incoming
from registry.storage.objects import hold_objects, open_piece, read_piece, read_stretch, write_pieces
from registry.storage.rows import is_full, renew
from registry.storage.sending import send_bundle
from registry.storage.single import Received, receive_single
from registry.storage.trouble import StoreError
from registry.storage.uploads import (
    Begun,
    Progress,
    abandon_upload,
    append_part,
    begin_upload,
    continued,
    progress,
)

__all__ = [
    "Begun",
    "BundleResult",
    "Content",
    "Known",
    "Progress",
    "Received",
    "StoreError",
    "abandon_upload",
    "abort_parts",
    "address_of",
    "append_part",
    "as_storage_error",
    "begin_upload",
    "checksum_kind",
    "clean_incoming",
    "complete_upload",
    "continued",
    "give_up",
    "hold_objects",
    "is_full",
    "known",
    "known_md5s",
    "mark_damaged",
    "open_blob",
    "open_piece",
    "part_address",
    "parts_origin",
    "prepare_direct",
    "progress",
    "read_blob",
    "read_piece",
    "read_stretch",
    "receive_bundle",
    "receive_single",
    "renew",
    "send_bundle",
    "verify_blob",
    "write_pieces",
]
