"""The chain of events: what an event's digest is of, how a link is made, who links on PostgreSQL.

What is written here holds for ever: with another form, what was sealed before would count as changed. A later
field of events must be nullable, and goes into `FIELDS`; null is left out of the digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from registry.models.guards import Editor

FIELDS = (
    "at", "act", "actor_id", "actor_name", "door", "address", "key_prefix", "entity_id", "project_id",
    "collection_id", "version_id", "taken_from_id", "subject", "before", "after",
)  # fmt: skip
# What the first link is made of, where others have the hash of the one before.
GENESIS = bytes(32)
_FORM = b"strongroom event 1\n"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_encode: Callable[[Any], str] = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def digest_of(fields: dict[str, Any]) -> bytes:
    """Return the SHA-256 of an event's content: the same whatever a database did to its numbers and keys."""
    told = {name: _plain(value) for name, value in fields.items() if value is not None}
    return hashlib.sha256(_FORM + _encode(told).encode()).digest()


def link(previous: bytes | None, event_id: int, digest: bytes) -> bytes:
    """Return the hash of a link: of the one before (None at the beginning), the event's id and its digest."""
    return hashlib.sha256((previous or GENESIS) + event_id.to_bytes(8, "big") + digest).digest()


def _plain(value: Any) -> Any:
    """Spell a value as its JSON is read from either database: jsonb keeps numbers as decimals, without a -0."""
    if type(value) is str or type(value) is int:
        return value
    if isinstance(value, float):
        number = Decimal(repr(value)) if isfinite(value) else None
        return int(number) if number is not None and number == number.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key if isinstance(key, str) else _encode(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return (value - _EPOCH) // timedelta(microseconds=1) if isinstance(value, datetime) else value


# At the commit, so that nobody who holds the end of the chain still waits for anything else. In two steps: what is
# deferred is done in the order in which it was asked for, so links of rows that were written after an event would
# be looked at after its trigger, and they wait for whoever locked what they refer to. What a deferred trigger asks
# for comes after all of that. Each statement sees what was committed before it: the last link is read when the
# lock is held (READ COMMITTED, as everywhere here). The number of the lock is "sealed" in ASCII.
_POSTGRESQL = (
    # Nothing stays in it; after a crash it is empty.
    "CREATE UNLOGGED TABLE IF NOT EXISTS registry_eventqueue (event_id bigint PRIMARY KEY, digest bytea NOT NULL)",
    """
CREATE OR REPLACE FUNCTION event_queued() RETURNS trigger LANGUAGE plpgsql AS $queue$
BEGIN
    INSERT INTO registry_eventqueue (event_id, digest) VALUES (NEW.id, NEW.digest);
    RETURN NULL;
END $queue$
""",
    """
CREATE OR REPLACE FUNCTION event_sealed() RETURNS trigger LANGUAGE plpgsql AS $seal$
DECLARE
    last record;
BEGIN
    PERFORM pg_advisory_xact_lock(126879263384932);
    SELECT position, hash INTO last FROM registry_eventseal ORDER BY position DESC LIMIT 1;
    INSERT INTO registry_eventseal (position, event_id, hash) VALUES (
        COALESCE(last.position, 0) + 1,
        NEW.event_id,
        sha256(COALESCE(last.hash, decode(repeat('00', 32), 'hex')) || int8send(NEW.event_id) || NEW.digest)
    );
    DELETE FROM registry_eventqueue WHERE event_id = NEW.event_id;
    RETURN NULL;
END $seal$
""",
    "CREATE CONSTRAINT TRIGGER event_queued AFTER INSERT ON registry_event"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_queued()",
    "CREATE CONSTRAINT TRIGGER event_sealed AFTER INSERT ON registry_eventqueue"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION event_sealed()",
)
TRIGGERS = frozenset({"event_queued", "event_sealed"})


def apply(editor: Editor, vendor: str) -> None:
    """Let PostgreSQL link each event when its transaction commits; on SQLite `services.events` does it."""
    if vendor == "postgresql":
        remove(editor, vendor)
        for statement in _POSTGRESQL:
            editor.execute(statement.strip())


def remove(editor: Editor, vendor: str) -> None:
    """Let nobody link any more."""
    if vendor == "postgresql":
        editor.execute("DROP FUNCTION IF EXISTS event_queued, event_sealed CASCADE")
        editor.execute("DROP TABLE IF EXISTS registry_eventqueue")
