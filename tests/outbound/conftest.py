"""What tests of the outside share: servers, a policy, a resolver, and a canary that must stay alone."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from artifacts_site.outbound import Outbound, Place
from registry.outbound.web import Web
from tests.outbound.servers import Listener, Script

# Looked up before any test replaces it.
REAL = socket.getaddrinfo


@pytest.fixture
def policy(settings) -> Callable[..., None]:
    """Set the operator's policy: what is not named is the default."""

    def change(**values: object) -> None:
        settings.OUTBOUND = replace(settings.OUTBOUND, **values)

    settings.OUTBOUND = Outbound(seconds=5)
    return change


@pytest.fixture
def serve() -> Iterator[Callable[..., Listener]]:
    """Start servers that end with the test."""
    with ExitStack() as stack:

        def start(script: Script | None = None, **named: object) -> Listener:
            listener = Listener(script, **named).start()
            stack.callback(listener.stop)
            return listener

        yield start


@pytest.fixture
def canary(serve) -> Iterator[Listener]:
    """A listener on this machine that nobody may connect to."""
    listener = serve()
    yield listener
    assert listener.connections == 0


@pytest.fixture
def web(policy) -> Iterator[Web]:
    web = Web()
    yield web
    web.close()


@pytest.fixture
def names(monkeypatch) -> Callable[..., list[str]]:
    """Let names stand for addresses: each a list of answers, the last of which stays. Returns who was asked for."""

    def know(**answers: list[list[str]]) -> list[str]:
        asked: list[str] = []
        known = {name.replace("_", "."): list(each) for name, each in answers.items()}

        def look(host: str, port: int, *given: object, **named: object) -> list[object]:
            asked.append(host)
            if host not in known:
                return REAL(host, port, *given, **named)
            found = known[host].pop(0) if len(known[host]) > 1 else known[host][0]
            return [row for address in found for row in REAL(address, port, *given, **named)]

        monkeypatch.setattr(socket, "getaddrinfo", look)
        return asked

    return know


def place(text: str, port: int | None = None) -> Place:
    """Return what a rule is about, a network or a name."""
    try:
        return Place(network=ipaddress.ip_network(text), port=port)
    except ValueError:
        return Place(name=text, port=port)
