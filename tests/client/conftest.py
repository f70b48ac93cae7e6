"""What tests of the client share: a home of their own, and servers that say what they are told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from strongroom import _retry
from strongroom._http import Session
from strongroom.settings import Settings

from tests.client.scripted import Answer, Request, ScriptedServer


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees the settings, the login or the cache of who runs it."""
    for name in [
        name for name in os.environ if name.startswith("STRONGROOM_") or name.lower().endswith("_proxy")
    ]:
        if name not in ("STRONGROOM_DATA", "STRONGROOM_SECRET_KEY", "STRONGROOM_TEST_DATABASE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home" / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home" / "cache"))
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries without the waiting."""
    monkeypatch.setattr(_retry, "FIRST_DELAY", 0.001)
    monkeypatch.setattr(_retry, "LONGEST_DELAY", 0.002)


@pytest.fixture
def scripted() -> Iterator[Callable[[Callable[[Request], Answer]], ScriptedServer]]:
    """Start servers that answer by a function."""
    servers: list[ScriptedServer] = []

    def start(answer: Callable[[Request], Answer]) -> ScriptedServer:
        servers.append(ScriptedServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def session_to(server: ScriptedServer) -> Session:
    """A session with a server."""
    return Session(Settings(base_url=server.url, api_key="a-key"))
