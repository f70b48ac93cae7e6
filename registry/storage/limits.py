"""In what pieces bytes move, and how much one request may carry."""

from __future__ import annotations

from django.conf import settings

MIB = 1024 * 1024
# Reads of bodies and files: large enough that hashing and disk calls cost little per byte.
PIECE = MIB
# Objects of many pieces are closed at this size, so that compaction rewrites little at a time.
PACK_MAX = 64 * MIB
# A blob up to this size is verified before its first byte leaves.
WHOLE_MAX = MIB


def bundle_limit() -> int:
    """Return the longest body of a bundle, in bytes."""
    return int(settings.BUNDLE_LIMIT)


def frame_limit() -> int:
    """Return the largest blob that a bundle may carry, in bytes."""
    return int(settings.FRAME_LIMIT)


def part_limit() -> int:
    """Return the largest part of an upload, in bytes."""
    return int(settings.PART_LIMIT)
