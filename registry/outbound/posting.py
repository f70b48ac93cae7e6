"""Send a small body by POST: to a judged address, once, following no redirect, reading only how the answer begins."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import urllib3

from registry.outbound import connecting
from registry.outbound.connecting import Budget, OverBudget
from registry.outbound.rules import check_target
from registry.outbound.urls import parse
from registry.outbound.web import send, told

# The whole: look-up, connection, and the beginning of the answer.
SECONDS = 10.0
ANSWER_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Posted:
    """What was answered, its beginning, and where a redirect would have led ("" for none)."""

    status: int
    answer: bytes
    location: str


def check_address_of(url: str) -> str:
    """Return an address as it is plainly written; ReferenceRefused where the policy refuses what can be seen of it."""
    target = parse(url)
    check_target(target)
    return target.url


def post(url: str, body: bytes, headers: Mapping[str, str], *, seconds: float = SECONDS) -> Posted:
    """Send a body; ReferenceRefused where the policy refuses the address, ReferenceUnreachable where nobody answers.

    There are no names and passwords but what the headers say, and no connection is kept.
    """
    target, budget = parse(url), Budget(seconds, connecting.HEADER_BYTES)
    check_target(target)
    made = connecting.connection(target, budget, connecting.trust)
    try:
        with told(target):
            response = send(made, "POST", target, headers, budget, body)
            return Posted(response.status, _beginning(response), response.headers.get("Location", ""))
    finally:
        made.close()


def _beginning(response: urllib3.HTTPResponse) -> bytes:
    """Read how an answer begins, as far as it comes in time: its status has been said by then."""
    read = b""
    # A body that drips, or breaks off, changes nothing about the status.
    with suppress(OSError, OverBudget, urllib3.exceptions.HTTPError, ValueError):
        while len(read) < ANSWER_BYTES:
            piece = response.read(ANSWER_BYTES - len(read), decode_content=False)
            if not piece:
                break
            read += piece
    return read[:ANSWER_BYTES]
