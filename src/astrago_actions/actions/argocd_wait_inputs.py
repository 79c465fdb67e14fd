"""The inputs of argocd-wait, read and cross-checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from astrago_actions.clients.argocd_auth import (
    Credentials,
    Keyless,
    Password,
    Token,
    job_identity,
)
from astrago_actions.domain.image_families import split_image
from astrago_actions.domain.rollout.values import Graces, RefreshMode, SyncMode
from astrago_actions.inputs import InputReader, Secret
from astrago_actions.workflow_run import WorkflowRun

_FULL_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_NAME = re.compile(r"(?:[a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True)
class RollbackPlace:
    """Where the change was made that may have to be taken back."""

    repository: str
    branch: str
    token: Secret


@dataclass(frozen=True)
class Inputs:
    """What argocd-wait works from; see action.yml for each. Durations are in seconds."""

    server: str
    credentials: Credentials
    headers: Mapping[str, str]
    ca_cert: str
    insecure: bool
    applications: tuple[str, ...]
    selector: str
    expected_count: int
    project: str
    app_namespace: str
    revision: str
    images: tuple[str, ...]
    branch: str
    deployment_repository: str
    deployment_token: Secret | None
    refresh: RefreshMode
    sync: SyncMode
    graces: Graces
    fail_fast: bool
    accept_suspended: bool
    fail_in_sync_window: bool
    fail_when_superseded: bool
    wait_for_application: bool
    children: bool
    event_stream: bool
    rollback: RollbackPlace | None


def read(given: InputReader, run: WorkflowRun) -> Inputs:
    """Read and cross-check the inputs; mistakes are noted in `given`."""
    given_revision, images = _revision(given), _images(given)
    if not given_revision and not images:
        given.mistake("revision", "or `images` must say which change is waited for")
    return Inputs(
        server=_server(given),
        credentials=_credentials(given),
        headers=_headers(given),
        ca_cert=_ca_cert(given, run),
        insecure=given.flag("insecure"),
        applications=_applications(given),
        selector=given.text("selector"),
        expected_count=given.whole_number("expected-count", 0),
        project=given.text("project"),
        app_namespace=given.text("app-namespace"),
        revision=given_revision,
        images=images,
        branch=given.text("branch").removeprefix("refs/heads/"),
        deployment_repository=_repository(given),
        deployment_token=given.secret("deployment-token"),
        refresh=given.choice("refresh", ("normal", "hard", "none"), "normal"),
        sync=given.choice("sync", ("auto", "if-needed", "never"), "auto"),
        graces=_graces(given),
        fail_fast=given.flag("fail-fast", default=True),
        accept_suspended=given.flag("accept-suspended"),
        fail_in_sync_window=given.choice("on-sync-window", ("wait", "fail"), "wait") == "fail",
        fail_when_superseded=given.choice("on-superseded", ("succeed", "fail"), "succeed")
        == "fail",
        wait_for_application=given.flag("wait-for-application"),
        children=given.flag("children"),
        event_stream=given.flag("event-stream", default=True),
        rollback=_rollback(given),
    )


def _rollback(given: InputReader) -> RollbackPlace | None:
    """Where the tags are put back when the change fails; None when that is not asked for."""
    if given.choice("on-failure", ("report", "rollback"), "report") == "report":
        return None
    for name in ("revision", "branch", "deployment-repository", "deployment-token"):
        if not given.text(name):
            given.mistake(name, "is required with `on-failure: rollback`, to put the tags back")
    token = given.secret("deployment-token") or Secret("")
    return RollbackPlace(_repository(given), given.text("branch"), token)


def _server(given: InputReader) -> str:
    given.required("server")
    return given.url("server")


def _credentials(given: InputReader) -> Credentials:
    token, password = given.secret("token"), given.secret("password")
    username, connector = given.text("username"), given.text("dex-connector")
    ways = [name for name, value in _ways(token, username, connector).items() if value]
    if len(ways) > 1:
        other = given.known_as(ways[0])[0]
        given.mistake(ways[1], f"and `{other}` are two ways to log in; give one")
    if not ways:
        others = " or ".join(f"`{each}`" for each in given.known_as("username", "dex-connector"))
        given.mistake("token", f"is empty, and {others} is not given instead")
    if bool(username) != bool(password):
        missing = "password" if username else "username"
        given.mistake(missing, "is required beside its other half")
    if connector:
        return Keyless(connector, given.text("oidc-audience"), job_identity)
    if username:
        return Password(username, password or Secret(""))
    return Token(token or Secret(""))


def _ways(token: Secret | None, username: str, connector: str) -> dict[str, object]:
    return {"token": token, "username": username, "dex-connector": connector}


def _headers(given: InputReader) -> dict[str, str]:
    headers = {name: each.reveal() for name, each in given.secret_mapping("headers").items()}
    for name in headers:
        if not _HEADER_NAME.fullmatch(name):
            given.mistake("headers", f"`{name}` is no header name")
        if name.lower() == "authorization":
            given.mistake("headers", "must not hold Authorization; use `token`")
    return headers


def _ca_cert(given: InputReader, run: WorkflowRun) -> str:
    """The path of a PEM file, or PEM text itself, which the action writes to a file."""
    value = given.text("ca-cert")
    if value and given.text("insecure").lower() == "true":
        given.mistake("insecure", "makes `ca-cert` meaningless; give one of them")
    if not value or value.startswith("-----BEGIN"):
        return value
    path = run.workspace / Path(value)
    if not path.is_file():
        given.mistake("ca-cert", f"there is no file `{value}`")
    return str(path)


def _applications(given: InputReader) -> tuple[str, ...]:
    names = given.items("application")
    if bool(names) == bool(given.text("selector")):
        problem = (
            "and `selector` are both given; give one" if names else "or `selector` is required"
        )
        given.mistake("application", problem)
    for name in names:
        if not _NAME.fullmatch(name):
            given.mistake("application", f"`{name}` is no application name (or namespace/name)")
    for name in sorted({name for name in names if names.count(name) > 1}):
        given.mistake("application", f"names `{name}` twice")
    return names


def _revision(given: InputReader) -> str:
    revision = given.text("revision").lower()
    if revision and not _FULL_SHA.fullmatch(revision):
        given.mistake("revision", f"must be a full commit SHA of 40 hex digits; it is `{revision}`")
    return revision


def _images(given: InputReader) -> tuple[str, ...]:
    """Images of a list, or the values of a map such as build-tag's output."""
    if given.text("images").startswith("{"):
        images = tuple(given.mapping("images").values())
    else:
        images = given.items("images")
    for image in images:
        repository, tag, digest = split_image(image)
        if not repository or not (tag or digest):
            given.mistake("images", f"`{image}` has neither tag nor digest")
    return tuple(dict.fromkeys(images))


def _repository(given: InputReader) -> str:
    return given.repository("deployment-repository") if given.text("deployment-repository") else ""


def _graces(given: InputReader) -> Graces:
    usual = Graces()
    timeout = given.seconds("timeout", usual.timeout)
    if timeout <= 0:
        given.mistake("timeout", "must be more than 0 seconds")
    return Graces(
        timeout=timeout,
        sync=given.seconds("sync-timeout", usual.sync),
        settle=given.seconds("settle", usual.settle),
        degraded=given.seconds("degraded-grace", usual.degraded),
    )
