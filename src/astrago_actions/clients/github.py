"""The connection to GitHub, and reading what the actions need to know of a repository's history.

PyGithub's defaults are unfit for writing safely: it repeats POST and PUT by itself, so an applied
commit is sent twice and reported as a conflict, and it sleeps a second between writes. Everything
here connects through `connect`, where only reads are repeated and nothing sleeps unasked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from github import Auth, Github, GithubRetry

from astrago_actions import __version__
from astrago_actions.clients.github_errors import explained
from astrago_actions.errors import ActionError, Unreachable
from astrago_actions.inputs import Secret

TIMEOUT_SECONDS = 15
READ_ATTEMPTS = 4
LONGEST_RATE_LIMIT_WAIT_SECONDS = 60


@dataclass(frozen=True)
class ComparedCommit:
    """A commit of a comparison: its subject, its author's name and its page."""

    sha: str
    subject: str
    author: str
    url: str


@dataclass(frozen=True)
class Comparison:
    """How a head lies to a base: `identical`, `ahead` (contains it), `behind` or `diverged`.

    `commits` are the newest of those that only the head has, oldest first; `total` counts them all.
    """

    relation: str
    commits: tuple[ComparedCommit, ...] = ()
    total: int = 0
    url: str = ""


class Connection:
    """One token's way to GitHub; `requests` counts what was sent, repeated reads once.

    GitHub's refusals are PyGithub's exceptions here: `github_errors.explained` translates them.
    """

    def __init__(self, github: Github) -> None:
        self._requester = github.requester
        self.requests = 0

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """The JSON at a path of the REST API."""
        return self.get_with_headers(path, parameters)[1]

    def get_with_headers(
        self, path: str, parameters: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], Any]:
        """The same beside the answer's headers."""
        self.requests += 1
        headers, answer = self._requester.requestJsonAndCheck(
            "GET", path, parameters=dict(parameters or {})
        )
        return headers, answer

    def send(self, verb: str, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON that a change through the REST API answers with.

        Raises ActionError for a repository that was renamed: GitHub sends a change of it elsewhere
        (307), which PyGithub does not follow and takes for an answer. Source: REST API, "Follow
        redirects".
        """
        self.requests += 1
        headers, answer = self._requester.requestJsonAndCheck(verb, path, input=dict(body))
        if "location" in headers and isinstance(answer, dict) and "message" in answer:
            raise _renamed(path)
        return answer

    def graphql(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        """The `data` of a GraphQL document.

        Raises Unreachable when the answer is not GraphQL at all, as behind a login page.
        """
        self.requests += 1
        try:
            _, answer = self._requester.graphql_query(query, variables)
        except TypeError:
            # PyGithub looks for errors in an answer that is empty or null.
            answer = None
        data = answer.get("data") if isinstance(answer, dict) else None
        if not isinstance(data, dict):
            raise Unreachable(
                "The address of GitHub's API answers with something else",
                f"{self._requester.base_url} did not answer a GraphQL query with JSON.",
                "Check GITHUB_API_URL and the runner's proxy; a login page may be in the way.",
            )
        return data


def _renamed(path: str) -> ActionError:
    repository = "/".join(path.split("/")[2:4])
    return ActionError(
        "The repository has another name now",
        f"{repository} was renamed or moved: GitHub still finds it for reading, and takes no "
        "changes under the old name.",
        "Give the name that GitHub shows on the repository's page.",
    )


def connect(token: Secret | None, api_url: str) -> Connection:
    """A connection to the REST API at `api_url` and the GraphQL API beside it; sends nothing.

    Reads are repeated after server errors and short rate limits; writes never.
    """
    github = Github(
        auth=Auth.Token(token.reveal()) if token else None,
        base_url=api_url,
        timeout=TIMEOUT_SECONDS,
        user_agent=f"astrago-actions/{__version__}",
        per_page=100,
        lazy=True,
        seconds_between_requests=None,
        seconds_between_writes=None,
        retry=GithubRetry(
            total=READ_ATTEMPTS,
            backoff_factor=0.5,
            allowed_methods={"GET", "HEAD"},
            secondary_rate_wait=5,
            max_rate_limit_wait=LONGEST_RATE_LIMIT_WAIT_SECONDS,
        ),
    )
    return Connection(github)


def relation(connection: Connection, repository: str, base: str, head: str) -> str:
    """How `head` lies to `base`: `identical`, `ahead`, `behind` or `diverged`.

    `ahead` means that `head` contains `base`. Raises NotFound when a commit or the repository
    cannot be seen. Source: REST API, "Compare two commits".
    """
    return str(_compared(connection, repository, base, head, {"per_page": 1})["status"])


def compare(connection: Connection, repository: str, base: str, head: str) -> Comparison:
    """The same, with the commits that only `head` has (the newest 250). Raises NotFound."""
    found = _compared(connection, repository, base, head, {})
    commits = tuple(_compared_commit(each) for each in found["commits"])
    return Comparison(
        relation=found["status"],
        commits=commits,
        total=int(found["total_commits"]),
        url=found["html_url"],
    )


def _compared(
    connection: Connection, repository: str, base: str, head: str, parameters: Mapping[str, Any]
) -> dict[str, Any]:
    path = f"/repos/{repository}/compare/{base}...{head}"
    with explained(f"compare {base[:8]} with {head[:8]}", repository):
        found: dict[str, Any] = connection.get(path, parameters)
    return found


def _compared_commit(found: Mapping[str, Any]) -> ComparedCommit:
    commit = found["commit"]
    return ComparedCommit(
        sha=found["sha"],
        subject=commit["message"].partition("\n")[0],
        author=(commit["author"] or {}).get("name", ""),
        url=found["html_url"],
    )
