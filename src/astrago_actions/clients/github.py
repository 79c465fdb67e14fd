"""The connection to GitHub, and reading what the actions need to know of a repository's history.

PyGithub's defaults are unfit for writing safely: it repeats POST and PUT by itself, so an applied
commit is sent twice and reported as a conflict, and it sleeps a second between writes. Everything
here connects through `connect`, where only reads are repeated and nothing sleeps unasked.
"""

from __future__ import annotations

from typing import Any

from github import Auth, Github, GithubRetry

from astrago_actions import __version__
from astrago_actions.clients.github_errors import explained
from astrago_actions.errors import Unreachable
from astrago_actions.inputs import Secret

TIMEOUT_SECONDS = 15
READ_ATTEMPTS = 4
LONGEST_RATE_LIMIT_WAIT_SECONDS = 60


def connect(token: Secret | None, api_url: str) -> Github:
    """A connection to the REST API at `api_url` and the GraphQL API beside it; sends nothing.

    Reads are repeated after server errors and short rate limits; writes never.
    """
    return Github(
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


def compare(connection: Github, repository: str, base: str, head: str) -> str:
    """How `head` lies to `base`: `identical`, `ahead`, `behind` or `diverged`.

    `ahead` means that `head` contains `base`. Raises NotFound when a commit or the repository
    cannot be seen. Source: REST API, "Compare two commits".
    """
    with explained(f"compare {base[:8]} with {head[:8]}", repository):
        _, found = connection.requester.requestJsonAndCheck(
            "GET", f"/repos/{repository}/compare/{base}...{head}", parameters={"per_page": 1}
        )
    return str(found["status"])


def graphql(connection: Github, query: str, variables: dict[str, Any]) -> dict[str, Any]:
    """Send one GraphQL document and return its `data`; GitHub's refusals stay untranslated.

    Raises Unreachable when the answer is not GraphQL at all, as behind a login page.
    """
    try:
        _, answer = connection.requester.graphql_query(query, variables)
    except TypeError:
        # PyGithub looks for errors in an answer that is empty or null.
        answer = None
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise Unreachable(
            "The address of GitHub's API answers with something else",
            f"{connection.requester.base_url} did not answer a GraphQL query with JSON.",
            "Check GITHUB_API_URL and the runner's proxy; a login page may be in the way.",
        )
    return data
