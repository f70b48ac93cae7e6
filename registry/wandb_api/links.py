"""Signed addresses of this door: where to send bytes to, and where to get them; the client sends no key there."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from registry.http import signing
from registry.models import Membership, Run, Version
from registry.wandb_api.context import Context


def to_file(context: Context, draft: Version, md5: bytes) -> str:
    """Where the bytes of one file are sent: only those with this MD5 are kept."""
    return _link(context, "wandb:file", signing.WANDB_FILE, "PUT", [draft.public_id, md5.hex()])


def to_manifest(context: Context, draft: Version, kind: str, base: str | None, md5: bytes | None) -> str:
    """Where a manifest is sent."""
    target = [draft.public_id, kind, base, None if md5 is None else md5.hex()]
    return _link(context, "wandb:manifest", signing.WANDB_MANIFEST, "PUT", target)


def to_run_file(context: Context, run: Run) -> str:
    """Where a file of a run is sent."""
    return _link(context, "wandb:run-file", signing.WANDB_RUN_FILE, "PUT", [run.pk])


def of_file(context: Context, membership: Membership, path: str) -> str:
    """Where one file of a version is read."""
    return _link(context, "wandb:read", signing.WANDB_READ, "GET", [membership.pk, path])


def of_manifest(context: Context, membership: Membership) -> str:
    """Where the manifest of a version is read."""
    return _link(context, "wandb:read", signing.WANDB_READ, "GET", [membership.pk, None])


def _link(context: Context, route: str, purpose: str, method: str, target: list[Any]) -> str:
    key = context.actor.key
    token = signing.sign(
        purpose=purpose,
        user_id=context.user.pk,
        key_id=None if key is None else key.pk,
        method=method,
        object=target,
    )
    return context.base_url + reverse(route, args=[token])
