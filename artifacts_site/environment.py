"""Read settings from the environment; a wrong value stops the start with one sentence (standard library only)."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
# A path of a unix socket must fit into 108 bytes, its final NUL included.
SOCKET_PATH_LIMIT = 107
DATABASE_FILE = "strongroom.sqlite3"


class WrongSetting(SystemExit):
    """A setting that cannot be used: ends the process with its sentence instead of a traceback."""

    def __init__(self, sentence: str) -> None:
        super().__init__(f"strongroom: {sentence}")


def env_str(name: str, default: str = "") -> str:
    """Return a text; empty counts as not set."""
    return os.environ.get(name, "").strip() or default


def env_bool(name: str, default: bool) -> bool:
    """Return a yes or no."""
    text = env_str(name).lower()
    if not text:
        return default
    if text in TRUE or text in FALSE:
        return text in TRUE
    raise WrongSetting(f"{name} must be 1 or 0, not {text!r}.")


def env_int(name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
    """Return a whole number within its bounds."""
    text = env_str(name)
    if not text:
        return default
    bounds = f"a whole number from {least}" + (f" to {most}" if most is not None else " upwards")
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise WrongSetting(f"{name} must be {bounds}, not {text!r}.")
    number = int(text)
    if number < least or (most is not None and number > most):
        raise WrongSetting(f"{name} must be {bounds}, not {number}.")
    return number


def env_list(name: str, default: list[str]) -> list[str]:
    """Return the parts of a comma-separated text."""
    return [part.strip() for part in env_str(name).split(",") if part.strip()] or list(default)


def env_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of a few words."""
    text = env_str(name, default).lower()
    if text not in choices:
        raise WrongSetting(f"{name} must be one of {', '.join(choices)}, not {text!r}.")
    return text


def env_secret(name: str) -> str:
    """Return a secret from NAME, or from the file that NAME_FILE points to."""
    file = env_str(f"{name}_FILE")
    if not file:
        return env_str(name)
    if env_str(name):
        raise WrongSetting(f"{name} and {name}_FILE are both set; keep one of them.")
    try:
        return Path(file).read_text().strip()
    except OSError as error:
        raise WrongSetting(f"{name}_FILE cannot be read ({error.strerror}): {file}") from None


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in; without a host none is sent."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def env_mail(name: str) -> MailServer:
    """Return the mail server of an address like `smtp://user:password@host:587` (STARTTLS) or `smtps://host`."""
    text = env_secret(name)
    if not text:
        return MailServer()
    parts = urlsplit(text)
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or port == -1:
        raise WrongSetting(f"{name} must be like smtp://user:password@host:587 or smtps://host.")
    secure = parts.scheme == "smtps"
    return MailServer(
        parts.hostname,
        port or (465 if secure else 25),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        # A password never travels in the clear.
        starttls=not secure and bool(parts.password),
        tls=secure,
    )


@dataclass(frozen=True)
class OpenID:
    """The provider that people sign in by; of whom it does not know here, those of `domains` get an account."""

    issuer: str
    client_id: str
    secret: str
    name: str
    domains: tuple[str, ...] = ()


def env_openid() -> OpenID | None:
    """Return the OpenID Connect provider, None when no issuer is set."""
    issuer = env_str("STRONGROOM_OIDC_ISSUER")
    if not issuer:
        return None
    parts = urlsplit(issuer)
    local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if (parts.scheme != "https" and not local) or not parts.hostname or parts.query or parts.fragment:
        raise WrongSetting(
            "STRONGROOM_OIDC_ISSUER must be the issuer's address, such as https://login.example.org."
        )
    client_id, secret = env_str("STRONGROOM_OIDC_CLIENT_ID"), env_secret("STRONGROOM_OIDC_CLIENT_SECRET")
    if not client_id or not secret:
        raise WrongSetting(
            "STRONGROOM_OIDC_ISSUER needs STRONGROOM_OIDC_CLIENT_ID and STRONGROOM_OIDC_CLIENT_SECRET, "
            "which the provider gave."
        )
    domains = tuple(domain.casefold() for domain in env_list("STRONGROOM_OIDC_DOMAINS", []))
    return OpenID(issuer, client_id, secret, env_str("STRONGROOM_OIDC_NAME", parts.hostname), domains)


def kept_secret(path: Path) -> str:
    """Return the secret kept in a file that only its owner can read, made on the first call."""
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written whole under a name of its own and then linked: of two processes that start at once, one wins.
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(os.urandom(48).hex())
        file.flush()
        # Else a power cut leaves the name with nothing behind it, and nothing starts any more.
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    sync_folder(path.parent)
    return path.read_text().strip()


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def data_folder(base: Path) -> Path:
    """Return the folder that holds everything, whether it is there or not."""
    return Path(env_str("STRONGROOM_DATA", str(base / "data"))).expanduser().resolve()


def check_installed(data: Path) -> None:
    """Refuse a data folder without a database; a database elsewhere tells for itself whether it is ready."""
    if not env_secret("DATABASE_URL") and not (data / DATABASE_FILE).exists():
        raise WrongSetting(
            f"there is no installation at {data}; set STRONGROOM_DATA to its folder,"
            " or start one with `make run` first."
        )


def database(url: str, default: Path) -> dict[str, Any]:
    """Describe the database to Django: the SQLite file, or what DATABASE_URL names."""
    if not url:
        return sqlite(default)
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or len(parts.path) < 2:
        raise WrongSetting("DATABASE_URL must look like postgresql://user:password@host:5432/name.")
    try:
        port = parts.port
    except ValueError:
        raise WrongSetting("DATABASE_URL has a port that is not a number.") from None
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    # `?host=/folder` is the usual way to write a unix socket in a URL.
    host = options.pop("host", unquote(parts.hostname or ""))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": port or "",
        "OPTIONS": {**options, "pool": {"min_size": 0, "max_size": 12, "timeout": 20}},
    }


def sqlite(path: Path) -> dict[str, Any]:
    """Describe an SQLite file that several processes write to and that survives a power cut."""
    synchronous = env_choice("STRONGROOM_SQLITE_SYNCHRONOUS", "full", ("full", "normal"))
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        # A thread keeps its connection: opening one sets it up anew each time, and closing the last one
        # that is open writes the whole log back, with a sync of the disk, after every request.
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            # Statements of many rows and sorts keep their notes in memory: a full temporary folder stops none of them.
            # Without IMMEDIATE the step from reading to writing fails at once, whatever the timeout.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": f"PRAGMA journal_mode=WAL;PRAGMA synchronous={synchronous.upper()};"
            "PRAGMA temp_store=MEMORY;PRAGMA mmap_size=134217728;"
            "PRAGMA cache_size=-4000;PRAGMA journal_size_limit=27103364;",
        },
    }


def redis_socket(data: Path) -> Path:
    """Return where the embedded Redis of a data folder listens: inside it, unless that path is too long."""
    inside = data / "queue" / "redis.sock"
    if len(os.fsencode(inside)) <= SOCKET_PATH_LIMIT:
        return inside
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path("/tmp") / f"strongroom-{name}" / "redis.sock"  # noqa: S108  # owner and mode are checked


def redis_cache_url(url: str) -> str:
    """Translate the queue's address to the form that redis-py takes."""
    return url.replace("redis+socket://", "unix://", 1)
