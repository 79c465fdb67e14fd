"""REST: refs, commits, trees and blobs, read and written one by one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from dulwich.refs import Ref, check_ref_format

from astrago_actions.sandbox.github import present
from astrago_actions.sandbox.github.calls import Call, Routes
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.github.git_objects import (
    EXECUTABLE,
    FOLDER,
    HEADS,
    REGULAR_FILE,
    SUBMODULE,
    SYMBOLIC_LINK,
    Entry,
    Missing,
    Moved,
    Signature,
    can_hold_a_file,
)
from astrago_actions.sandbox.github.people import person, signatures
from astrago_actions.sandbox.github.pulls import close_for
from astrago_actions.sandbox.github.records import Person
from astrago_actions.sandbox.github.rules import forbid_workflow_files, rest_rule_refusal
from astrago_actions.sandbox.server import Response, json_response

ROUTES = Routes()
MODES = {
    "100644": REGULAR_FILE,
    "100755": EXECUTABLE,
    "120000": SYMBOLIC_LINK,
    "040000": FOLDER,
    "160000": SUBMODULE,
}
MOST_ENTRIES = 100_000
_GIT = "/repos/{owner}/{repo}/git"


@ROUTES.add("GET", _GIT + "/ref/{ref*}", "contents=read", "git/refs#get-a-reference")
def get_ref(call: Call) -> Response:
    """One ref by its full name without `refs/`."""
    name = f"refs/{call.parameters['ref']}"
    sha = call.repository.store.ref(name)
    if sha is None:
        raise call.not_found()
    return json_response(200, _shown_ref(call, name, sha))


@ROUTES.add(
    "GET", _GIT + "/matching-refs/{ref*}", "contents=read", "git/refs#list-matching-references"
)
def list_matching_refs(call: Call) -> Response:
    """Refs whose name begins with the given one."""
    found = call.repository.store.refs(f"refs/{call.parameters['ref']}")
    page, headers = call.page(list(found.items()))
    return json_response(200, [_shown_ref(call, name, sha) for name, sha in page], headers)


@ROUTES.add("POST", _GIT + "/refs", "contents=write", "git/refs#create-a-reference")
def create_ref(call: Call) -> Response:
    """A new branch or tag."""
    body = call.body()
    name, sha = call.text(body, "ref"), call.text(body, "sha")
    if not name.startswith("refs/") or not check_ref_format(Ref(name.encode())):
        raise Refusal(422, f"{name} is not a valid ref name.", call.route.documentation)
    _must_exist(call, sha, name)
    if call.repository.store.ref(name) is not None:
        raise Refusal(422, "Reference already exists", call.route.documentation)
    _move(call, name, None, sha)
    return json_response(201, _shown_ref(call, name, sha))


@ROUTES.add("PATCH", _GIT + "/refs/{ref*}", "contents=write", "git/refs#update-a-reference")
def update_ref(call: Call) -> Response:
    """Move a ref; forwards only, unless forced."""
    body = call.body()
    name, sha = f"refs/{call.parameters['ref']}", call.text(body, "sha")
    before = call.repository.store.ref(name)
    if before is None:
        raise Refusal(422, "Reference does not exist", call.route.documentation)
    _must_exist(call, sha, name)
    if name.startswith(HEADS):
        rest_rule_refusal(call, name.removeprefix(HEADS), 422, verb="update ref")
        if not body.get("force") and not call.repository.store.is_ancestor(before, sha):
            raise Refusal(422, "Update is not a fast forward", call.route.documentation)
    _move(call, name, before, sha)
    return json_response(200, _shown_ref(call, name, sha))


@ROUTES.add("DELETE", _GIT + "/refs/{ref*}", "contents=write", "git/refs#delete-a-reference")
def delete_ref(call: Call) -> Response:
    """Remove a branch or tag."""
    name = f"refs/{call.parameters['ref']}"
    before = call.repository.store.ref(name)
    if before is None:
        raise Refusal(422, "Reference does not exist", call.route.documentation)
    if name == call.repository.store.default_ref():
        raise Refusal(422, "Cannot delete the default branch", call.route.documentation)
    rest_rule_refusal(call, name.removeprefix(HEADS), 422, verb="delete ref")
    _move(call, name, before, None)
    close_for(call.hub, call.repository, name.removeprefix(HEADS))
    return Response(204)


@ROUTES.add("GET", _GIT + "/commits/{sha}", "contents=read", "git/commits#get-a-commit-object")
def get_commit(call: Call) -> Response:
    """One commit object."""
    found = call.repository.store.commit(call.parameters["sha"])
    return json_response(200, present.git_commit(call.addresses, call.repository, found))


@ROUTES.add("POST", _GIT + "/commits", "contents=write", "git/commits#create-a-commit")
def create_commit(call: Call) -> Response:
    """A new commit object; no branch moves."""
    body = call.body()
    message, tree = call.text(body, "message"), call.text(body, "tree")
    parents = call.texts(body, "parents")
    store = call.repository.store
    if not _is(call, tree, "tree"):
        raise Refusal(422, "Tree SHA does not exist", call.route.documentation)
    if not all(_is(call, parent, "commit") for parent in parents):
        message = "Parent SHA does not exist or is not a commit object"
        raise Refusal(422, message, call.route.documentation)
    author, committer = signatures(call, body)
    if not body.get("author") and person(call, body, "committer") is None:
        committer = Signature(Person.of(call.login), author.at)
    sha = store.write_commit(tree, parents, message, author, committer)
    shown = present.git_commit(call.addresses, call.repository, store.commit(sha))
    return json_response(201, shown)


@ROUTES.add("GET", _GIT + "/trees/{sha*}", "contents=read", "git/trees#get-a-tree")
def get_tree(call: Call) -> Response:
    """A folder by its SHA, or that of a commit or branch; `recursive` with any value goes deep."""
    store = call.repository.store
    sha = _tree_of(call, call.parameters["sha"])
    entries = list(store.walk(sha) if "recursive" in call.request.query else store.tree(sha))
    truncated = len(entries) > MOST_ENTRIES
    return json_response(200, _shown_tree(call, sha, entries[:MOST_ENTRIES], truncated=truncated))


@ROUTES.add("POST", _GIT + "/trees", "contents=write", "git/trees#create-a-tree")
def create_tree(call: Call) -> Response:
    """A new tree: `base_tree` with the given entries in it; a null SHA removes one."""
    body = call.body()
    given = body.get("tree")
    if not isinstance(given, list):
        raise call.invalid('"tree" wasn\'t supplied.')
    base = body.get("base_tree")
    if base is not None and not _is(call, base, "tree", "commit"):
        raise Refusal(404, "Not Found", call.route.documentation)
    changes = dict(_tree_change(call, each) for each in given)
    forbid_workflow_files(call, changes)
    store = call.repository.store
    sha = store.write_tree(base and _tree_of(call, base), changes)
    return json_response(201, _shown_tree(call, sha, list(store.tree(sha)), truncated=False))


@ROUTES.add("GET", _GIT + "/blobs/{sha}", "contents=read", "git/blobs#get-a-blob")
def get_blob(call: Call) -> Response:
    """The bytes of a file by its SHA, up to 100 MB."""
    sha = call.parameters["sha"]
    data = call.repository.store.blob(sha)
    if "raw" in call.request.headers.get("accept", ""):
        return Response(200, data, {"Content-Type": "application/vnd.github.raw+json"})
    shown = {
        "sha": sha,
        "node_id": present.node_id("B", sha),
        "size": len(data),
        "url": call.addresses.rest(call.repository, f"/git/blobs/{sha}"),
        "content": present.in_base64(data),
        "encoding": "base64",
    }
    return json_response(200, shown)


@ROUTES.add("POST", _GIT + "/blobs", "contents=write", "git/blobs#create-a-blob")
def create_blob(call: Call) -> Response:
    """A new blob from text or base64."""
    body = call.body()
    content = call.text(body, "content")
    data = content.encode()
    if body.get("encoding") == "base64":
        try:
            data = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refusal(422, "content is not valid Base64", call.route.documentation) from error
    sha = call.repository.store.write_blob(data)
    url = call.addresses.rest(call.repository, f"/git/blobs/{sha}")
    return json_response(201, {"sha": sha, "url": url})


def _shown_ref(call: Call, name: str, sha: str) -> dict[str, Any]:
    kind = call.repository.store.kind(sha)
    return {
        "ref": name,
        "node_id": present.node_id("REF", name),
        "url": call.addresses.rest(call.repository, f"/git/{name}"),
        "object": {
            "sha": sha,
            "type": kind,
            "url": call.addresses.rest(call.repository, f"/git/{kind}s/{sha}"),
        },
    }


def _shown_tree(call: Call, sha: str, entries: list[Entry], *, truncated: bool) -> dict[str, Any]:
    return {
        "sha": sha,
        "url": call.addresses.rest(call.repository, f"/git/trees/{sha}"),
        "tree": [_shown_entry(call, each) for each in entries],
        "truncated": truncated,
    }


def _shown_entry(call: Call, entry: Entry) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "path": entry.path,
        "mode": f"{entry.mode:06o}",
        "type": entry.kind,
        "sha": entry.sha,
    }
    if entry.kind == "blob":
        shown["size"] = len(call.repository.store.blob(entry.sha))
    if entry.kind != "commit":
        path = f"/git/{entry.kind}s/{entry.sha}"
        shown["url"] = call.addresses.rest(call.repository, path)
    return shown


def _is(call: Call, sha: object, *kinds: str) -> bool:
    try:
        return isinstance(sha, str) and call.repository.store.kind(sha) in kinds
    except Missing:
        return False


def _must_exist(call: Call, sha: str, name: str) -> None:
    if not _is(call, sha, "commit", *(() if name.startswith(HEADS) else ("tag", "tree", "blob"))):
        raise Refusal(422, "Object does not exist", call.route.documentation)


def _move(call: Call, name: str, before: str | None, to: str | None) -> None:
    try:
        call.repository.move(name, before, to)
    except Moved as error:
        raise Refusal(422, "Reference cannot be updated", call.route.documentation) from error


def _tree_of(call: Call, revision: str) -> str:
    store = call.repository.store
    if _is(call, revision, "tree"):
        return revision
    return store.commit(store.resolve(revision)).tree


def _tree_change(call: Call, given: object) -> tuple[str, Entry | None]:
    """One entry of the request: bytes inline, the SHA of an object, or null to remove it."""
    if not isinstance(given, Mapping) or not given.get("path"):
        raise Refusal(422, "tree.path cannot be blank", call.route.documentation)
    path = str(given["path"])
    if not can_hold_a_file(path):
        raise Refusal(
            422, "tree.path contains a malformed path component", call.route.documentation
        )
    mode = MODES.get(str(given.get("mode")))
    if mode is None:
        raise Refusal(422, f"tree.mode {given.get('mode')} is invalid", call.route.documentation)
    if isinstance(given.get("content"), str):
        return path, Entry(path, mode, call.repository.store.write_blob(given["content"].encode()))
    sha = given.get("sha")
    if sha is None and "sha" in given:
        return path, None
    if mode != SUBMODULE and not _is(call, sha, "tree" if mode == FOLDER else "blob"):
        raise Refusal(422, f"tree.sha {sha} is not a valid object", call.route.documentation)
    return path, Entry(path, mode, str(sha))
