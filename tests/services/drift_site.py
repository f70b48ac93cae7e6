"""A web server whose files are referred to, and a version of some: for the tests of the drift watch."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from registry import queue
from tests.support.drifting import log
from tests.support.website import reaching, website

# A while after whatever the tests log.
NOW = timezone.now() + timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def site(settings, tmp_path):
    with website() as running:
        root = tmp_path / "root"
        root.mkdir()
        settings.OUTBOUND = reaching(running, settings.OUTBOUND, str(root))
        yield running


@pytest.fixture
def sent(monkeypatch):
    """What the queue was given."""
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(queue, "send", lambda *given: found.append(given))
    return found


@pytest.fixture
def logged(site, people, project):
    """A version of three references on the web and a file."""
    site.put(a=b"one", b=b"two", c=b"three")
    return log(people.bob, project, [site.entry(path) for path in "abc"], files={"z": b"bytes"})
