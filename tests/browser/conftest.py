"""A Chromium, a live server with real data, and people who are signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from registry.models import User
from tests.browser import chromium
from tests.web import sample as samples

Open = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium.browser() as started:
        yield started


@pytest.fixture
def sample(transactional_db) -> samples.Sample:
    return samples.make(3)


@pytest.fixture
def open_as(browser: Browser, live_server) -> Iterator[Open]:
    """Open an address as somebody; at the end no page may have complained of anything."""
    contexts, complaints = [], []

    def open_page(who: User | None, path: str, *, refused: tuple[int | str, ...] = (), **options) -> Page:
        context = browser.new_context(base_url=live_server.url, viewport=chromium.WIDE, **options)
        contexts.append(context)
        if who is not None:
            chromium.sign_in(context, live_server.url, who)
        page = context.new_page()
        page.set_default_timeout(15_000)
        complaints.append(chromium.watch(page, refused))
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    said = [line for lines in complaints for line in lines]
    assert said == []
