"""What the operator's settings say about a host, and about the address that it leads to."""

from __future__ import annotations

from contextlib import suppress

from django.conf import settings

from registry.outbound.addresses import Address, inner, is_ordinary, is_special, read
from registry.outbound.places import PlaceRefused, of_web
from registry.outbound.urls import Target


def check_target(target: Target) -> None:
    """Refuse what policy refuses by scheme, name and port, before anybody is asked for the name."""
    policy = settings.OUTBOUND
    if target.scheme not in policy.schemes:
        raise _refused(target, f"{target.scheme} is not allowed", "STRONGROOM_OUTBOUND_SCHEMES")
    if any(place.fits(target.host) and place.port in (None, target.port) for place in policy.denied):
        raise _denied(target)
    _check_listed(target, None)
    # An address in place of a name can be judged by now; what a name leads to is judged when it is asked.
    with suppress(ValueError):
        check_address(target, read(target.host))


def check_address(target: Target, address: Address) -> None:
    """Refuse an address that is neither ordinary nor allowed; no message names it, for it tells of the inside."""
    _check_listed(target, address)
    led = inner(address)
    for each in (address,) if led is None else (address, led):
        for place in settings.OUTBOUND.denied:
            if place.fits(target.host, each) and place.port in (None, target.port):
                raise _denied(target)
        if not is_ordinary(each) and not _is_let_in(target, each):
            raise _refused(target, "its address is not a public one", "STRONGROOM_OUTBOUND_PRIVATE")


def _check_listed(target: Target, address: Address | None) -> None:
    """Refuse a host or port that no setting lists; without an address a network may still turn out to."""
    policy = settings.OUTBOUND
    is_listed = any(
        (address is None and place.network is not None and place.port in (None, target.port))
        or (place.fits(target.host, address) and _is_port(target, place.port))
        for place in (*policy.hosts, *policy.private)
    )
    if policy.hosts and not is_listed:
        raise _refused(target, "its host is not among those allowed", "STRONGROOM_OUTBOUND_HOSTS")
    if target.port not in policy.ports and not is_listed:
        raise _refused(target, f"port {target.port} is not allowed", "STRONGROOM_OUTBOUND_PORTS")


def _is_let_in(target: Target, address: Address) -> bool:
    """Tell whether the operator listed the address, or the name: which never stands for a link or for metadata."""
    return any(
        place.fits(target.host, address)
        and _is_port(target, place.port)
        and not (place.name and is_special(address))
        for place in settings.OUTBOUND.private
    )


def _is_port(target: Target, port: int | None) -> bool:
    return target.port == port if port else target.port in settings.OUTBOUND.ports


def _denied(target: Target) -> PlaceRefused:
    return _of_host(target, "the operator denied it by STRONGROOM_OUTBOUND_DENIED.")


def _refused(target: Target, why: str, setting: str) -> PlaceRefused:
    return _of_host(target, f"{why}. The operator can allow it by {setting}.")


def _of_host(target: Target, why: str) -> PlaceRefused:
    return PlaceRefused(
        f"The server may not reach {target.url}: {why}",
        place=of_web(target),
        why=f"The server may not reach {of_web(target)}: {why}",
        uri=target.url,
    )
