"""Take an address of the web apart so that nobody can read it in two ways; what some could is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote, urlsplit

from registry.errors import ReferenceRefused

LONGEST = 8192
PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*")
# What inet_aton and browsers take for an address: its last part is a number, decimal, octal or hexadecimal.
_NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)")
# What stays as it is in a path or query; anything else is escaped, a percent sign never twice.
_SAFE = "/%:@!$&'()*+,;=~-._?"
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes, and what it asks for there; `path` holds the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def parse(url: str) -> Target:
    """Return the parts of an http(s) address; raises ReferenceRefused for anything that is not plainly one."""
    check_spelling(url)
    scheme = url.partition(":")[0].lower()
    if scheme not in PORTS:
        raise ReferenceRefused(f"The server fetches http and https only, not {scheme[:40]}.", uri=url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ReferenceRefused(f"{url} is not a web address.", uri=url) from None
    if not url[len(scheme) :].startswith("://") or not parts.netloc:
        raise ReferenceRefused(f"{url} is not a web address.", uri=url)
    if "@" in parts.netloc:
        raise ReferenceRefused(
            "The server takes no user or password from an address. Leave out what stands before the @.",
            uri="",
        )
    path = quote(parts.path or "/", safe=_SAFE) + (
        f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    )
    return Target(scheme, _host(url, parts.netloc), PORTS[scheme] if port is None else port, path)


def check_spelling(url: str) -> None:
    """Refuse what is too long, or has characters that some drop and others turn into slashes."""
    if len(url) > LONGEST or _FORBIDDEN.search(url):
        raise ReferenceRefused(
            f"An address has at most {LONGEST} characters, and no backslashes or control characters.",
            uri=url[:200],
        )


def _host(url: str, netloc: str) -> str:
    """Return a name in lower case, or an address as it is written in one way only."""
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]*)?", netloc)
    try:
        if bracketed:
            return str(IPv6Address(bracketed[1]))
        host = netloc.partition(":")[0]
        if _NUMERIC.fullmatch(host):
            return str(IPv4Address(host))
    except ValueError:
        host = ""
    if not re.fullmatch(r"[^:\[\]]*(?::[0-9]*)?", netloc) or not _HOST.fullmatch(host):
        raise ReferenceRefused(
            "The host of this address is written in a way that could be read in two. Write a name in its plain "
            "form (letters, digits, hyphens; other letters as xn--), or an address in its usual one.",
            uri=url,
        )
    return host.lower()
