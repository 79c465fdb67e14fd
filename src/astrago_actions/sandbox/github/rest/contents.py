"""REST: one file or folder, and writing one file if it still is what the writer read."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.github.git_objects import (
    SUBMODULE,
    SYMBOLIC_LINK,
    Entry,
    Missing,
    can_hold_a_file,
)
from astrago_actions.sandbox.github.people import signatures
from astrago_actions.sandbox.github.rules import forbid_workflow_files, rest_rule_refusal
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
LARGEST_IN_JSON = 1024 * 1024
LARGEST_RAW = 100 * 1024 * 1024
RAW = re.compile(r"application/vnd\.github(\.v3|\.[\w-]+)?\.raw(\+json)?")


@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/contents/{path*}",
    "contents=read",
    "repos/contents#get-repository-content",
)
@ROUTES.add(
    "GET",
    "/repos/{owner}/{repo}/contents",
    "contents=read",
    "repos/contents#get-repository-content",
)
def get_contents(call: Call) -> Response:
    """A file with its bytes, or the entries of a folder."""
    revision = call.request.query.get("ref") or call.repository.default_branch
    store = call.repository.store
    try:
        commit = store.commit(store.resolve(revision))
    except Missing as error:
        message = f"No commit found for the ref {revision}"
        raise Refusal(404, message, call.route.documentation) from error
    entry = _followed(call, commit.tree, call.parameters.get("path", ""))
    if entry.kind == "tree":
        return _folder(call, entry, revision)
    shown = present.content(call.addresses, call.repository, entry, revision)
    if entry.mode == SUBMODULE:
        return json_response(200, {**shown, "submodule_git_url": None})
    return _file(call, entry, shown)


@ROUTES.add(
    "PUT",
    "/repos/{owner}/{repo}/contents/{path*}",
    "contents=write",
    "repos/contents#create-or-update-file-contents",
)
def put_contents(call: Call) -> Response:
    """Write one file; `sha` must be the blob that is there now."""
    body = call.body()
    path = call.parameters["path"].strip("/")
    message = call.text(body, "message")
    content = _decoded(call, call.text(body, "content"))
    branch = str(body.get("branch") or call.repository.default_branch).removeprefix("refs/heads/")
    head = call.repository.head(branch)
    if head is None:
        raise Refusal(404, f"Branch {branch} not found", call.route.documentation)
    before = _existing(call, head, path)
    _compare(call, path, before, body.get("sha"))
    forbid_workflow_files(call, [path])
    rest_rule_refusal(call, branch, 409, verb="update file")
    author, committer = signatures(call, body)
    entry = call.repository.regular_entry(path, content)
    commit = call.repository.commit(branch, head, {path: entry}, message, author, committer)
    shown = {
        "content": present.content(call.addresses, call.repository, entry, branch),
        "commit": present.git_commit(call.addresses, call.repository, commit),
    }
    return json_response(200 if before else 201, shown)


def _followed(call: Call, tree: str, path: str) -> Entry:
    """The entry at a path; a symbolic link to a file in the repository is followed."""
    store = call.repository.store
    try:
        entry = store.entry(tree, path)
    except Missing as error:
        raise call.not_found() from error
    if entry.mode != SYMBOLIC_LINK:
        return entry
    target = store.blob(entry.sha).decode("utf-8", "replace")
    try:
        found = store.entry(tree, _beside(entry.path, target))
    except Missing:
        return entry
    return Entry(entry.path, found.mode, found.sha) if found.kind == "blob" else entry


def _beside(path: str, target: str) -> str:
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in {"", "."}:
            parts.append(part)
    return "/".join(parts)


def _folder(call: Call, folder: Entry, revision: str) -> Response:
    prefix = f"{folder.path}/" if folder.path else ""
    entries = [
        Entry(prefix + each.path, each.mode, each.sha)
        for each in call.repository.store.tree(folder.sha)
    ]
    shown = [present.content(call.addresses, call.repository, each, revision) for each in entries]
    return json_response(200, shown)


def _file(call: Call, entry: Entry, shown: dict[str, Any]) -> Response:
    data = call.repository.store.blob(entry.sha)
    if len(data) > LARGEST_RAW:
        raise Refusal(403, "This API returns blobs up to 100 MB in size.", call.route.documentation)
    if RAW.search(call.request.headers.get("accept", "")):
        return Response(200, data, {"Content-Type": "application/vnd.github.raw+json"})
    if entry.mode == SYMBOLIC_LINK:
        return json_response(200, {**shown, "target": data.decode("utf-8", "replace")})
    if len(data) > LARGEST_IN_JSON:
        return json_response(200, {**shown, "content": "", "encoding": "none"})
    encoded = {"content": present.in_base64(data), "encoding": "base64"}
    return json_response(200, {**shown, **encoded})


def _decoded(call: Call, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(422, "content is not valid Base64", call.route.documentation) from error


def _existing(call: Call, head: str, path: str) -> Entry | None:
    if not can_hold_a_file(path):
        message = "path contains a malformed path component"
        raise Refusal(422, message, call.route.documentation)
    store = call.repository.store
    try:
        return store.entry(store.commit(head).tree, path)
    except Missing:
        return None


def _compare(call: Call, path: str, before: Entry | None, sha: object) -> None:
    """GitHub's table: a new path ignores `sha`, an old one wants exactly its blob."""
    if before is None:
        return
    if sha is None:
        raise call.invalid('"sha" wasn\'t supplied.')
    if sha != before.sha:
        raise Refusal(409, f"{path} does not match {sha}", call.route.documentation)
