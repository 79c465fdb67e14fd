"""Opening, changing and merging pull requests, for REST and GraphQL alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from astrago_actions.sandbox.github.git_objects import (
    HEADS,
    Commit,
    Signature,
)
from astrago_actions.sandbox.github.hub import Hub
from astrago_actions.sandbox.github.merging import Conflicting, merged_tree
from astrago_actions.sandbox.github.records import Person, PullRequest, Token
from astrago_actions.sandbox.github.repository import GITHUB, Repository

Method = Literal["merge", "squash", "rebase"]


class PullRefusal(Exception):
    """GitHub does not do this to a pull request; `field` is the wrong one, if one is."""

    def __init__(self, message: str, status: int = 422, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.field = field


def open_pull(
    hub: Hub,
    repository: Repository,
    token: Token | None,
    *,
    title: str,
    body: str,
    head: str,
    base: str,
    draft: bool,
) -> PullRequest:
    """A new pull request between two branches of the repository."""
    head = head.removeprefix(f"{repository.owner}:").removeprefix(HEADS)
    base = base.removeprefix(HEADS)
    head_sha, base_sha = _heads(repository, head, base)
    if repository.store.is_ancestor(head_sha, base_sha):
        raise PullRefusal(f"No commits between {base} and {head}")
    for each in repository.pulls.values():
        if (each.head, each.base, each.state) == (head, base, "open"):
            raise PullRefusal(f"A pull request already exists for {repository.owner}:{head}.")
    now = hub.clock.now()
    made = PullRequest(
        id=hub.next_id(),
        number=len(repository.pulls) + 1,
        title=title,
        body=body,
        head=head,
        base=base,
        author=token.login if token else "",
        created_at=now,
        updated_at=now,
        base_sha=base_sha,
        head_sha=head_sha,
        draft=draft,
    )
    return keep(repository, made)


def keep(repository: Repository, pull: PullRequest) -> PullRequest:
    """Store a pull request in place of its earlier self."""
    repository.pulls[pull.number] = pull
    return pull


def change(hub: Hub, repository: Repository, pull: PullRequest, **fields: Any) -> PullRequest:
    """Change some fields of a pull request; closing it notes when."""
    now = hub.clock.now()
    if fields.get("state") == "closed" and pull.state == "open":
        fields["closed_at"] = now
    if fields.get("state") == "open":
        if pull.merged_at is not None:
            raise PullRefusal("Cannot change a merged pull request to open.", field="state")
        fields["closed_at"] = None
    if "base" in fields and repository.head(fields["base"]) is None:
        raise PullRefusal("invalid", field="base")
    return keep(repository, replace(current(repository, pull), updated_at=now, **fields))


def close_for(hub: Hub, repository: Repository, branch: str) -> None:
    """Close the open pull requests of a branch that is gone."""
    for pull in list(repository.pulls.values()):
        if pull.state == "open" and pull.head == branch:
            change(hub, repository, pull, state="closed")


def current(repository: Repository, pull: PullRequest) -> PullRequest:
    """The pull request with the heads that its branches have now; closed ones stay as they were."""
    if pull.state == "closed":
        return pull
    return replace(
        pull,
        head_sha=repository.head(pull.head) or pull.head_sha,
        base_sha=repository.head(pull.base) or pull.base_sha,
    )


def is_mergeable(repository: Repository, pull: PullRequest) -> bool | None:
    """Whether it merges without conflict; None when it is closed."""
    if pull.state == "closed":
        return None
    try:
        _merged(repository, current(repository, pull))
    except Conflicting:
        return False
    return True


def merge(
    hub: Hub,
    repository: Repository,
    pull: PullRequest,
    token: Token | None,
    method: Method,
    *,
    expected: str | None = None,
    headline: str | None = None,
    body: str | None = None,
) -> PullRequest:
    """Merge a pull request into its base branch, past the rules that only bind commits."""
    pull = current(repository, pull)
    if pull.state == "closed" or pull.draft:
        raise PullRefusal("Pull Request is not mergeable", 405)
    if expected is not None and expected != pull.head_sha:
        raise PullRefusal("Head branch was modified. Review and try the merge again.", 409)
    try:
        tree = _merged(repository, pull)
    except Conflicting as error:
        raise PullRefusal("Pull Request is not mergeable", 405) from error
    now = hub.clock.now()
    login = token.login if token else ""
    committer = Signature(GITHUB, int(now))
    if method == "rebase":
        sha = _rebased(repository, pull, committer)
    else:
        who = Signature(Person.of(login), int(now))
        message = _message(repository, pull, method, headline, body)
        parents = [pull.base_sha, *([pull.head_sha] if method == "merge" else [])]
        sha = repository.store.write_commit(tree, parents, message, who, committer)
    repository.move(HEADS + pull.base, pull.base_sha, sha)
    merged = replace(
        pull,
        state="closed",
        merged_at=now,
        closed_at=now,
        updated_at=now,
        merge_sha=sha,
        merged_by=login,
    )
    return keep(repository, merged)


def commits(repository: Repository, pull: PullRequest) -> list[Commit]:
    """The commits that it brings, oldest first."""
    known = repository.store.ancestors(pull.base_sha)
    found = [each for each in repository.store.history(pull.head_sha) if each.sha not in known]
    return found[::-1]


def _heads(repository: Repository, head: str, base: str) -> tuple[str, str]:
    found = {"head": repository.head(head), "base": repository.head(base)}
    for name, sha in found.items():
        if sha is None:
            raise PullRefusal("invalid", field=name)
    return str(found["head"]), str(found["base"])


def _merged(repository: Repository, pull: PullRequest) -> str:
    store = repository.store
    base = store.merge_base(pull.base_sha, pull.head_sha)
    tree = store.commit(base).tree if base else None
    return merged_tree(
        store, tree, store.commit(pull.base_sha).tree, store.commit(pull.head_sha).tree
    )


def _rebased(repository: Repository, pull: PullRequest, committer: Signature) -> str:
    store = repository.store
    tip = pull.base_sha
    for each in commits(repository, pull):
        before = store.commit(each.parents[0]).tree if each.parents else None
        tree = merged_tree(store, before, store.commit(tip).tree, each.tree)
        tip = store.write_commit(tree, [tip], each.message, each.author, committer)
    return tip


def _message(
    repository: Repository,
    pull: PullRequest,
    method: Method,
    headline: str | None,
    body: str | None,
) -> str:
    if method == "squash":
        first = headline or f"{pull.title} (#{pull.number})"
        rest = pull.body if body is None else body
    else:
        first = headline or f"Merge pull request #{pull.number} from {repository.owner}/{pull.head}"
        rest = pull.title if body is None else body
    return f"{first}\n\n{rest}" if rest else first
