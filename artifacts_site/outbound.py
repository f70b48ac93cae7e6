"""Read what the server may reach beyond itself; a wrong value stops the start (standard library only)."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

from artifacts_site.environment import WrongSetting, env_int, env_list, env_str
from artifacts_site.stores import Store, read_stores

MIB = 1024**2
NAME = re.compile(r"(?:\*\.)?[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?")
# A name whose last part is a number would be read as an address by some, and by others not.
NUMERIC = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
KERNELS = ("/dev", "/proc", "/sys")


@dataclass(frozen=True, slots=True)
class Place:
    """What a rule is about: a name, all names below one (`*.example.org`), or a network; on one port, or any."""

    name: str = ""
    network: IPv4Network | IPv6Network | None = None
    port: int | None = None

    def fits(self, host: str, address: IPv4Address | IPv6Address | None = None) -> bool:
        """Tell whether the rule is about a host: by its name, or by the address that it leads to."""
        if self.name.startswith("*."):
            return host.endswith(self.name[1:])
        if self.name:
            return host == self.name
        return address is not None and self.network is not None and address in self.network


@dataclass(frozen=True, slots=True)
class Root:
    """A folder that `file` references may lie in; for one team, or for all."""

    path: str
    team: str = ""


@dataclass(frozen=True, slots=True)
class Outbound:
    """The policy of the operator; what stands here without any setting is the default."""

    schemes: frozenset[str] = frozenset({"http", "https"})
    ports: frozenset[int] = frozenset({80, 443})
    hosts: tuple[Place, ...] = ()
    denied: tuple[Place, ...] = ()
    private: tuple[Place, ...] = ()
    seconds: int = 30
    size: int = 16 * MIB
    rate: int = 10
    at_once: int = 4
    roots: tuple[Root, ...] = ()
    stores: tuple[Store, ...] = ()


def env_outbound(data: Path) -> Outbound:
    """Return what the environment says; no root may hold the data folder or lie in it."""
    return Outbound(
        schemes=_schemes(env_list("STRONGROOM_OUTBOUND_SCHEMES", ["http", "https"])),
        ports=_ports(env_list("STRONGROOM_OUTBOUND_PORTS", ["80", "443"])),
        hosts=_places("STRONGROOM_OUTBOUND_HOSTS", env_list("STRONGROOM_OUTBOUND_HOSTS", [])),
        denied=_places("STRONGROOM_OUTBOUND_DENIED", env_list("STRONGROOM_OUTBOUND_DENIED", [])),
        private=_places("STRONGROOM_OUTBOUND_PRIVATE", env_list("STRONGROOM_OUTBOUND_PRIVATE", [])),
        seconds=env_int("STRONGROOM_OUTBOUND_SECONDS", 30, least=1, most=600),
        size=env_int("STRONGROOM_OUTBOUND_MIB", 16, least=1, most=1024**2) * MIB,
        rate=env_int("STRONGROOM_OUTBOUND_RATE", 10, least=1, most=10_000),
        at_once=env_int("STRONGROOM_OUTBOUND_AT_ONCE", 4, least=1, most=64),
        roots=tuple(_root(text, data) for text in env_list("STRONGROOM_REFERENCE_ROOTS", [])),
        stores=read_stores("STRONGROOM_REFERENCE_STORES", env_str("STRONGROOM_REFERENCE_STORES")),
    )


def _schemes(words: list[str]) -> frozenset[str]:
    found = frozenset(word.lower() for word in words)
    if not found <= {"http", "https"}:
        raise WrongSetting("STRONGROOM_OUTBOUND_SCHEMES must be http,https or one of them.")
    return found


def _ports(words: list[str]) -> frozenset[int]:
    return frozenset(_port("STRONGROOM_OUTBOUND_PORTS", word) for word in words)


def _port(setting: str, word: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", word) or not 1 <= int(word) <= 65535:
        raise WrongSetting(f"{setting} has the port {word!r}; a port is a number from 1 to 65535.")
    return int(word)


def _places(setting: str, words: list[str]) -> tuple[Place, ...]:
    return tuple(_place(setting, word.lower()) for word in words)


def _place(setting: str, word: str) -> Place:
    """Read `name`, `*.name`, an address or a network, each with `:port` or without; IPv6 with a port in brackets."""
    bare, port = word, None
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(.*))?", word)
    if bracketed:
        bare, port = bracketed[1], bracketed[2]
    elif word.count(":") == 1:
        bare, port = word.split(":")
    number = None if port is None else _port(setting, port)
    try:
        return Place(network=ipaddress.ip_network(bare), port=number)
    except ValueError:
        pass
    if bracketed or not NAME.fullmatch(bare) or NUMERIC.fullmatch(bare):
        raise WrongSetting(
            f"{setting} has {word!r}, which is neither a host (data.example.org, *.example.org), nor an address "
            "or network (10.1.2.3, 10.1.0.0/16, fd00::/8); each may end in a port, such as data.example.org:8443."
        )
    return Place(name=bare, port=number)


def _root(text: str, data: Path) -> Root:
    """Read `/folder`, or `team=/folder` for one team's alone."""
    team, _, path = text.rpartition("=") if not text.startswith("/") else ("", "", text)
    real = os.path.realpath(path)
    if not os.path.isabs(path) or real == "/" or Path(real).is_relative_to(data):
        raise WrongSetting(
            f"STRONGROOM_REFERENCE_ROOTS has {text!r}; a root is the absolute path of a folder, or team=/folder, "
            "and neither / nor in the data folder."
        )
    if data.is_relative_to(real) or any(Path(real).is_relative_to(kernel) for kernel in KERNELS):
        raise WrongSetting(
            f"STRONGROOM_REFERENCE_ROOTS has {text!r}, which holds the data folder or belongs to the system."
        )
    return Root(path, team)
