"""Guards: what no constraint can say, the database refuses by triggers, on SQLite and PostgreSQL alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Guard:
    """Refuses one kind of change to one table when `broken` holds; `{differs}` compares also nulls."""

    name: str
    table: str
    on: str
    broken: str
    message: str
    # The migration that made what it looks at: those before set the guards without it.
    since: int = 2


_MANIFEST_CHANGES = (
    "NEW.manifest_id {differs} OLD.manifest_id AND NOT (NEW.manifest_id IS NULL AND NEW.state = 'DELETED')"
)
_CONTENT = ("digest", "size", "file_count", "commit_hash", "committed_at", "sequence_id")
_CONTENT_CHANGES = " OR ".join(f"NEW.{column} {{differs}} OLD.{column}" for column in _CONTENT)
_PLACE_CHANGES = " OR ".join(
    f"NEW.{column} {{differs}} OLD.{column}" for column in ("collection_id", "version_id", "number")
)
_OF_OTHER_COLLECTION = (
    "NEW.collection_id {differs} (SELECT collection_id FROM registry_membership WHERE id = NEW.membership_id)"
)
_LINK_IN_A_SEQUENCE = (
    "NEW.collection_id {differs} (SELECT sequence_id FROM registry_version WHERE id = NEW.version_id)"
    " AND (SELECT kind FROM registry_collection WHERE id = NEW.collection_id) {differs} 'portfolio'"
)
_TYPE_OF_OTHER_PROJECT = (
    "NEW.project_id {differs} (SELECT project_id FROM registry_artifacttype WHERE id = NEW.type_id)"
)
_TAG_OF_OTHER_SEQUENCE = (
    "NEW.sequence_id {differs} (SELECT sequence_id FROM registry_version WHERE id = NEW.version_id)"
)
# Content belongs to an entity: whoever could point at another's manifest could read its bytes.
_MANIFEST_OF_OTHER_ENTITY = (
    "NEW.manifest_id IS NOT NULL AND (SELECT scope_id FROM registry_manifest WHERE id = NEW.manifest_id) {differs}"
    " (SELECT project.entity_id FROM registry_collection place JOIN registry_project project"
    " ON project.id = place.project_id WHERE place.id = NEW.sequence_id)"
)

GUARDS = (
    Guard("event_not_changed", "registry_event", "UPDATE", "1 = 1", "Events are append-only."),
    Guard("event_not_deleted", "registry_event", "DELETE", "1 = 1", "Events are append-only."),
    Guard(
        "event_seal_not_changed", "registry_eventseal", "UPDATE", "1 = 1", "Events are append-only.", since=17
    ),
    Guard(
        "event_seal_not_deleted", "registry_eventseal", "DELETE", "1 = 1", "Events are append-only.", since=17
    ),
    Guard(
        "event_seal_follows_the_last",
        "registry_eventseal",
        "INSERT",
        "NEW.position {differs} (SELECT COALESCE(MAX(position), 0) + 1 FROM registry_eventseal)",
        "The chain of events has no gaps.",
        since=17,
    ),
    Guard(
        "alias_move_not_changed",
        "registry_aliasmove",
        "UPDATE",
        "1 = 1",
        "The history of aliases is append-only.",
        since=30,
    ),
    Guard(
        "alias_move_not_deleted",
        "registry_aliasmove",
        "DELETE",
        "1 = 1",
        "The history of aliases is append-only.",
        since=30,
    ),
    Guard(
        "alias_set_in_own_collection",
        "registry_alias",
        "INSERT",
        _OF_OTHER_COLLECTION,
        "An alias is held by a version of its own collection.",
    ),
    Guard(
        "alias_moved_in_own_collection",
        "registry_alias",
        "UPDATE",
        _OF_OTHER_COLLECTION,
        "An alias is held by a version of its own collection.",
    ),
    Guard(
        "version_content_not_changed",
        "registry_version",
        "UPDATE",
        f"OLD.committed_at IS NOT NULL AND (NEW.state = 'PENDING' OR {_CONTENT_CHANGES} OR {_MANIFEST_CHANGES})",
        "The content of a committed version does not change.",
    ),
    Guard(
        "membership_not_changed",
        "registry_membership",
        "UPDATE",
        _PLACE_CHANGES,
        "The place and number of a version do not change.",
    ),
    Guard(
        "version_logged_to_a_sequence",
        "registry_version",
        "INSERT",
        "(SELECT kind FROM registry_collection WHERE id = NEW.sequence_id) = 'portfolio'",
        "Versions are logged to sequences; a portfolio takes links.",
    ),
    Guard(
        "version_set_with_own_content",
        "registry_version",
        "INSERT",
        _MANIFEST_OF_OTHER_ENTITY,
        "The content of a version is of its own entity.",
    ),
    Guard(
        "version_given_own_content",
        "registry_version",
        "UPDATE",
        f"NEW.manifest_id {{differs}} OLD.manifest_id AND {_MANIFEST_OF_OTHER_ENTITY}",
        "The content of a version is of its own entity.",
    ),
    Guard(
        "collection_set_in_own_project",
        "registry_collection",
        "INSERT",
        _TYPE_OF_OTHER_PROJECT,
        "The type of a collection is one of its own project.",
    ),
    Guard(
        "collection_moved_in_own_project",
        "registry_collection",
        "UPDATE",
        "(NEW.type_id {differs} OLD.type_id OR NEW.project_id {differs} OLD.project_id)"
        f" AND {_TYPE_OF_OTHER_PROJECT}",
        "The type of a collection is one of its own project.",
    ),
    Guard(
        "numbers_not_given_again",
        "registry_collection",
        "UPDATE",
        "NEW.next_number < OLD.next_number",
        "A version number is never given twice.",
    ),
    Guard(
        "version_tag_set_in_own_sequence",
        "registry_versiontag",
        "INSERT",
        _TAG_OF_OTHER_SEQUENCE,
        "A tag is kept with the sequence of its version.",
        since=8,
    ),
    Guard(
        "version_tag_moved_in_own_sequence",
        "registry_versiontag",
        "UPDATE",
        _TAG_OF_OTHER_SEQUENCE,
        "A tag is kept with the sequence of its version.",
        since=8,
    ),
    Guard(
        "link_stands_in_a_portfolio",
        "registry_membership",
        "INSERT",
        _LINK_IN_A_SEQUENCE,
        "Links stand in portfolios; a sequence takes what is logged to it.",
        since=27,
    ),
)

_SQLITE = """
CREATE TRIGGER {name} BEFORE {on} ON {table} FOR EACH ROW WHEN {broken}
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""
# The condition stands in the function: PostgreSQL takes no sub-query in WHEN. The code is that of a broken
# check constraint, so that both databases raise IntegrityError.
_FUNCTION = """
CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $guard$
BEGIN
    IF {broken} THEN
        RAISE EXCEPTION '{message}' USING ERRCODE = 'check_violation', CONSTRAINT = '{name}';
    END IF;
    RETURN {row};
END $guard$
"""
_TRIGGER = "CREATE TRIGGER {name} BEFORE {on} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"


class Editor(Protocol):
    """What runs SQL: the schema editor of a migration, or a cursor."""

    def execute(self, sql: str, /) -> object: ...


def create_statements(vendor: str, known: int | None = None) -> list[str]:
    """Return the SQL that sets all guards, or those that the migration of this number knows."""
    wanted = [guard for guard in GUARDS if known is None or guard.since <= known]
    if vendor == "sqlite":
        return [_fill(_SQLITE, guard, "IS NOT") for guard in wanted]
    return [_fill(text, guard, "IS DISTINCT FROM") for guard in wanted for text in (_FUNCTION, _TRIGGER)]


def drop_statements(vendor: str) -> list[str]:
    """Return the SQL that removes all guards, whether they are there or not."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {guard.name}" for guard in GUARDS]
    return [f"DROP FUNCTION IF EXISTS {guard.name} CASCADE" for guard in GUARDS]


def apply(editor: Editor, vendor: str, known: int | None = None) -> None:
    """Set all guards, anew where they are there; a migration gives its number, for it may know fewer.

    On SQLite, Django alters a table by making it anew, which loses its triggers: a migration that alters one
    of these tables begins with `remove` and ends with `apply`.
    """
    for statement in [*drop_statements(vendor), *create_statements(vendor, known)]:
        editor.execute(statement)


def remove(editor: Editor, vendor: str) -> None:
    """Remove all guards."""
    for statement in drop_statements(vendor):
        editor.execute(statement)


def _fill(text: str, guard: Guard, differs: str) -> str:
    return text.format(
        name=guard.name,
        on=guard.on,
        table=guard.table,
        broken=guard.broken.format(differs=differs),
        message=guard.message,
        row="OLD" if guard.on == "DELETE" else "NEW",
    ).strip()
