"""Clone, fetch and push over HTTP: GitHub's checks, then git's own `git http-backend`."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from astrago_actions.sandbox.github import access
from astrago_actions.sandbox.github.errors import Refusal
from astrago_actions.sandbox.github.git_objects import (
    HEADS,
    Missing,
)
from astrago_actions.sandbox.github.hub import Hub
from astrago_actions.sandbox.github.records import Rule, Token
from astrago_actions.sandbox.github.repository import Repository
from astrago_actions.sandbox.github.rules import CLASSIC, RULESETS
from astrago_actions.sandbox.server import Request, Response

TIMEOUT_SECONDS = 300
_PATH = re.compile(
    r"/(?P<name>[^/]+/[^/]+?)(?:\.git)?/(?P<what>info/refs|git-upload-pack|git-receive-pack|HEAD|objects/.*)"
)


@dataclass(frozen=True)
class Command:
    """One line of a push: move `ref` from `old` to `new`."""

    old: str
    new: str
    ref: str


def matches(path: str) -> bool:
    """Whether a path belongs to git's HTTP protocol."""
    return _PATH.fullmatch(path) is not None


def respond(hub: Hub, request: Request) -> Response:
    """The answer to one request of git's; listeners are told of pushed branches by the caller."""
    match = _PATH.fullmatch(request.path)
    if match is None:
        return _plain(404, "Not Found")
    writes = "git-receive-pack" in {match["what"], request.query.get("service")}
    try:
        token = access.authenticate(hub, request.headers)
        repository = access.visible(hub, token, match["name"])
    except Refusal:
        return _unauthorised("Invalid username or token.")
    except Missing:
        credential = access.credential(request.headers)
        return _plain(404, "Repository not found.") if credential else _unauthorised()
    refused = _refused(token, repository, writes=writes)
    if refused is not None:
        return refused
    if repository.store.folder is None:
        return _plain(501, "This repository is in memory; git needs one on disk.")
    if match["what"] == "git-receive-pack":
        return _receive(repository, token, request, match["what"])
    return _backend(repository, token, request, match["what"])


def _refused(token: Token | None, repository: Repository, *, writes: bool) -> Response | None:
    permission = "contents=write" if writes else "contents=read"
    if token is None and (writes or repository.private):
        return _unauthorised()
    if token and token.sso_required:
        return _plain(403, f"The '{repository.owner}' organization has enabled SAML SSO.")
    if not access.may(token, repository, permission):
        login = token.login if token else "anonymous"
        return _plain(403, f"Permission to {repository.full_name}.git denied to {login}.")
    if writes and repository.archived:
        return _plain(403, "This repository was archived so it is read-only.")
    return None


def _receive(repository: Repository, token: Token | None, request: Request, what: str) -> Response:
    """A push: nobody else writes between git's check of the old heads and the new ones."""
    with repository.store.lock:
        commands = list(_commands(_unpacked(request)))
        refusals = _rule_refusals(repository, token, commands)
        if refusals:
            return _declined(refusals, commands)
        before = repository.branches()
        response = _backend(repository, token, request, what)
        for branch, sha in repository.branches().items():
            if before.get(branch) != sha:
                repository.moved.append((branch, sha))
    return response


def _unpacked(request: Request) -> bytes:
    if request.headers.get("content-encoding") not in {"gzip", "x-gzip"}:
        return request.body
    try:
        return gzip.decompress(request.body)
    except (OSError, EOFError, zlib.error):
        return b""


def _commands(body: bytes) -> Iterator[Command]:
    """The ref updates at the head of a push. Source: gitprotocol-pack(5), "Reference Update"."""
    position = 0
    while (length := _length(body, position)) > 4:
        line = body[position + 4 : position + length].partition(b"\0")[0].decode("utf-8", "replace")
        parts = line.rstrip("\n").split(" ", 2)
        if len(parts) == 3:
            yield Command(*parts)
        position += length


def _length(body: bytes, position: int) -> int:
    try:
        return int(body[position : position + 4] or b"0", 16)
    except ValueError:
        return 0


def _rule_refusals(
    repository: Repository, token: Token | None, commands: list[Command]
) -> dict[str, Rule]:
    found = {}
    for command in commands:
        branch = command.ref.removeprefix(HEADS)
        rule = repository.rule_against(branch, token) if command.ref.startswith(HEADS) else None
        if rule is not None:
            found[command.ref] = rule.rule
    return found


def _declined(refusals: dict[str, Rule], commands: list[Command]) -> Response:
    """Git's report of a push of which nothing was taken. Source: gitprotocol-pack(5)."""
    lines = [line for ref, rule in refusals.items() for line in _told(ref, rule)]
    report = [b"unpack ok\n"]
    for command in commands:
        why = _reason(refusals.get(command.ref))
        report.append(f"ng {command.ref} {why}\n".encode())
    status = b"".join(map(_packet, report)) + b"0000"
    told = "".join(f"{line}\n" for line in lines).encode()
    body = _packet(b"\2" + told) + _packet(b"\1" + status) + b"0000"
    headers = {"Content-Type": "application/x-git-receive-pack-result", "Cache-Control": "no-cache"}
    return Response(200, body, headers)


def _told(ref: str, rule: Rule) -> list[str]:
    if rule in CLASSIC:
        return [
            f"error: GH006: Protected branch update failed for {ref}.",
            "error: ",
            f"- {CLASSIC[rule]}",
        ]
    return [
        f"error: GH013: Repository rule violations found for {ref}.",
        "",
        f"- {RULESETS[rule]}",
        "",
    ]


def _reason(rule: Rule | None) -> str:
    if rule is None:
        return "pre-receive hook declined"
    return (
        "protected branch hook declined"
        if rule in CLASSIC
        else ("push declined due to repository rule violations")
    )


def _packet(payload: bytes) -> bytes:
    return f"{len(payload) + 4:04x}".encode() + payload


def _backend(repository: Repository, token: Token | None, request: Request, what: str) -> Response:
    """Run git's own server for one request. Source: git-http-backend(1)."""
    folder = repository.store.folder
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "GIT_PROJECT_ROOT": str(folder),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PATH_INFO": f"/{what}",
        "QUERY_STRING": urlencode(request.query),
        "REQUEST_METHOD": request.method,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": token.login if token else "",
    }
    done = subprocess.run(
        ["git", "http-backend"],
        input=request.body,
        env=environment,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return _cgi_response(done.stdout)


def _cgi_response(output: bytes) -> Response:
    head, _, body = output.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    if not headers:
        return _plain(500, "git http-backend gave no answer.")
    status = headers.pop("Status", "200").split(" ")[0]
    return Response(int(status), body, headers)


def _plain(status: int, text: str) -> Response:
    return Response(status, f"{text}\n".encode(), {"Content-Type": "text/plain; charset=utf-8"})


def _unauthorised(text: str = "No anonymous access.") -> Response:
    response = _plain(401, text)
    return Response(
        401, response.body, {**response.headers, "WWW-Authenticate": 'Basic realm="GitHub"'}
    )
