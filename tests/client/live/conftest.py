"""A running installation, somebody with a key, and a project of one's own for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import strongroom
from strongroom._http import Session
from strongroom.settings import Settings

from tests.client.live.proxy import Proxy
from tests.support.installation import Installation


@dataclass(frozen=True)
class Account:
    """Somebody who may log in projects of their own."""

    url: str
    name: str
    key: str

    def session(self) -> Session:
        """Return a session in their name."""
        return Session(Settings(base_url=self.url, api_key=self.key))


@pytest.fixture(scope="session")
def alice(live_installation: Installation) -> Account:
    """She owns what the tests log."""
    return Account(live_installation.url, "alice", live_installation.make_key("alice", admin=False))


@pytest.fixture(scope="session")
def charlie(live_installation: Installation) -> Account:
    """A stranger."""
    return Account(live_installation.url, "charlie", live_installation.make_key("charlie", admin=False))


@pytest.fixture
def project(alice: Account, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A project that no other test uses, and the environment of somebody who works in it."""
    name = f"p-{secrets.token_hex(4)}"
    monkeypatch.setenv("STRONGROOM_BASE_URL", alice.url)
    monkeypatch.setenv("STRONGROOM_API_KEY", alice.key)
    monkeypatch.setenv("STRONGROOM_PROJECT", name)
    return name


@pytest.fixture
def run(project: str) -> Iterator[strongroom.Run]:
    """A run in that project."""
    with strongroom.init() as begun:
        yield begun


@pytest.fixture
def proxy(alice: Account, project: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A way to the server that counts bytes and can break."""
    with Proxy(alice.url) as found:
        monkeypatch.setenv("STRONGROOM_BASE_URL", found.url)
        yield found
