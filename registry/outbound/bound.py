"""Sessions of `requests` that reach one origin only, and whose errors tell no secret."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from registry.outbound.buckets import Store


class Bound(HTTPAdapter):
    """Sends requests; an error of the network names the whole address, in which a token may stand."""

    def __init__(self, hidden: tuple[str, ...]) -> None:
        super().__init__()
        self.hidden = hidden

    def send(self, *given: Any, **named: Any) -> requests.Response:
        """Send, and say what went wrong without what is hidden."""
        try:
            return super().send(*given, **named)
        except requests.RequestException as error:
            raise type(error)(hide(str(error), self.hidden)) from None


def hide(text: str, hidden: tuple[str, ...]) -> str:
    """Blank secrets, as they are and as they stand in addresses."""
    for secret in hidden:
        for form in (secret, secret.removeprefix("?"), quote(secret, safe=""), quote(secret)):
            text = text.replace(form, "[hidden]")
    return text


def bound_session(endpoint: str, store: Store) -> requests.Session:
    """Return a session that reaches this endpoint's origin alone."""
    session = requests.Session()
    bind(session, endpoint, store)
    return session


def bind(session: requests.Session, endpoint: str, store: Store) -> None:
    """Let a session reach an origin only: no redirect of a store leads further, and no proxy of the environment."""
    parts = urlsplit(endpoint)
    for adapter in session.adapters.values():
        adapter.close()
    session.adapters.clear()
    session.mount(f"{parts.scheme}://{parts.netloc}/" if parts.netloc else endpoint, Bound(store.hidden))
    session.trust_env = False
    if store.ca_file:
        session.verify = store.ca_file
