"""What tests of references share: a web server, stores with what a user would have in the environment, a reach."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from strongroom.core.entries import Entry
from strongroom.core.references import http
from strongroom.errors import NotFound
from strongroom.reach import ClientReach

from tests.client.scripted import ScriptedServer
from tests.references.web import Web
from tests.support.stores import Store

_FOREIGN = ("AWS_", "AZURE_", "GOOGLE_", "STORAGE_EMULATOR_HOST", "GCLOUD_", "CLOUDSDK_")


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    """No test sees the credentials or proxies of who runs it, nor waits for a machine that could hand some out."""
    for name in list(os.environ):
        if name.startswith(_FOREIGN) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@dataclass
class Site:
    """A running web server."""

    web: Web
    server: ScriptedServer

    def __getattr__(self, name: str):
        return getattr(self.web, name)

    def url(self, path: str) -> str:
        """The address of a file."""
        return self.server.url + path

    @property
    def asked(self) -> list[str]:
        """The methods and paths of all requests."""
        return [f"{request.method} {request.path}" for request in self.server.requests]


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server."""
    web = Web()
    server = ScriptedServer(web)
    yield Site(web, server)
    server.close()


@pytest.fixture
def reach() -> ClientReach:
    """What a client reaches, without a server of ours."""

    def no_session():
        raise AssertionError("this test has no server")

    return ClientReach(no_session)


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited: not at all, in truth."""
    found: list[float] = []
    # For this module alone: threads that other tests left behind sleep, too.
    monkeypatch.setattr(http, "time", SimpleNamespace(**{**vars(time), "sleep": found.append}))
    return found


@pytest.fixture
def in_environment(monkeypatch: pytest.MonkeyPatch):
    """Set what a user of a store has set."""

    def enter(store: Store) -> Store:
        for name, value in store.environment.items():
            monkeypatch.setenv(name, value)
        return store

    return enter


class Artifacts(ClientReach):
    """A reach that knows entries of artifacts by id and path."""

    def __init__(self, entries: dict[tuple[str, str], Entry]) -> None:
        super().__init__(None)
        self.entries = entries

    def artifact(self, artifact_id: str, path: str) -> Entry:
        """Return an entry."""
        try:
            return self.entries[artifact_id, path]
        except KeyError:
            raise NotFound("There is none.") from None
