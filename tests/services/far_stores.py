"""What lies behind references, as tests say: for those of the server's resolving."""

from __future__ import annotations

import pytest
from strongroom.core.entries import Entry

from registry import manifests
from registry.errors import ReferenceRefused
from registry.models import Membership
from registry.services import drafts, outside, references, resolving


def entry(path: str, uri: str = "", size: int | None = 1) -> Entry:
    uri = uri or f"https://example.org/{path}"
    return Entry(path, f"etag of {uri}", size, ref=uri)


class Stores:
    """What lies behind URIs: lists of entries, or errors to raise; it counts how often each was looked at."""

    def __init__(self) -> None:
        self.things: dict[str, list[object]] = {}
        self.looks: list[tuple[str, str]] = []
        self.on_entry = lambda entry: None

    def judge(self, actor, entity, uri, name, *, checksum):
        if uri.startswith("http://127."):
            raise ReferenceRefused("The server may not go there.", uri=uri)

    def found(self, actor, entity, order):
        self.looks.append((order.uri, order.cursor))
        for each in self.things.get(order.uri, []):
            if isinstance(each, Exception):
                raise each
            if each.path > order.cursor or not order.in_order:
                self.on_entry(each)
                yield each


@pytest.fixture
def stores(monkeypatch):
    made = Stores()
    monkeypatch.setattr(outside, "judge", made.judge)
    monkeypatch.setattr(outside, "found", made.found)
    return made


@pytest.fixture
def draft(bob, project):
    return drafts.begin(bob, project=project, collection="data", type="dataset")[0]


def add(who, draft, stores, uri, *things, **how):
    stores.things[uri] = list(things)
    return references.add(who, draft=draft, uri=uri, **how)[0]


def finish(who, draft, **labels):
    references.commit_when_resolved(who, draft=draft, **labels)
    resolving.work(draft.pk)


def version_of(draft) -> Membership:
    return Membership.objects.get(version=draft.pk)


def paths(membership) -> list[str]:
    return [each.path for each in manifests.entries(membership.version.manifest)]
