"""REST: the list of commits, one commit, and how two commits lie to each other."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.differences import Difference, differences
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.github.git_objects import (
    Commit,
    Missing,
)
from astrago_actions.sandbox.github.records import seconds
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
MOST_COMPARED = 250


@ROUTES.add("GET", "/repos/{owner}/{repo}/commits", "contents=read", "commits/commits#list-commits")
def list_commits(call: Call) -> Response:
    """Commits from `sha` backwards, filtered by `path`, `author`, `since` and `until`."""
    query = call.request.query
    store = call.repository.store
    start = store.resolve(query.get("sha") or call.repository.default_branch)
    first, last = _moment(call, "since", 0), _moment(call, "until", float("inf"))
    found = [
        commit
        for commit in store.history(start, query.get("path", ""))
        if first <= commit.committer.at <= last and _by(commit, query.get("author", ""))
    ]
    page, headers = call.page(found)
    shown = [present.commit(call.addresses, call.repository, commit) for commit in page]
    return json_response(200, shown, headers)


@ROUTES.add(
    "GET", "/repos/{owner}/{repo}/commits/{ref*}", "contents=read", "commits/commits#get-a-commit"
)
def get_commit(call: Call) -> Response:
    """One commit with the files that it changed."""
    revision = call.parameters["ref"]
    store = call.repository.store
    try:
        commit = store.commit(store.resolve(revision))
    except Missing as error:
        message = f"No commit found for SHA: {revision}"
        raise Refusal(422, message, call.route.documentation) from error
    base = store.commit(commit.parents[0]).tree if commit.parents else None
    files = _changed_files(call, base, commit)
    shown = present.commit(call.addresses, call.repository, commit)
    total = sum(each["changes"] for each in files)
    added = sum(each["additions"] for each in files)
    stats = {"total": total, "additions": added, "deletions": total - added}
    return json_response(200, {**shown, "stats": stats, "files": files})


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/compare/{basehead*}",
    "contents=read",
    "commits/commits#compare-two-commits",
)
def compare(call: Call) -> Response:
    """How `head` lies to `base`; `commits` are those that only `head` has, oldest first."""
    base_name, dots, head_name = call.parameters["basehead"].partition("...")
    if not dots:
        raise call.not_found()
    store = call.repository.store
    base, head = (store.commit(store.resolve(name)) for name in (base_name, head_name))
    merge_base = store.merge_base(base.sha, head.sha)
    if merge_base is None:
        message = f"No common ancestor between {base_name} and {head_name}."
        raise Refusal(404, message, call.route.documentation)
    below_base, below_head = store.ancestors(base.sha), store.ancestors(head.sha)
    ahead = [each for each in store.history(head.sha) if each.sha not in below_base]
    behind = len(below_base - below_head)
    page, headers = _compared_page(call, list(reversed(ahead)))
    shown = {
        **_compare_links(call, base, head),
        "base_commit": present.commit(call.addresses, call.repository, base),
        "merge_base_commit": present.commit(
            call.addresses, call.repository, store.commit(merge_base)
        ),
        "status": _status(len(ahead), behind),
        "ahead_by": len(ahead),
        "behind_by": behind,
        "total_commits": len(ahead),
        "commits": [present.commit(call.addresses, call.repository, each) for each in page],
        "files": _changed_files(call, store.commit(merge_base).tree, head),
    }
    return json_response(200, shown, headers)


def _compared_page(call: Call, commits: list[Commit]) -> tuple[list[Commit], dict[str, str]]:
    if {"page", "per_page"} & set(call.request.query):
        return call.page(commits)
    return commits[-MOST_COMPARED:], {}


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    if ahead:
        return "ahead"
    return "behind" if behind else "identical"


def _compare_links(call: Call, base: Commit, head: Commit) -> dict[str, str]:
    page = call.addresses.page(call.repository, f"/compare/{call.parameters['basehead']}")
    owner = call.repository.owner
    permanent = f"/compare/{owner}:{base.sha[:7]}...{owner}:{head.sha[:7]}"
    return {
        "url": call.addresses.rest(call.repository, f"/compare/{call.parameters['basehead']}"),
        "html_url": page,
        "permalink_url": call.addresses.page(call.repository, permanent),
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
    }


def _moment(call: Call, name: str, default: float) -> float:
    text = call.request.query.get(name, "")
    if not text:
        return default
    try:
        return seconds(text)
    except ValueError as error:
        raise call.invalid(f"{name} is not a time.") from error


def _by(commit: Commit, author: str) -> bool:
    who = commit.author.person
    return not author or author in {who.name, who.email, who.email.partition("@")[0]}


def _changed_files(call: Call, base: str | None, head: Commit) -> list[dict[str, Any]]:
    """The files that differ between a tree (None: nothing) and a commit."""
    found = differences(call.repository.store, base, head.tree)
    return [_changed_file(call, head.sha, each) for each in found]


def _changed_file(call: Call, sha: str, difference: Difference) -> dict[str, Any]:
    change = difference.change
    path = quote(change.path)
    patch = {"patch": "\n".join(difference.patch)} if difference.patch else {}
    return {
        "sha": change.entry.sha,
        "filename": change.path,
        "status": change.status,
        "additions": difference.added,
        "deletions": difference.removed,
        "changes": difference.added + difference.removed,
        "blob_url": call.addresses.page(call.repository, f"/blob/{sha}/{path}"),
        "raw_url": call.addresses.page(call.repository, f"/raw/{sha}/{path}"),
        "contents_url": call.addresses.rest(call.repository, f"/contents/{path}?ref={sha}"),
        **patch,
    }
