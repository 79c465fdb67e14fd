"""The GraphQL schema that the sandbox serves is a true part of GitHub's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    is_required_argument,
    is_required_input_field,
    is_specified_scalar_type,
)
from graphql.pyutils import Undefined

from astrago_actions.sandbox.github.graphql_api.answer import schema
from tests.contracts.graphql_contract import graphql_schema

OURS = {
    name: kind
    for name, kind in schema().type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(kind)
}


def _default(thing: Any) -> Any:
    return None if thing.default_value is Undefined else thing.default_value


def _argument_differences(ours: Any, theirs: Any) -> Iterator[str]:
    for name, argument in ours.args.items():
        wanted = theirs.args.get(name)
        if wanted is None:
            yield f"argument {name} is not GitHub's"
        elif str(argument.type) != str(wanted.type):
            yield f"argument {name} is {argument.type}, GitHub's is {wanted.type}"
        elif _default(argument) != _default(wanted):
            yield f"argument {name} has another default"
    for name, argument in theirs.args.items():
        if is_required_argument(argument) and name not in ours.args:
            yield f"argument {name} is required at GitHub"


def _field_differences(ours: Any, theirs: Any) -> Iterator[str]:
    for name, field in ours.fields.items():
        wanted = theirs.fields.get(name)
        if wanted is None:
            yield f"{name} is not GitHub's"
        elif str(field.type) != str(wanted.type):
            yield f"{name} is {field.type}, GitHub's is {wanted.type}"
        elif isinstance(ours, GraphQLInputObjectType):
            if _default(field) != _default(wanted):
                yield f"{name} has another default"
        else:
            yield from (f"{name}: {each}" for each in _argument_differences(field, wanted))
    if isinstance(ours, GraphQLInputObjectType):
        for name, field in theirs.fields.items():
            if is_required_input_field(field) and name not in ours.fields:
                yield f"{name} is required at GitHub"


def _differences(name: str, theirs: GraphQLSchema) -> Iterator[str]:
    ours, wanted = OURS[name], theirs.type_map.get(name)
    if wanted is None or type(wanted).__name__ != type(ours).__name__:
        yield f"{name} is not GitHub's"
        return
    if isinstance(ours, GraphQLEnumType):
        yield from (f"value {each}" for each in set(ours.values) - set(wanted.values))  # type: ignore[attr-defined]
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType):
        implemented = {each.name for each in wanted.interfaces}  # type: ignore[attr-defined]
        yield from (
            f"interface {each.name}" for each in ours.interfaces if each.name not in implemented
        )
    if isinstance(ours, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        yield from _field_differences(ours, wanted)


@pytest.mark.usefixtures("contracts")
@pytest.mark.parametrize("name", sorted(OURS))
def test_is_as_at_github(name: str) -> None:
    assert list(_differences(name, graphql_schema())) == []
