"""What is asked of the deployment repository: would the bump get through?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from astrago_actions.actions.bump_proposal import Bump, Wish
from astrago_actions.actions.bump_refusals import unread_text
from astrago_actions.actions.preflight_inputs import DeploymentInputs, Inputs
from astrago_actions.actions.questions import Fact, Question, Unanswerable
from astrago_actions.clients.deployment_branch import DeploymentBranch
from astrago_actions.clients.github import Connection, connect
from astrago_actions.clients.repository_access import (
    RepositoryFacts,
    TokenFacts,
    prove_pull_requests,
    prove_writing,
    read_branch_rules,
    read_repository,
    read_token,
)
from astrago_actions.clients.source_history import SourceHistory
from astrago_actions.context import Context
from astrago_actions.domain.branch_rules import BranchRules, direct_commits, needs_pull_request
from astrago_actions.domain.readiness import (
    Answer,
    ok,
    requests_left,
    skipped,
    token_kind,
    validity,
    warned,
)
from astrago_actions.errors import AccessDenied

_AREA = "deployment"
_SECRET = (
    "Set the secret in this repository (Settings > Secrets and variables > Actions); pull requests "
    "from forks get none."
)
_RENEW = "Make a new token in time and store it again in the secret, or use a GitHub App."


def deployment_questions(inputs: Inputs, context: Context) -> Iterator[Question]:
    """The rows about the deployment repository, one of them for each file."""
    if inputs.deployment is None:
        remedy = "Give `deployment-repository` and `deployment-token` as in the pipeline."
        yield Question(_AREA, "repository", lambda: skipped("not asked", remedy))
        return
    asked = _Deployment(inputs.deployment, context)
    yield Question(_AREA, "token", asked.validity)
    yield Question(_AREA, "rate limit", asked.rate_limit)
    yield Question(_AREA, "repository", asked.visible)
    yield Question(_AREA, "branch", asked.branch_is_there)
    yield Question(_AREA, "write", asked.writing)
    yield Question(_AREA, "branch rules", asked.direct_commits)
    if inputs.deployment.mode != "commit":
        yield Question(_AREA, "pull requests", asked.pull_requests)
    wish = inputs.deployment.wish
    if wish is None:
        remedy = "Give `file` and `key` as in the pipeline."
        yield Question(_AREA, "keys", lambda: skipped("not asked", remedy))
        return
    for file, name in _short_names(wish.files).items():
        updates = tuple(each for each in wish.updates if each.file == file)
        yield Question(
            _AREA, f"keys in {name}", partial(asked.keys, replace(wish, updates=updates))
        )


def _short_names(files: Sequence[str]) -> dict[str, str]:
    """Each file by its last name, or by its path where two have the same."""
    names = [file.rpartition("/")[2] for file in files]
    return {
        file: name if names.count(name) == 1 else file
        for file, name in zip(files, names, strict=True)
    }


class _Deployment:
    """The questions, and the facts that they share; nothing is sent before one is asked."""

    def __init__(self, given: DeploymentInputs, context: Context) -> None:
        self._given = given
        self._context = context
        self._token = Fact(self._read_token)
        self._repository = Fact(self._read_repository)
        self._head = Fact(self._read_head)
        self._rules = Fact(self._read_rules)

    def validity(self) -> Answer:
        """Whether GitHub knows the token, and until when."""
        facts = self._token()
        kind = token_kind(self._given.token.reveal() if self._given.token else "")
        left = None if facts.expires_at is None else facts.expires_at - self._context.clock.now()
        return validity(f"GitHub knows this {kind}", left, _RENEW)

    def rate_limit(self) -> Answer:
        """What is left of the token's hour."""
        facts = self._token.needed("the token is not valid")
        wait = facts.reset_at - self._context.clock.now()
        return requests_left(facts.remaining, facts.limit, wait)

    def visible(self) -> Answer:
        """Whether the token can see the repository, and it may be written to at all."""
        self._token.needed("the token is not valid")
        facts = self._repository()
        if facts.archived:
            raise AccessDenied(
                "The repository is archived",
                f"{facts.full_name} is read-only for everybody.",
                "Unarchive it, or deploy from another one.",
            )
        return ok(f"{facts.full_name} can be seen")

    def branch_is_there(self) -> Answer:
        """Whether the branch exists; names the nearest ones when it does not."""
        self._seen()
        return ok(f"`{self._given.branch}` is at {self._head()[:8]}")

    def writing(self) -> Answer:
        """Whether the token may write, proved and not read from a list."""
        self._writable()
        prove_writing(self._connect(), self._given.repository)
        return ok("`contents: write` is there; nothing was changed to find out")

    def direct_commits(self) -> Answer:
        """Whether the branch takes the bump in the mode that is asked for."""
        self._on_branch()
        return direct_commits(self._rules(), self._given.branch, self._given.mode)

    def pull_requests(self) -> Answer:
        """Whether the token may open pull requests, where the bump needs to."""
        self._writable()
        self._on_branch()
        rules = self._rules.needed("the branch's rules could not be read")
        if not needs_pull_request(rules, self._given.mode):
            return skipped("not asked: direct commits are allowed")
        prove_pull_requests(self._connect(), self._given.repository, self._given.branch)
        return ok("`pull_requests: write` is there; none was opened to find out")

    def keys(self, wish: Wish) -> Answer:
        """The bump's own read and edit of one file, without the commit."""
        self._on_branch()
        connection = self._connect()
        bump = Bump(wish, SourceHistory(connection, ""), self._given.branch)
        bump.propose(self._branch().read(wish.files, wish.folders))
        if bump.unread:
            return warned(unread_text(bump.unread), "")
        present = [f"`{each.key}` is {each.previous or 'new'}" for each in bump.edit.changes]
        return ok(", ".join(present) or "the values can be set")

    def _seen(self) -> RepositoryFacts:
        return self._repository.needed("the repository cannot be seen")

    def _on_branch(self) -> None:
        self._seen()
        self._head.needed("the branch is not there")

    def _writable(self) -> None:
        if self._seen().archived:
            raise Unanswerable("the repository is archived")

    def _read_token(self) -> TokenFacts:
        if self._given.token is None:
            raise AccessDenied(
                "`deployment-token` is empty",
                f"Nothing can be asked of {self._given.repository} without it.",
                _SECRET,
            )
        return read_token(self._connect(), self._given.repository)

    def _read_repository(self) -> RepositoryFacts:
        self._token.needed("the token is not valid")
        return read_repository(self._connect(), self._given.repository)

    def _read_head(self) -> str:
        return self._branch().read((), history=1).head

    def _read_rules(self) -> BranchRules:
        return read_branch_rules(self._connect(), self._given.repository, self._given.branch)

    def _branch(self) -> DeploymentBranch:
        return DeploymentBranch(self._connect(), self._given.repository, self._given.branch)

    def _connect(self) -> Connection:
        """A connection for one thread."""
        return connect(self._given.token, self._context.run.api_url)
