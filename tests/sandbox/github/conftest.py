"""A GitHub on loopback for the tests of the sandbox; every exchange is held to the contracts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from github import Auth, Github
from github.Repository import Repository

from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.server import LoopbackServer
from tests.contracts.plugin import github_contract

__all__ = ["github_contract"]

DEPLOYMENT = "xiilab/astrago-deployment"
VALUES = "environments/values.yaml"
TOKEN = "github_pat_writer"
READER = "github_pat_reader"
EVERYTHING = (
    "actions",
    "administration",
    "contents",
    "deployments",
    "issues",
    "metadata",
    "pull_requests",
    "workflows",
)
FILES = {
    VALUES: b'core:\n  imageTag: "core-stage-11111111" # \xec\xbd\x94\xec\x96\xb4\n',
    "README.md": b"# Deployment\n",
    "scripts/apply": b"#!/bin/sh\necho apply\n",
}


@dataclass(frozen=True)
class Api:
    """The server under test, spoken to as a client would."""

    github: GitHub
    server: LoopbackServer

    @property
    def url(self) -> str:
        """Where the REST API is."""
        return f"{self.server.url}/api/v3"

    def call(
        self, method: str, path: str, body: Any = None, token: str = TOKEN, **headers: str
    ) -> requests.Response:
        """One REST request; `path` begins after `/repos/<deployment repository>` or at `/`."""
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        address = path if path.startswith("/") else f"/repos/{DEPLOYMENT}/{path}".rstrip("/")
        return requests.request(
            method,
            self.url + address,
            json=body,
            headers={**authorization, **headers},
            timeout=10,
        )

    def graphql(
        self, query: str, variables: dict[str, Any] | None = None, token: str = TOKEN
    ) -> dict[str, Any]:
        """The answer to one GraphQL request, which is on HTTP 200 whatever it says."""
        response = requests.post(
            f"{self.server.url}/api/graphql",
            json={"query": query, "variables": variables or {}},
            headers={"Authorization": f"bearer {token}"},
            timeout=10,
        )
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = json.loads(response.text)
        return answer

    def client(self, token: str = TOKEN) -> Github:
        """PyGithub, without the waits and repeats of its own."""
        return Github(
            auth=Auth.Token(token),
            base_url=self.url,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
        )

    def repository(self, token: str = TOKEN) -> Repository:
        """PyGithub's view of the deployment repository."""
        return self.client(token).get_repo(DEPLOYMENT)

    def head(self) -> str:
        """The head of the default branch."""
        return self.github.head(DEPLOYMENT, "main")


Serve = Callable[[GitHub], Api]


def filled(github: GitHub) -> GitHub:
    """A GitHub with the deployment repository, a token that may all and one that may read."""
    github.create_repository(DEPLOYMENT, FILES)
    github.add_token(TOKEN, {DEPLOYMENT: dict.fromkeys(EVERYTHING, "write")}, login="deployer")
    github.add_token(READER, {DEPLOYMENT: {"contents": "read"}}, login="reader")
    return github


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve a GitHub until the test is over."""
    servers: list[LoopbackServer] = []

    def start(github: GitHub) -> Api:
        server = LoopbackServer(github).start()
        servers.append(server)
        return Api(github, server)

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def api(serve: Serve) -> Api:
    """The deployment repository in memory."""
    return serve(filled(GitHub()))


@pytest.fixture
def api_on_disk(serve: Serve, tmp_path: Path) -> Iterator[Api]:
    """The deployment repository as a bare repository that git itself can read."""
    github = filled(GitHub(tmp_path / "repositories"))
    yield serve(github)
    github.close()
