"""Where blobs lie, from the environment: this machine's disk, or a bucket (no library of buckets is loaded here)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from artifacts_site.environment import WrongSetting, env_choice, env_secret, env_str

KINDS = ("local", "s3", "gcs", "azure")
# What each set of settings is called: where blobs are written; where they are read, too, while they move.
BLOBS, OTHER = "STRONGROOM_BLOBS", "STRONGROOM_OTHER_BLOBS"
# What follows that name, and which kinds it is for.
SETTINGS = {
    "BUCKET": ("s3", "gcs", "azure"),
    "PREFIX": ("s3", "gcs", "azure"),
    "REGION": ("s3",),
    "ENDPOINT": ("s3", "azure"),
    "PUBLIC_ENDPOINT": ("s3", "gcs", "azure"),
    "ADDRESSING": ("s3",),
    "CHECKSUM": ("s3",),
    "KEY_ID": ("s3", "azure"),
    "KEY": ("s3", "gcs", "azure"),
}


def blobs(folder: Path) -> dict[str, Any]:
    """Describe the storage of blobs to Django."""
    return _described(BLOBS, env_choice(BLOBS, "local", KINDS), folder)


def other_blobs(folder: Path) -> dict[str, Any] | None:
    """Describe the storage that blobs are moved to or from; None where none is set."""
    kind = env_choice(OTHER, "none", ("none", *KINDS))
    described = _described(OTHER, kind, folder)
    if kind == "none":
        return None
    if described == blobs(folder):
        raise WrongSetting(
            f"{OTHER} names the same place as {BLOBS}. Name the one to move to, or leave it out."
        )
    return described


def _described(name: str, kind: str, folder: Path) -> dict[str, Any]:
    given = {
        key: env_secret(f"{name}_{key}") if key == "KEY" else env_str(f"{name}_{key}") for key in SETTINGS
    }
    for key, value in given.items():
        if value and kind not in SETTINGS[key]:
            kinds = " or ".join(SETTINGS[key])
            raise WrongSetting(f"{name}_{key} is for {kinds}, and {name} is {kind}.")
    if kind in ("local", "none"):
        return {
            "BACKEND": "registry.storage.backends.local.LocalBlobStorage",
            "OPTIONS": {"location": folder},
        }
    if not given["BUCKET"]:
        raise WrongSetting(f"{name}={kind} needs {name}_BUCKET, the name of the bucket (or container).")
    for key in ("ENDPOINT", "PUBLIC_ENDPOINT"):
        _check_address(f"{name}_{key}", given[key])
    options = {"s3": _s3, "gcs": _gcs, "azure": _azure}[kind](name, given)
    options |= {"location": given["PREFIX"].strip("/"), "public_endpoint": given["PUBLIC_ENDPOINT"]}
    classes = {"s3": "s3.S3BlobStorage", "gcs": "gcs.GoogleBlobStorage", "azure": "azure.AzureBlobStorage"}
    return {"BACKEND": f"registry.storage.backends.{classes[kind]}", "OPTIONS": options}


def _s3(name: str, given: dict[str, str]) -> dict[str, Any]:
    if bool(given["KEY_ID"]) != bool(given["KEY"]):
        raise WrongSetting(f"{name}_KEY_ID and {name}_KEY belong together; set both, or neither.")
    keys = {"access_key": given["KEY_ID"], "secret_key": given["KEY"]} if given["KEY"] else {}
    return {
        "bucket_name": given["BUCKET"],
        "region_name": given["REGION"] or None,
        "endpoint_url": given["ENDPOINT"] or None,
        "addressing_style": env_choice(f"{name}_ADDRESSING", "auto", ("auto", "path", "virtual")),
        "checksum": env_choice(f"{name}_CHECKSUM", "sha256", ("sha256", "md5")),
        **keys,
    }


def _gcs(name: str, given: dict[str, str]) -> dict[str, Any]:
    if given["KEY"]:
        try:
            sound = json.loads(given["KEY"])["type"] == "service_account"
        except (ValueError, TypeError, KeyError):
            sound = False
        if not sound:
            raise WrongSetting(f"{name}_KEY must be the JSON of a service account's key.")
    return {"bucket_name": given["BUCKET"], "account_key": given["KEY"]}


def _azure(name: str, given: dict[str, str]) -> dict[str, Any]:
    known = ("AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT")
    if not given["KEY_ID"] and not any(os.environ.get(each) for each in known):
        raise WrongSetting(
            f"{name}=azure needs the account: set {name}_KEY_ID to its name, or {' or '.join(known)}."
        )
    return {
        "azure_container": given["BUCKET"],
        "account_url": given["ENDPOINT"],
        "account_name": given["KEY_ID"] or None,
        "account_key": given["KEY"] or None,
    }


def _check_address(name: str, text: str) -> None:
    parts = urlsplit(text)
    if text and (
        parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment
    ):
        raise WrongSetting(f"{name} must look like https://s3.example.org, not {text!r}.")
