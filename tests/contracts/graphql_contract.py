"""Holding GraphQL exchanges to GitHub's schema: the document, its variables, and the data."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    build_ast_schema,
    get_named_type,
    is_enum_type,
    is_list_type,
    is_non_null_type,
    parse,
    validate,
)
from graphql.execution import get_variable_values

from astrago_actions.sandbox.server import Exchange
from tests.contracts.published import GRAPHQL

ERROR_KEYS = frozenset({"type", "path", "locations", "message", "extensions"})


@lru_cache(maxsize=1)
def graphql_schema() -> GraphQLSchema:
    """GitHub's own schema; raises Unavailable."""
    document = parse(GRAPHQL.path().read_text("utf-8"), no_location=True)
    return build_ast_schema(document, assume_valid=True)


def check_graphql(exchange: Exchange) -> None:
    """Raise AssertionError when a GraphQL exchange is not as GitHub's schema has it."""
    problems = list(_problems(exchange))
    assert not problems, "\n".join(problems)


def _problems(exchange: Exchange) -> Iterator[str]:
    if not exchange.request.body or not exchange.response.body:
        return  # the server does not keep long bodies
    sent = exchange.request.json()
    body = exchange.response.body
    answer = json.loads(body) if isinstance(body, bytes) and body.startswith(b"{") else {}
    try:
        document = _document(sent["query"])
    except GraphQLError as error:
        yield from _must_be_refused(answer, str(error))
        return
    wrong = list(_document_problems(sent["query"]))
    wrong = wrong or _variable_problems(document, sent.get("variables") or {})
    faulty = any(fault.kind.startswith("status") for fault in exchange.faults)
    if wrong:
        yield from _must_be_refused(answer, "; ".join(wrong))
    elif not faulty and exchange.response.status == 200:
        yield from _answer_problems(document, sent.get("operationName"), answer)


def _must_be_refused(answer: dict[str, Any], why: str) -> Iterator[str]:
    """A request that GitHub refuses must not have been answered with data."""
    if "data" in answer or not answer.get("errors"):
        yield f"GitHub refuses this request: {why}"


@lru_cache(maxsize=256)
def _document(query: str) -> DocumentNode:
    return parse(query)


@lru_cache(maxsize=256)
def _document_problems(query: str) -> tuple[str, ...]:
    return tuple(error.message for error in validate(graphql_schema(), _document(query)))


def _variable_problems(document: DocumentNode, given: dict[str, Any]) -> list[str]:
    operation = next(
        each for each in document.definitions if isinstance(each, OperationDefinitionNode)
    )
    declared = {each.variable.name.value for each in operation.variable_definitions or ()}
    unknown = [f"variable ${name} is not declared" for name in given.keys() - declared]
    coerced = get_variable_values(graphql_schema(), operation.variable_definitions or (), given)
    if isinstance(coerced, list):
        return [*unknown, *(error.message for error in coerced)]
    return unknown


def _answer_problems(
    document: DocumentNode, name: str | None, answer: dict[str, Any]
) -> Iterator[str]:
    for error in answer.get("errors", []):
        if not error.get("message") or not error.keys() <= ERROR_KEYS:
            yield f"an error has the keys {sorted(error)}"
    operation = next(
        each
        for each in document.definitions
        if isinstance(each, OperationDefinitionNode)
        and (name is None or (each.name and each.name.value == name))
    )
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    root = graphql_schema().get_root_type(operation.operation)
    if answer.get("data") is not None and root is not None:
        failed = {tuple(error.get("path", ())) for error in answer.get("errors", [])}
        walk = _Walk(fragments, failed)
        yield from walk.selected(operation.selection_set, root, answer["data"], ())


class _Walk:
    """Follows the selections of a document through the data that answered it."""

    def __init__(
        self, fragments: dict[str, FragmentDefinitionNode], failed: set[tuple[Any, ...]]
    ) -> None:
        self._fragments = fragments
        self._failed = failed

    def selected(
        self, selections: SelectionSetNode, kind: Any, value: Any, path: tuple[Any, ...]
    ) -> Iterator[str]:
        """What is wrong with the object that answered a selection set."""
        concrete = graphql_schema().type_map.get(value.get("__typename", ""), kind)
        fields = {
            (node.alias or node.name).value: (node, owner)
            for node, owner in self._fields(selections, concrete)
        }
        for extra in value.keys() - fields.keys():
            yield f"{_at(path)} has `{extra}`, which was not asked for"
        for name, (node, owner) in fields.items():
            if name not in value:
                if isinstance(concrete, GraphQLObjectType):
                    yield f"{_at(path)} lacks `{name}`"
            elif node.name.value != "__typename":
                field_type = owner.fields[node.name.value].type
                yield from self._fits(field_type, node, value[name], (*path, name))

    def _fields(self, selections: SelectionSetNode, kind: Any) -> Iterator[tuple[FieldNode, Any]]:
        """The fields that apply, each with the type that has it."""
        for each in selections.selections:
            if isinstance(each, FieldNode):
                yield each, kind
                continue
            fragment = self._fragment(each)
            condition = fragment.type_condition.name.value if fragment.type_condition else ""
            if _applies(condition, kind):
                owner = graphql_schema().type_map[condition] if condition else kind
                yield from self._fields(fragment.selection_set, owner)

    def _fragment(self, selection: SelectionNode) -> FragmentDefinitionNode | InlineFragmentNode:
        if isinstance(selection, FragmentSpreadNode):
            return self._fragments[selection.name.value]
        assert isinstance(selection, InlineFragmentNode)
        return selection

    def _fits(self, kind: Any, node: FieldNode, value: Any, path: tuple[Any, ...]) -> Iterator[str]:
        if value is None:
            if is_non_null_type(kind) and path not in self._failed:
                yield f"{_at(path)} is null, which GitHub never gives"
            return
        inner = kind.of_type if is_non_null_type(kind) else kind
        if is_list_type(inner):
            for at, item in enumerate(value):
                yield from self._fits(inner.of_type, node, item, (*path, at))
        elif node.selection_set is not None:
            yield from self.selected(node.selection_set, get_named_type(inner), value, path)
        else:
            yield from _leaf_problems(inner, value, path)


def _applies(condition: str, kind: Any) -> bool:
    if not condition or condition == kind.name:
        return True
    wanted = graphql_schema().type_map[condition]
    if isinstance(kind, GraphQLObjectType) and isinstance(
        wanted, GraphQLInterfaceType | GraphQLUnionType
    ):
        return graphql_schema().is_sub_type(wanted, kind)
    return isinstance(kind, GraphQLInterfaceType | GraphQLUnionType)


def _leaf_problems(kind: Any, value: Any, path: tuple[Any, ...]) -> Iterator[str]:
    named = get_named_type(kind)
    expected: dict[str, type | tuple[type, ...]] = {
        "Int": int,
        "Boolean": bool,
        "Float": (int, float),
    }
    if is_enum_type(named) and value not in named.values:
        yield f"{_at(path)} is {value!r}, which {named.name} does not have"
    elif not isinstance(value, expected.get(named.name, str)):
        yield f"{_at(path)} is {value!r}, not a {named.name}"


def _at(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path)) or "data"
