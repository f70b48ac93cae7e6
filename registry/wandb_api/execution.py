"""One GraphQL request: document, variables, answer. Whatever fails is an error with a sentence, never a crash."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from graphql import ExecutionResult, GraphQLError, execute_sync

from registry.errors import InvalidInput, RegistryError, Unavailable
from registry.http.problems import as_error
from registry.wandb_api import documents, nodes
from registry.wandb_api.context import Context
from registry.wandb_api.fields import resolve, type_of
from registry.wandb_api.mutations import Mutation
from registry.wandb_api.query import Query

# By these names the nodes lead to each other.
__all__ = ["Asked", "nodes", "run"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a body asks for."""

    query: str
    variables: dict[str, Any]
    operation: str | None

    @classmethod
    def of(cls, body: Any) -> Asked:
        """Read a body; there are no lists of several requests."""
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            raise InvalidInput('Send one JSON object with a "query", "variables" and an "operationName".')
        variables, name = body.get("variables"), body.get("operationName")
        if not isinstance(variables, dict | None) or not isinstance(name, str | None):
            raise InvalidInput('"variables" is a JSON object, and "operationName" a text.')
        # The Python half of the client sends "" for none.
        return cls(body["query"], variables or {}, name or None)


def run(context: Context, asked: Asked) -> dict[str, Any]:
    """Answer a request. Unavailable is raised: what passes by itself is asked again by the client."""
    document = documents.read(asked.query)
    if document.node is None or document.errors:
        return {"errors": [{"message": error.message} for error in document.errors]}
    try:
        result = execute_sync(
            documents.SCHEMA,
            document.node,
            root_value=_Root(context),
            context_value=context,
            variable_values=documents.pruned(document.node, asked.operation, asked.variables),
            operation_name=asked.operation,
            field_resolver=resolve,
            type_resolver=type_of,
        )
    except GraphQLError as error:
        return {"errors": [{"message": error.message}]}
    return _answer(result)


class _Root:
    """Both roots: which one a field is of says the operation, and no name is in both."""

    def __init__(self, context: Context) -> None:
        self._roots = (Query(context), Mutation(context))

    def __getattr__(self, name: str) -> Any:
        for root in self._roots:
            if (found := getattr(root, name, None)) is not None:
                return found
        raise AttributeError(name)


def _answer(result: ExecutionResult) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    return {"errors": list(_written(result.errors)), "data": result.data}


def _written(errors: Iterable[GraphQLError]) -> Iterable[dict[str, Any]]:
    for error in errors:
        path = {"path": error.path} if error.path else {}
        if error.original_error is None or isinstance(error.original_error, GraphQLError):
            yield {"message": error.message, **path}
            continue
        known: RegistryError = as_error(error.original_error)
        if isinstance(known, Unavailable):
            raise known
        yield {"message": known.message, "extensions": {"code": known.code, "details": known.details}, **path}
