"""Holding REST exchanges to GitHub's OpenAPI description.

The description cannot say that a file's path or a branch's name has several parts, its request
schemas allow unknown keys, and it leaves out most refusals: what is checked beyond the schemas
is written here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from jsonschema.exceptions import ValidationError  # type: ignore[import-untyped]
from jsonschema.validators import extend  # type: ignore[import-untyped]
from openapi_schema_validator import OAS30Validator, oas30_format_checker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from astrago_actions.sandbox.server import Exchange
from tests.contracts.published import REST

PREFIX = "/api/v3"
SEVERAL_PARTS = {"path", "ref", "branch", "basehead", "tree_sha", "name"}
UNDOCUMENTED = frozenset({400, 401, 403, 404, 429}) | frozenset(range(500, 600))
_URN = "urn:github"
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def _alternatives(
    validator: Any, schemas: list[Any], value: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`oneOf` as GitHub means it: its alternatives overlap, and `nullable` stands beside them."""
    if value is None and schema.get("nullable"):
        return
    failures = [
        list(validator.descend(value, each, schema_path=at)) for at, each in enumerate(schemas)
    ]
    if all(failures):
        context = [error for errors in failures for error in errors]
        yield ValidationError("fits none of the alternatives", context=context)


def _one_of_the_values(
    _validator: Any, values: list[Any], value: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    """`enum` as GitHub means it: what is `nullable` need not list null."""
    if value not in values and not (value is None and schema.get("nullable")):
        yield ValidationError(f"{value!r} is not one of {values}")


Validator = extend(
    OAS30Validator,
    {"oneOf": _alternatives, "anyOf": _alternatives, "enum": _one_of_the_values},
)


@dataclass(frozen=True)
class Operation:
    """One endpoint of the description; `pointer` leads to it."""

    method: str
    template: str
    pattern: re.Pattern[str]
    described: Mapping[str, Any]

    @property
    def pointer(self) -> str:
        """The JSON pointer of the operation inside the description."""
        return f"/paths/{self.template.replace('~', '~0').replace('/', '~1')}/{self.method}"


class RestContract:
    """GitHub's description of its REST API, ready to check exchanges."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._description = description
        resource = DRAFT4.create_resource(description)
        self._registry: Registry[Any] = Registry().with_resource(_URN, resource)

    def problems(self, exchange: Exchange) -> list[str]:
        """What in the request or its answer is not as GitHub describes it."""
        request = exchange.request
        path = request.path.removeprefix(PREFIX)
        operation = self.operation(request.method, path)
        if operation is None:
            return [f"{request.method} {path} is not an endpoint of GitHub"]
        found = [
            *self._query_problems(operation, exchange),
            *self._body_problems(operation, exchange),
        ]
        if not any(fault.kind.startswith("status") for fault in exchange.faults):
            found += self._answer_problems(operation, exchange)
        return [f"{request.method} {operation.template}: {each}" for each in found]

    def operation(self, method: str, path: str) -> Operation | None:
        """The endpoint that a request means; the one with the most literal parts wins."""
        method = "get" if method == "HEAD" else method.lower()
        for operation in self._operations:
            if operation.method == method and operation.pattern.fullmatch(path):
                return operation
        return None

    @cached_property
    def _operations(self) -> list[Operation]:
        found = [
            Operation(method, template, _pattern(template), described)
            for template, methods in self._description["paths"].items()
            for method, described in methods.items()
            if method in {"get", "post", "put", "patch", "delete"}
        ]
        return sorted(found, key=lambda each: (_looseness(each.template), -len(each.template)))

    def _query_problems(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        parameters = [self._resolved(each) for each in operation.described.get("parameters", [])]
        known = {each["name"]: each for each in parameters if each["in"] == "query"}
        for name, value in exchange.request.query.items():
            if name not in known:
                yield f"the query has `{name}`, which GitHub does not know"
            elif (operation.template.rpartition("/")[2], name) != ("runs", "created"):
                # described as a moment, and in words as a range in GitHub's search syntax
                schema = known[name].get("schema", {})
                yield from self._schema_problems(schema, _typed(schema, value), f"query {name}")

    def _body_problems(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        described = operation.described.get("requestBody")
        body = exchange.request.body
        if described is None:
            if body and json.loads(body):
                yield "the request has a body, and GitHub wants none"
            return
        schema = described["content"]["application/json"]["schema"]
        if not body:
            if described.get("required") and _was_empty(exchange):
                yield "the request has no body, and GitHub wants one"
            return
        if exchange.response.status in {400, 422}:
            return
        value = json.loads(body)
        if isinstance(value, list) and operation.template.endswith("/labels"):
            value = {"labels": value}  # allowed in the description's words, not in its schema
        yield from self._schema_problems(schema, value, "request")
        yield from self._unknown_keys(schema, value, "request")

    def _answer_problems(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        response = exchange.response
        headers = {name.lower(): value for name, value in response.headers.items()}
        if "x-github-request-id" not in headers:
            yield "the answer has no X-GitHub-Request-Id"
        documented = operation.described["responses"].get(str(response.status))
        if documented is None and response.status not in {304, *UNDOCUMENTED}:
            yield f"GitHub does not describe status {response.status} here"
            return
        if exchange.request.method == "HEAD" or "raw" in headers.get("content-type", ""):
            return
        if response.status == 304 or not response.body:
            return  # the server does not keep long bodies
        if response.status >= 400:
            yield from self._error_problems(exchange)
            return
        content = self._resolved(documented or {}).get("content", {})
        if "application/json" not in content:
            if response.body:
                yield f"GitHub describes no body for status {response.status}"
            return
        value = _json_of(exchange)
        schema = content["application/json"].get("schema", {})
        yield from self._schema_problems(schema, value, "answer")
        yield from self._unknown_keys(schema, value, "answer")

    def _error_problems(self, exchange: Exchange) -> Iterator[str]:
        value = _json_of(exchange)
        name = "validation-error" if value.get("errors") else "basic-error"
        schema = {"$ref": f"#/components/schemas/{name}"}
        yield from self._schema_problems(schema, value, "refusal")
        yield from self._unknown_keys(
            {"$ref": "#/components/schemas/basic-error"},
            {key: each for key, each in value.items() if key != "errors"},
            "refusal",
        )
        if not value.get("message"):
            yield "the refusal has no message"

    def _schema_problems(self, schema: Any, value: Any, where: str) -> Iterator[str]:
        absolute = _absolute(schema)
        validator = Validator(
            absolute, registry=self._registry, format_checker=oas30_format_checker
        )
        for error in validator.iter_errors(value):
            best = _deepest(error)
            at = ".".join(str(part) for part in best.absolute_path)
            yield f"{where} {at}: {best.message[:200]}"

    def _unknown_keys(self, schema: Any, value: Any, where: str) -> Iterator[str]:
        """Keys that no alternative of the schema knows; the schemas themselves allow any."""
        alternatives = list(self._alternatives(schema))
        if isinstance(value, list):
            items = [each["items"] for each in alternatives if "items" in each]
            for at, item in enumerate(value):
                yield from self._unknown_keys({"anyOf": items}, item, f"{where}[{at}]")
        elif isinstance(value, dict):
            yield from self._unknown_names(alternatives, value, where)

    def _unknown_names(
        self, alternatives: list[dict[str, Any]], value: dict[str, Any], where: str
    ) -> Iterator[str]:
        closed = [each for each in alternatives if "properties" in each]
        if not closed or any(each.get("additionalProperties") for each in alternatives):
            return
        for name, inner in value.items():
            known = [each["properties"][name] for each in closed if name in each["properties"]]
            if known:
                yield from self._unknown_keys({"anyOf": known}, inner, f"{where}.{name}")
            else:
                yield f"{where} has `{name}`, which GitHub does not know"

    def _alternatives(self, schema: Any) -> Iterator[dict[str, Any]]:
        schema = self._resolved(schema)
        yield schema
        for keyword in ("allOf", "anyOf", "oneOf"):
            for each in schema.get(keyword, []):
                yield from self._alternatives(each)

    def _resolved(self, thing: Any) -> dict[str, Any]:
        while "$ref" in thing:
            found: Any = self._description
            for part in thing["$ref"].removeprefix("#/").split("/"):
                found = found[part.replace("~1", "/").replace("~0", "~")]
            thing = found
        return dict(thing)


@lru_cache(maxsize=1)
def rest_contract() -> RestContract:
    """GitHub's own description; raises Unavailable."""
    return RestContract(json.loads(REST.path().read_bytes()))


def check_rest(exchange: Exchange) -> None:
    """Raise AssertionError when a REST exchange is not as GitHub describes it."""
    problems = rest_contract().problems(exchange)
    assert not problems, "\n".join(problems)


def _pattern(template: str) -> re.Pattern[str]:
    last = _PLACEHOLDER.findall(template)[-1:]
    pieces = re.split(r"(\{\w+\})", template)
    parts = [
        (".*" if each[1:-1] in SEVERAL_PARTS and [each[1:-1]] == last else "[^/]+")
        if each.startswith("{")
        else re.escape(each)
        for each in pieces
        if each
    ]
    pattern = "".join(parts)
    return re.compile(pattern.replace("/contents/.*", "/contents(?:/.*)?"), re.DOTALL)


def _looseness(template: str) -> int:
    return len(_PLACEHOLDER.findall(template)) + (".*" in _pattern(template).pattern)


def _typed(schema: Mapping[str, Any], value: str) -> Any:
    if schema.get("type") == "integer" and value.lstrip("-").isdigit():
        return int(value)
    if schema.get("type") == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _absolute(schema: Any) -> Any:
    """The schema with its references leading into the registered description."""
    if isinstance(schema, dict):
        return {
            name: _URN + value if name == "$ref" and value.startswith("#") else _absolute(value)
            for name, value in schema.items()
        }
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema


def _deepest(error: Any) -> Any:
    """Of alternatives that all fail, the error that got furthest says most."""
    while error.context:
        error = max(error.context, key=lambda each: len(each.absolute_path))
    return error


def _was_empty(exchange: Exchange) -> bool:
    """Whether the request had no body at all; the server does not keep long ones."""
    return exchange.request.headers.get("content-length", "0") == "0"


def _json_of(exchange: Exchange) -> Any:
    body = exchange.response.body
    return json.loads(body if isinstance(body, bytes) else b"null")
