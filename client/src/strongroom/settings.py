"""Where the server is, who asks, and where local files go: the environment first, then the login file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from strongroom.core.names import check_entity_name, check_project_name
from strongroom.errors import InvalidInput, InvalidName, LocalFileError

DEFAULT_URL = "http://127.0.0.1:8000"
DEFAULT_PROJECT = "uncategorized"
DEFAULT_CACHE_SIZE = 10 * 1000**3
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
_BINARY_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session needs to know; `None` means that nobody said."""

    base_url: str = DEFAULT_URL
    api_key: str | None = None
    entity: str | None = None
    project: str | None = None
    offline: bool = False

    def with_defaults(self, entity: str | None, project: str | None) -> Settings:
        """Return the settings with an entity and project given by hand."""
        return replace(self, entity=entity or self.entity, project=project or self.project)


def load() -> Settings:
    """Read the settings of this process; the environment wins over what `strongroom login` kept."""
    saved = read_login()
    base_url = clean_url(os.environ.get("STRONGROOM_BASE_URL") or saved.get("base_url") or DEFAULT_URL)
    keys = saved.get("keys")
    saved_key = keys.get(base_url) if isinstance(keys, dict) else None
    return Settings(
        base_url=base_url,
        api_key=os.environ.get("STRONGROOM_API_KEY") or saved_key,
        entity=_named("STRONGROOM_ENTITY", check_entity_name),
        project=_named("STRONGROOM_PROJECT", check_project_name),
        offline=is_offline(),
    )


def _named(variable: str, check: Callable[[str], str]) -> str | None:
    given = os.environ.get(variable)
    try:
        return check(given) if given else None
    except InvalidName as error:
        raise InvalidName(f"{variable} names nothing: {error}", **error.details) from None


def is_offline() -> bool:
    """Tell whether the environment says to stay offline."""
    return os.environ.get("STRONGROOM_MODE", "online").lower() == "offline"


def clean_url(url: str) -> str:
    """Return the address of a server in its one form."""
    url = url.strip().rstrip("/")
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url) or not _has_host(url):
        raise InvalidInput(
            f"{url!r} is not the address of a server; set STRONGROOM_BASE_URL to one such as {DEFAULT_URL}."
        )
    return url


def _has_host(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)  # a port beyond 65535 raises
    except ValueError:
        return False


def keys_page(base_url: str) -> str:
    """Return the address of the page on which people make their keys."""
    return f"{base_url}/api-keys"


def login_file() -> Path:
    """Return the file that keeps the key of `strongroom login`."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return Path(home) / "strongroom" / "config.json"


def read_login() -> dict[str, Any]:
    """Return what `strongroom login` kept, or nothing when nobody signed in."""
    path = login_file()
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{path} cannot be read ({error}); repair or remove it, then log in again."
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get("base_url", ""), str):
        return {}
    return found


def write_login(base_url: str, api_key: str) -> Path:
    """Keep a key for a server in a file that nobody else may read, and make the server the default."""
    path, saved = login_file(), read_login()
    known = saved.get("keys")
    url = clean_url(base_url)
    saved["base_url"], saved["keys"] = url, {**(known if isinstance(known, dict) else {}), url: api_key}
    try:
        _write_private(path, json.dumps(saved, indent=2))
    except OSError as error:
        raise LocalFileError(
            f"The key cannot be kept in {path}: {error.strerror or error}. Make room or give yourself access there,"
            " set XDG_CONFIG_HOME to another folder, or use the key as STRONGROOM_API_KEY."
        ) from error
    return path


def _write_private(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    # The mode is given at creation: a chmod afterwards would leave a moment in which others can read.
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(fresh, path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def cache_dir() -> Path:
    """Return the folder of the cache, of staged copies and of journals."""
    if given := os.environ.get("STRONGROOM_CACHE_DIR"):
        return Path(given)
    home = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return Path(home) / "strongroom"


def cache_size() -> int:
    """Return how many bytes the cache may keep."""
    given = os.environ.get("STRONGROOM_CACHE_SIZE")
    return parse_size(given) if given else DEFAULT_CACHE_SIZE


def parse_size(text: str) -> int:
    """Read a size such as `500MB`, `10 GB`, `1GiB` or a plain number of bytes."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)(I?)B?\s*", text.upper())
    if not found:
        raise InvalidInput(f"{text!r} is not a size; write it like 500MB, 10GB or 1GiB.")
    number, unit, binary = found.groups()
    return int(float(number) * (_BINARY_UNITS[unit] if binary and unit else _UNITS[unit]))
