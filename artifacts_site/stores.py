"""Read the credentials of teams for buckets from the operator's file; none of them is ever shown."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from artifacts_site.environment import WrongSetting

EVERY_TEAM = "*"
# How each kind may prove who it is: exactly one of them.
PROOFS = {
    "s3": ("key_id", "profile", "anonymous", "ambient"),
    "gcs": ("key_file", "anonymous", "ambient"),
    "azure": ("secret", "sas", "anonymous"),
}
TEXTS = ("endpoint", "region", "key_id", "secret", "session_token", "profile", "key_file", "sas", "ca_file")
SWITCHES = ("anonymous", "ambient")
TAKES = {
    "s3": {"endpoint", "region", "key_id", "secret", "session_token", "profile", "ca_file"},
    "gcs": {"endpoint", "key_file", "ca_file"},
    "azure": {"endpoint", "secret", "sas", "ca_file"},
}
# Secrets may stand in files of their own, as `secret_file`.
SECRETS = ("secret", "session_token", "sas")
BUCKETS = re.compile(r"[A-Za-z0-9*?._-]+")
CONTAINERS = re.compile(r"[a-z0-9*?]+/[a-z0-9*?$-]+")


@dataclass(frozen=True, slots=True)
class Store:
    """What one team may read, where, and as whom; what would let its reader in is never part of its repr."""

    team: str
    kind: str
    buckets: tuple[str, ...]
    endpoint: str = ""
    region: str = ""
    key_id: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    profile: str = ""
    key_file: str = ""
    sas: str = field(default="", repr=False)
    ca_file: str = ""
    anonymous: bool = False
    ambient: bool = False

    @property
    def hidden(self) -> tuple[str, ...]:
        """What must stand in no message."""
        return tuple(each for each in (self.key_id, self.secret, self.session_token, self.sas) if each)


def read_stores(setting: str, file: str) -> tuple[Store, ...]:
    """Return what the file says, in its order; nothing without a file."""
    if not file:
        return ()
    try:
        told = tomllib.loads(Path(file).read_text())
    except OSError as error:
        raise WrongSetting(f"{setting} cannot be read ({error.strerror}): {file}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # Only the place: what is wrong there may be a secret.
        place = re.search(r"line [0-9]+, column [0-9]+", str(error))
        raise WrongSetting(f"{setting}: {file} is not TOML ({place[0] if place else 'not text'}).") from None
    stores = []
    for team, entries in told.items():
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise WrongSetting(f"{setting}: {file} must have tables like [[{team}]], one for each store.")
        for number, entry in enumerate(entries, 1):
            stores.append(_store(f"{setting}: entry {number} of [[{team}]]", team, entry))
    return tuple(stores)


def _store(where: str, team: str, entry: dict[str, Any]) -> Store:
    kind = entry.get("store")
    if kind not in PROOFS:
        raise WrongSetting(f"{where} needs store = one of {', '.join(PROOFS)}.")
    given = _with_files(where, entry)
    unknown = set(given) - TAKES[kind] - {"store", "buckets", *PROOFS[kind]}
    if unknown:
        raise WrongSetting(f"{where} has {', '.join(sorted(unknown))}, which {kind} does not take.")
    _check_values(where, given)
    proofs = [name for name in PROOFS[kind] if name in given]
    if len(proofs) != 1:
        raise WrongSetting(f"{where} needs exactly one of {', '.join(PROOFS[kind])}.")
    if kind == "s3" and ("key_id" in given) != ("secret" in given):
        raise WrongSetting(f"{where} needs both key_id and secret, or neither.")
    if "endpoint" in given:
        _check_endpoint(where, kind, given["endpoint"])
    if "key_file" in given:
        _check_key_file(where, given["key_file"])
    del given["store"]
    buckets = _buckets(where, kind, given.pop("buckets", None))
    return Store(team=team, kind=kind, buckets=buckets, **given)


def _check_values(where: str, given: dict[str, Any]) -> None:
    for name in TEXTS:
        if not isinstance(given.get(name, ""), str) or not given.get(name, "x"):
            raise WrongSetting(f"{where}: {name} must be a text that is not empty.")
    for name in SWITCHES:
        if given.get(name, True) is not True:
            raise WrongSetting(f"{where}: {name} is true, or left out.")


def _with_files(where: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry in which secrets that stand in files are read."""
    given = dict(entry)
    for name in SECRETS:
        file = given.pop(f"{name}_file", None)
        if file is None:
            continue
        if name in given or not isinstance(file, str):
            raise WrongSetting(f"{where} has {name} and {name}_file; keep one of them, as a text.")
        try:
            given[name] = Path(file).read_text().strip()
        except OSError as error:
            raise WrongSetting(f"{where}: {name}_file cannot be read ({error.strerror}): {file}") from None
    return given


def _buckets(where: str, kind: str, given: Any) -> tuple[str, ...]:
    pattern, example = (CONTAINERS, "account/container-*") if kind == "azure" else (BUCKETS, "training-*")
    right = isinstance(given, list) and given and all(isinstance(each, str) for each in given)
    if not right or not all(pattern.fullmatch(each) for each in given):
        raise WrongSetting(f'{where} needs buckets = a list of names or patterns, such as ["{example}"].')
    return tuple(given)


def _check_endpoint(where: str, kind: str, endpoint: str) -> None:
    parts = urlsplit(endpoint.replace("{account}", "account") if kind == "azure" else endpoint)
    try:
        plain = not parts.query and not parts.fragment and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        plain = False
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise WrongSetting(
            f"{where}: endpoint must look like https://store.example.org:9000, without user and query."
        )


def _check_key_file(where: str, file: str) -> None:
    try:
        told = json.loads(Path(file).read_text())
    except OSError as error:
        raise WrongSetting(f"{where}: key_file cannot be read ({error.strerror}): {file}") from None
    except ValueError:
        told = None
    if not isinstance(told, dict) or told.get("type") != "service_account":
        raise WrongSetting(f"{where}: key_file is not the JSON key of a service account: {file}")
