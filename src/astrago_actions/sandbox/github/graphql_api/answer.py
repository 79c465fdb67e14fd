"""Answering a GraphQL request: parse, validate, coerce variables, execute, word the errors."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from functools import lru_cache
from importlib import resources
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    execute_sync,
    parse,
    validate,
)

from astrago_actions.sandbox.github import access
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.github.graphql_api.errors import GraphQLRefusal
from astrago_actions.sandbox.github.graphql_api.mutations import mutation_root
from astrago_actions.sandbox.github.graphql_api.nodes import (
    QueryRoot,
)
from astrago_actions.sandbox.github.graphql_api.variables import variable_problems
from astrago_actions.sandbox.github.graphql_api.viewer import (
    Viewer,
)
from astrago_actions.sandbox.server import Request, Response, json_response

_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")
_OID = re.compile(r"[0-9a-fA-F]{40}")
_schema_lock = threading.Lock()


def respond(request: Request, viewer: Viewer) -> Response:
    """The answer to one request; refusals of fields are on HTTP 200, as GitHub gives them."""
    try:
        body = request.json()
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON", "https://docs.github.com/graphql") from error
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        message = "A query attribute must be specified and must be a string."
        return json_response(200, {"errors": [{"message": message}]})
    answer = _answer(body["query"], body.get("variables") or {}, body.get("operationName"), viewer)
    headers = {"X-GitHub-Media-Type": "github.v4; format=json"}
    if any((each.get("extensions") or {}).get("saml_failure") for each in answer.get("errors", [])):
        headers |= access.sso_header(viewer.addresses.host, "organization")
    return json_response(200, answer, headers)


def _answer(query: str, variables: object, name: object, viewer: Viewer) -> dict[str, Any]:
    document, errors = _document(query)
    if document is None or errors:
        return {"errors": [_formatted(each) for each in errors]}
    given = variables if isinstance(variables, dict) else {}
    operation = _operation(document, name)
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}
    problems = variable_problems(schema(), operation, given)
    if problems:
        return {"errors": problems}
    is_query = operation.operation.value == "query"
    if not is_query:
        viewer.hub.must_not_hurry(viewer.token)
    root = QueryRoot(viewer) if is_query else mutation_root(viewer)
    result = execute_sync(
        schema(),
        document,
        root_value=root,
        variable_values=given,
        operation_name=operation.name.value if operation.name else None,
        field_resolver=_resolve,
        type_resolver=lambda node, _info, _type: node.typename,
    )
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [_formatted(each) for each in result.errors]
    return answer


@lru_cache(maxsize=1)
def _build() -> GraphQLSchema:
    text = resources.files(__package__).joinpath("schema.graphql").read_text("utf-8")
    built = build_schema(text, assume_valid=True)
    _check_scalar(built, "GitObjectID", lambda value: bool(_OID.fullmatch(value)))
    _check_scalar(built, "Base64String", _is_base64)
    return built


def schema() -> GraphQLSchema:
    """The schema, built on first use."""
    with _schema_lock:
        return _build()


def _check_scalar(built: GraphQLSchema, name: str, fits: Any) -> None:
    """GitHub checks these scalars; in the schema they are opaque."""

    def parsed(value: Any) -> Any:
        if not isinstance(value, str) or not fits(value):
            raise GraphQLError(f'Could not coerce value "{value}" to {name}')
        return value

    def parsed_literal(node: Any, _variables: Any = None) -> Any:
        return parsed(getattr(node, "value", None))

    scalar = built.type_map[name]
    if isinstance(scalar, GraphQLScalarType):
        vars(scalar).update(parse_value=parsed, parse_literal=parsed_literal)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


@lru_cache(maxsize=256)
def _document(query: str) -> tuple[DocumentNode | None, tuple[GraphQLError, ...]]:
    """The parsed query, or what is wrong with it; the same few queries come again and again."""
    try:
        document = parse(query)
    except GraphQLError as error:
        return None, (error,)
    return document, tuple(validate(schema(), document))


def _operation(document: DocumentNode, name: object) -> OperationDefinitionNode | None:
    found = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    if name:
        found = [each for each in found if each.name and each.name.value == name]
    return found[0] if len(found) == 1 else None


def _formatted(error: GraphQLError) -> dict[str, Any]:
    """The error as GitHub writes it: `type` first and beside `path`."""
    original = error.original_error if error.original_error is not None else error
    kind = {"type": original.kind} if isinstance(original, GraphQLRefusal) else {}
    formatted = dict(error.formatted)
    shown: dict[str, Any] = {**kind}
    for name in ("path", "extensions", "locations", "message"):
        if formatted.get(name):
            shown[name] = formatted[name]
    return shown


def _resolve(source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
    """A field is a key of a dictionary, or an attribute or method in snake case."""
    if isinstance(source, dict):
        found = source.get(info.field_name)
    else:
        found = getattr(source, _snake(info.field_name))
    if not callable(found):
        return found
    return found(**{_snake(name): value for name, value in arguments.items()})


@lru_cache(maxsize=1024)
def _snake(name: str) -> str:
    return _CAPITAL.sub("_", name).lower()
