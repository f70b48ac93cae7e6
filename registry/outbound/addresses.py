"""Which addresses are ordinary ones of the public internet: an allow rule, since lists of bad ones always lack some."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

# Not `is_global` of the standard library: on Python 3.11 it takes multicast, and forms that hold another address.
_NOT_ORDINARY_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # between a provider and its customers; a cloud's metadata, too
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # a cloud's platform, seen from its machines
        "169.254.0.0/16",  # link-local; metadata of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; broadcast
    )
)
# Of IPv6 only global unicast; what maps, translates or tunnels IPv4 lies outside of it, or is listed.
_UNICAST_6 = IPv6Network("2000::/3")
_NOT_ORDINARY_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols; Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_TRANSLATED = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
# What no name may lead to, not even one that the operator allows: only a listed network does.
_NEVER_BY_NAME = tuple(
    IPv4Network(text)
    for text in ("0.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
) + tuple(IPv6Network(text) for text in ("::/128", "fe80::/10", "ff00::/8", "fd00:ec2::/32", "fd20:ce::/32"))


def is_ordinary(address: Address) -> bool:
    """Tell whether an address is ordinary global unicast."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_ORDINARY_4)
    return address in _UNICAST_6 and not any(address in network for network in _NOT_ORDINARY_6)


def is_special(address: Address) -> bool:
    """Tell whether an address is one of links, groups or metadata, which a name never stands for."""
    return any(
        each in network
        for each in (address, inner(address))
        if each is not None
        for network in _NEVER_BY_NAME
        if network.version == each.version
    )


def inner(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that one of IPv6 leads to, where it is of such a kind."""
    if isinstance(address, IPv4Address):
        return None
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def read(text: str) -> Address:
    """Return the address that a resolver or a socket tells; one of a link loses the name of the link."""
    return ip_address(text.partition("%")[0])
