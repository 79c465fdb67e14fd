"""Holding a request's variables to their types, in the words of GitHub's server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    print_ast,
)
from graphql.pyutils import Undefined
from graphql.utilities import type_from_ast


def variable_problems(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: dict[str, Any]
) -> list[dict[str, Any]]:
    """GitHub's words for variables that do not fit their types."""
    problems = []
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        kind = type_from_ast(schema, definition.type)
        value = given.get(name)
        if kind is None or (value is None and definition.default_value is not None):
            continue
        found = [*_coercion_problems(kind, value, []), *_null_lists(value)]
        if found:
            problems.append(_variable_problem(name, print_ast(definition.type), value, found))
    return problems


Problem = tuple[list[Any], str]
NULL = "Expected value to not be null"


def _coercion_problems(kind: GraphQLType, value: Any, path: list[Any]) -> Iterator[Problem]:
    """Where a value does not fit its type, as GitHub's server walks it."""
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            yield path, NULL
            return
        kind = kind.of_type
    if value is None:
        return
    if isinstance(kind, GraphQLList):
        items = value if isinstance(value, list) else [value]
        for at, item in enumerate(items):
            yield from _coercion_problems(kind.of_type, item, [*path, at])
    elif isinstance(kind, GraphQLInputObjectType):
        yield from _object_problems(kind, value, path)
    elif isinstance(kind, GraphQLScalarType | GraphQLEnumType):
        yield from _leaf_problems(kind, value, path)


def _object_problems(
    kind: GraphQLInputObjectType, value: Any, path: list[Any]
) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield path, f"Expected {json.dumps(value)} to be a key-value object."
        return
    for name in value.keys() - kind.fields.keys():
        yield [*path, name], f"Field is not defined on {kind.name}"
    for name, field in kind.fields.items():
        if name in value or field.default_value in {None, Undefined}:
            yield from _coercion_problems(field.type, value.get(name), [*path, name])


def _leaf_problems(
    kind: GraphQLScalarType | GraphQLEnumType, value: Any, path: list[Any]
) -> Iterator[Problem]:
    try:
        kind.parse_value(value)
    except (GraphQLError, TypeError):
        yield path, f"Could not coerce value {json.dumps(value)} to {kind.name}"


def _null_lists(value: Any) -> list[Problem]:
    """GitHub refuses an explicit null where the schema has a list with a default."""
    changes = value.get("fileChanges") if isinstance(value, dict) else None
    if not isinstance(changes, dict):
        return []
    return [
        (["fileChanges", name], "Expected value to not be null")
        for name in ("additions", "deletions")
        if name in changes and changes[name] is None
    ]


def _variable_problem(name: str, kind: str, value: Any, found: list[Problem]) -> dict[str, Any]:
    told = ", ".join(f"{'.'.join(map(str, path)) or name} ({why})" for path, why in found)
    return {
        "message": f"Variable ${name} of type {kind} was provided invalid value for {told}",
        "extensions": {
            "value": value,
            "problems": [{"path": path, "explanation": why} for path, why in found],
        },
    }
