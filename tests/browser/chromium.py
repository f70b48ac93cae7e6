"""Chromium over Playwright: a page that remembers every console error and CSP report."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

if TYPE_CHECKING:
    # Pictures are taken without Django: of another process' server.
    from registry.models import User

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# The rules that the design promises: WCAG 2.0, 2.1, 2.2, levels A and AA.
_RUN_AXE = """async () => (await axe.run(document, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa"]}))
  .violations.map(v => v.id + ": " +
    v.nodes.map(n => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | "))"""


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the Chromium of the machine."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        # No sandbox: root in a container has none; it visits only the server of the test.
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield started
        finally:
            started.close()


def sign_in(context: BrowserContext, base: str, user: User) -> None:
    """Give a context the session of a person, without the form."""
    client = Client()
    client.force_login(user)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": base}])


def watch(page: Page, refused: tuple[int | str, ...] = ()) -> list[str]:
    """Collect what the page complains of: exceptions, console errors, which CSP reports are.

    `refused` are the statuses, or words, that a test provokes, which Chromium writes into the console.
    """
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: complaints.append(f"{page.url}: {said.text}") if _is_complaint(said, refused) else None,
    )
    return complaints


def _is_complaint(said: ConsoleMessage, refused: tuple[int | str, ...]) -> bool:
    """A form that comes back with its errors is a 422, which Chromium writes into the console."""
    words = (each if isinstance(each, str) else f"status of {each}" for each in (422, *refused))
    expected = any(each in said.text for each in words)
    return said.type == "error" and not expected


def axe(page: Page) -> list[str]:
    """What axe finds on the page as it is."""
    page.evaluate(AXE)
    return page.evaluate(_RUN_AXE)
