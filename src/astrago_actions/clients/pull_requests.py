"""Pull requests of the deployment repository: one per purpose, updated instead of piled up.

Everything sent from here may be sent twice without harm, or is looked for before it is sent
again, so lost answers are repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from github import UnknownObjectException
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from astrago_actions.clients.github import Connection
from astrago_actions.clients.github_errors import explained_write
from astrago_actions.clients.safe_commit import retry_wait
from astrago_actions.clock import Clock
from astrago_actions.errors import OutcomeUnknown, RateLimited, Unreachable

Answer = TypeVar("Answer")
ATTEMPTS = 5

_AUTO_MERGE = """
mutation($input: EnablePullRequestAutoMergeInput!) {
  enablePullRequestAutoMerge(input: $input) { clientMutationId }
}
"""


@dataclass(frozen=True)
class PullRequest:
    """An open pull request."""

    number: int
    url: str
    node_id: str


class PullRequests:
    """The branches and pull requests that bumps use where direct commits are forbidden."""

    def __init__(self, connection: Connection, repository: str, clock: Clock) -> None:
        self._connection = connection
        self._repository = repository
        self._clock = clock

    def point_branch(self, name: str, sha: str) -> None:
        """Let the branch be at `sha`: made when it is missing, moved wherever it was."""

        def point() -> None:
            if self._exists(name):
                self._send("PATCH", f"git/refs/heads/{name}", {"sha": sha, "force": True})
            else:
                self._send("POST", "git/refs", {"ref": f"refs/heads/{name}", "sha": sha})

        self._repeat(f"set the branch `{name}`", point)

    def delete_branch(self, name: str) -> None:
        """Remove the branch; one that is gone already is fine."""

        def delete() -> None:
            if self._exists(name):
                self._send("DELETE", f"git/refs/heads/{name}", {})

        self._repeat(f"delete the branch `{name}`", delete)

    def is_open(self, head: str, base: str) -> bool:
        """Whether a pull request from `head` to `base` waits to be merged."""
        found = self._repeat("open the pull request", lambda: self._find(head, base))
        return found is not None

    def open_or_update(self, head: str, base: str, title: str, body: str) -> PullRequest:
        """The open pull request from `head` to `base`, with this title and text."""

        def upsert() -> PullRequest:
            found = self._find(head, base)
            text = {"title": title, "body": body}
            if found is None:
                answer = self._send("POST", "pulls", {**text, "head": head, "base": base})
            else:
                answer = self._send("PATCH", f"pulls/{found}", text)
            return PullRequest(answer["number"], answer["html_url"], answer["node_id"])

        return self._repeat("open the pull request", upsert)

    def add_labels(self, pull_request: PullRequest, labels: Sequence[str]) -> None:
        """Add labels; the repository's other labels on it stay."""
        path = f"issues/{pull_request.number}/labels"
        self._repeat(
            "label the pull request", lambda: self._send("POST", path, {"labels": list(labels)})
        )

    def request_reviews(self, pull_request: PullRequest, reviewers: Sequence[str]) -> None:
        """Ask people, or teams written as `org/team`, for a review."""
        body = {
            "reviewers": [name for name in reviewers if "/" not in name],
            "team_reviewers": [name.partition("/")[2] for name in reviewers if "/" in name],
        }
        path = f"pulls/{pull_request.number}/requested_reviewers"
        self._repeat("ask for reviews", lambda: self._send("POST", path, body))

    def merge_when_ready(self, pull_request: PullRequest) -> None:
        """Let GitHub merge it once its checks and reviews allow; raises what GitHub refuses."""
        merge_input = {"pullRequestId": pull_request.node_id, "mergeMethod": "SQUASH"}
        with explained_write("enable auto-merge", self._repository):
            self._connection.graphql(_AUTO_MERGE, {"input": merge_input})

    def _find(self, head: str, base: str) -> int | None:
        owner = self._repository.partition("/")[0]
        parameters = {"head": f"{owner}:{head}", "base": base, "state": "open"}
        found = self._connection.get(self._url("pulls"), parameters)
        return int(found[0]["number"]) if found else None

    def _exists(self, branch: str) -> bool:
        try:
            self._connection.get(self._url(f"git/ref/heads/{branch}"))
        except UnknownObjectException:
            return False
        return True

    def _send(self, verb: str, path: str, body: dict[str, Any]) -> Any:
        return self._connection.send(verb, self._url(path), body)

    def _url(self, path: str) -> str:
        return f"/repos/{self._repository}/{path}"

    def _repeat(self, doing: str, send: Callable[[], Answer]) -> Answer:
        def attempt() -> Answer:
            with explained_write(doing, self._repository):
                return send()

        retrying = Retrying(
            retry=retry_if_exception_type((OutcomeUnknown, Unreachable, RateLimited)),
            wait=lambda state: retry_wait(state, self._clock.now()),
            stop=stop_after_attempt(ATTEMPTS),
            sleep=self._clock.sleep,
            reraise=True,
        )
        return retrying(attempt)
