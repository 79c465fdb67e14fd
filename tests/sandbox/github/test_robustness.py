"""Whatever is sent, the sandbox answers as a server does: with a status, never by falling over."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.github.rest import ROUTES
from astrago_actions.sandbox.server import Request
from tests.sandbox.github.conftest import DEPLOYMENT, TOKEN, VALUES, filled

OWNER, NAME = DEPLOYMENT.split("/")
TELLING = [
    "main",
    "HEAD",
    "refs/heads/main",
    "heads/main",
    VALUES,
    "",
    "..",
    ".git",
    "a//b",
    "\0",
    "\ud800",
    "한글",
    "0" * 40,
    "1",
    "-1",
    "9" * 30,
    "main...main",
    "2026-01-31",
]
KEYS = [
    "author",
    "base",
    "base_tree",
    "body",
    "branch",
    "commit_title",
    "content",
    "date",
    "description",
    "draft",
    "email",
    "encoding",
    "environment",
    "force",
    "head",
    "labels",
    "merge_method",
    "message",
    "mode",
    "name",
    "parents",
    "path",
    "payload",
    "ref",
    "required_contexts",
    "reviewers",
    "sha",
    "state",
    "task",
    "title",
    "tree",
    "type",
]
words = st.sampled_from(TELLING) | st.text(max_size=10)
values = st.recursive(
    words | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=8,
)
bodies = st.dictionaries(st.sampled_from(KEYS), values, max_size=8) | values
queries = st.dictionaries(
    st.sampled_from(["page", "per_page", "ref", "sha", "path", "since", "created", "state"]),
    words,
    max_size=2,
)


@given(data=st.data(), body=bodies, query=queries)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_endpoint_answers_anything(data: Any, body: Any, query: dict[str, str]) -> None:
    github = filled(GitHub())
    _, _, route = data.draw(st.sampled_from(ROUTES.table))

    def drawn(match: re.Match[str]) -> str:
        fixed = {"owner": OWNER, "repo": NAME}
        # a path arrives as UTF-8, so half of a surrogate pair cannot be in it
        sent: str = fixed.get(match[1]) or data.draw(words).encode("utf-8", "replace").decode()
        return sent

    path = re.sub(r"\{(\w+)\*?\}", drawn, route.template)
    sent = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    encoded = b"" if route.method == "GET" else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {TOKEN}", "host": "127.0.0.1"}

    answer = github.respond(Request(route.method, path, sent, headers, encoded))

    assert 200 <= answer.status < 500


@given(query=st.text(max_size=40), variables=values)
@settings(max_examples=100, deadline=None)
def test_graphql_answers_anything(query: str, variables: Any) -> None:
    github = filled(GitHub())
    headers = {"authorization": f"Bearer {TOKEN}", "host": "127.0.0.1"}
    body = json.dumps({"query": query, "variables": variables}).encode()

    answer = github.respond(Request("POST", "/api/graphql", {}, headers, body))

    assert answer.status in {200, 400}
