"""Documents: read, limited and validated once each, for a client that sends the same ones again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    build_schema,
    parse,
    type_from_ast,
    validate,
)

SCHEMA = build_schema((Path(__file__).parent / "schema.graphql").read_text())
MOST_CHARACTERS = 64 * 1024
MOST_TOKENS, MOST_DEPTH, MOST_ALIASES = 5000, 15, 50
# Beyond this many fields (each fragment counted where it is used), a document is no work of the client's.
MOST_FIELDS = 2000


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the client, or what is wrong with it."""

    node: DocumentNode | None
    errors: tuple[GraphQLError, ...] = ()


@lru_cache(maxsize=512)
def read(query: str) -> Document:
    """Parse and validate a document."""
    if len(query) > MOST_CHARACTERS:
        return _refused(f"The document has more than {MOST_CHARACTERS} characters.")
    try:
        node = parse(query, max_tokens=MOST_TOKENS, no_location=True)
    except GraphQLError as error:
        return Document(None, (error,))
    except RecursionError:
        return _refused("The document is nested too deep.")
    # Before validation, which compares each field with each other one.
    try:
        _limit(node)
    except GraphQLError as error:
        return Document(None, (error,))
    return Document(node, tuple(validate(SCHEMA, node, max_errors=5)))


def _refused(message: str) -> Document:
    return Document(None, (GraphQLError(message),))


def _limit(document: DocumentNode) -> None:
    fragments = {
        found.name.value: found for found in document.definitions if isinstance(found, FragmentDefinitionNode)
    }
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            count = _Count(fragments)
            count.walk(definition.selection_set, 1, ())


class _Count:
    """How deep an operation is, and how many fields and aliases it has, with its fragments in place."""

    def __init__(self, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._fields = self._aliases = 0

    def walk(self, selections: SelectionSetNode | None, depth: int, inside: tuple[str, ...]) -> None:
        if selections is None:
            return
        if depth > MOST_DEPTH:
            raise GraphQLError(f"The document is nested deeper than {MOST_DEPTH} levels.")
        for found in selections.selections:
            self._count()
            if isinstance(found, FieldNode):
                self._take(found)
                self.walk(found.selection_set, depth + 1, inside)
            elif isinstance(found, InlineFragmentNode):
                self.walk(found.selection_set, depth, (*inside, ""))
            elif isinstance(found, FragmentSpreadNode):
                self._spread(found.name.value, depth, inside)

    def _spread(self, name: str, depth: int, inside: tuple[str, ...]) -> None:
        if name in inside or len(inside) > MOST_DEPTH:
            raise GraphQLError("The fragments of the document contain each other.")
        if name in self._fragments:
            self.walk(self._fragments[name].selection_set, depth, (*inside, name))

    def _count(self) -> None:
        self._fields += 1
        if self._fields > MOST_FIELDS:
            raise GraphQLError(f"The document has more than {MOST_FIELDS} fields.")

    def _take(self, field: FieldNode) -> None:
        if field.name.value in ("__schema", "__type"):
            raise GraphQLError("This server does not describe its schema; docs/wandb.md says what works.")
        self._aliases += field.alias is not None
        if self._aliases > MOST_ALIASES:
            raise GraphQLError(f"The document has more than {MOST_ALIASES} aliases.")


def pruned(document: DocumentNode, operation: str | None, variables: dict[str, Any]) -> dict[str, Any]:
    """Leave out of the variables what is null and unknown here: the client sends every field that it knows of."""
    kept = dict(variables)
    for definition in _operations(document, operation):
        for variable in definition.variable_definitions or ():
            name = variable.variable.name.value
            if name in kept:
                kind = type_from_ast(SCHEMA, variable.type)
                kept[name] = _known(kept[name], kind)
    return kept


def _operations(document: DocumentNode, operation: str | None) -> Iterator[OperationDefinitionNode]:
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode) and (
            operation is None or (definition.name is not None and definition.name.value == operation)
        ):
            yield definition


def _known(value: Any, kind: Any) -> Any:
    while isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if isinstance(kind, GraphQLList) and isinstance(value, list):
        return [_known(item, kind.of_type) for item in value]
    if isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        return {
            key: _known(item, kind.fields[key].type) if key in kind.fields else item
            for key, item in value.items()
            if item is not None or key in kind.fields
        }
    return value


__all__ = ["SCHEMA", "Document", "pruned", "read"]
