"""The calls about one application."""

from __future__ import annotations

import json
import time
from typing import Any

from astrago_actions.sandbox.argocd import documents
from astrago_actions.sandbox.argocd.access import Account, allows
from astrago_actions.sandbox.argocd.application import ApplicationState
from astrago_actions.sandbox.argocd.fleet import Fleet, is_seen, subject
from astrago_actions.sandbox.argocd.refusals import (
    FAILED_PRECONDITION,
    INTERNAL,
    INVALID_ARGUMENT,
    NOT_FOUND,
    PERMISSION_DENIED,
    Refusal,
    answered,
)
from astrago_actions.sandbox.server import Request, Response

_HANGING_SECONDS = 60.0


class ApplicationCalls:
    """Answers what is asked about one application, or raises Refusal."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def answer(self, request: Request, account: Account, name: str, rest: str) -> Response:
        """The answer to a call whose path goes on with `rest` after the application's name."""
        with self._fleet.lock:
            application = self._found(request, account, name)
        if (request.method, rest) == ("GET", ""):
            return self._get(request, application)
        if (request.method, rest) == ("POST", "/sync"):
            return self._sync(request, account, application)
        if (request.method, rest) == ("DELETE", "/operation"):
            return self._terminate(account, application)
        if (request.method, rest) == ("GET", "/logs"):
            return self._logs(request, account, application)
        with self._fleet.lock:
            return answered(200, _read(request, application, rest))

    def _found(self, request: Request, account: Account, name: str) -> ApplicationState:
        """The application, or Argo CD's refusal: 403 whatever is wrong, unless a project is named.

        With a project: 403 without any right in it, else 404 for what is missing or elsewhere.
        """
        given = request.json() if request.method == "POST" and request.body else {}
        project = given.get("project") or request.query.get("project", "")
        namespace = given.get("appNamespace") or request.query.get("appNamespace", "argocd")
        application = self._fleet.applications.get((namespace, name))
        if project:
            if not allows(account, "applications", "get", f"{project}/{name}"):
                raise Refusal(PERMISSION_DENIED, "permission denied")
            if application is None or application.project != project:
                raise Refusal(NOT_FOUND, f'applications.argoproj.io "{name}" not found')
            return application
        if application is None or not is_seen(account, application):
            raise Refusal(PERMISSION_DENIED, "permission denied")
        return application

    def _get(self, request: Request, application: ApplicationState) -> Response:
        kind = request.query.get("refresh", "")
        if kind:
            with self._fleet.lock:
                wanted = application.refreshes_done + 1
                application.request_refresh(kind)
            self._wait_for_refresh(application, wanted)
        with self._fleet.lock:
            return answered(200, application.document())

    def _wait_for_refresh(self, application: ApplicationState, wanted: int) -> None:
        """Block until the annotation is gone, which may be never; then let clients give up."""
        agenda = self._fleet.agenda
        given_up = time.monotonic() + _HANGING_SECONDS
        while application.refreshes_done < wanted:
            if application.behaviour.refresh_hangs:
                time.sleep(0.05)
                if time.monotonic() > given_up:
                    raise Refusal(INTERNAL, "application refresh deadline exceeded")
            else:
                agenda.clock.sleep(max(agenda.seconds_to_next or 0.0, 0.001))
            with self._fleet.lock:
                agenda.catch_up()

    def _sync(self, request: Request, account: Account, application: ApplicationState) -> Response:
        rights = subject(application)
        if not allows(account, "applications", "sync", rights):
            raise Refusal(PERMISSION_DENIED, f"permission denied: applications, sync, {rights}")
        given = request.json() if request.body else {}
        with self._fleet.lock:
            _check_sync(given, application)
            operation = {
                "sync": {"prune": bool(given.get("prune"))},
                "initiatedBy": {"username": account.name},
            }
            application.operations.start(operation, 0.1)
            return answered(200, application.document())

    def _terminate(self, account: Account, application: ApplicationState) -> Response:
        if not allows(account, "applications", "sync", subject(application)):
            raise Refusal(PERMISSION_DENIED, "permission denied")
        with self._fleet.lock:
            if application.operations.requested is None:
                said = "Unable to terminate operation. No operation is in progress"
                raise Refusal(INVALID_ARGUMENT, said)
            application.operations.terminate()
        return answered(200, {})

    def _logs(self, request: Request, account: Account, application: ApplicationState) -> Response:
        rights = subject(application)
        if not allows(account, "logs", "get", rights):
            raise Refusal(PERMISSION_DENIED, f"permission denied: logs, get, {rights}")
        name = request.query.get("podName", "")
        lines = int(request.query.get("tailLines", "100"))
        with self._fleet.lock:
            for pod in application.cluster.pods():
                if pod.name == name:
                    content = b"".join(documents.log_lines(application, pod, lines))
                    return Response(200, content, {"Content-Type": "application/json"})
        raise _not_part_of(application, name)


def _check_sync(given: dict[str, Any], application: ApplicationState) -> None:
    said = application.window_message(manual=True)
    if said:
        raise Refusal(PERMISSION_DENIED, said)
    if given.get("revision") and application.automated is not None:
        follows = application.spec.get("source", {}).get("targetRevision", "HEAD")
        said = f"Cannot sync to {given['revision']}: auto-sync currently set to {follows}"
        raise Refusal(FAILED_PRECONDITION, said)
    if application.operations.requested is not None:
        raise Refusal(FAILED_PRECONDITION, "another operation is already in progress")


def _read(request: Request, application: ApplicationState, rest: str) -> Any:
    if rest == "/resource-tree":
        return documents.resource_tree(application)
    if rest == "/managed-resources":
        return documents.managed_resources(application)
    if rest == "/syncwindows":
        return documents.sync_windows(application)
    if rest == "/events":
        return _events(request, application)
    if rest == "/resource":
        return _resource(request, application)
    if rest.startswith("/revisions/"):
        return {"author": "ci <ci@example.com>", "date": "2026-01-01T00:00:00Z", "message": ""}
    raise Refusal(NOT_FOUND, "Not Found")


def _events(request: Request, application: ApplicationState) -> dict[str, Any]:
    names = ("resourceNamespace", "resourceName", "resourceUID")
    given = [request.query.get(name, "") for name in names]
    if any(given) and not all(given):
        raise _not_part_of(application, given[1])
    return documents.events(application, given[2])


def _resource(request: Request, application: ApplicationState) -> dict[str, Any]:
    name = request.query.get("resourceName", "")
    for pod in application.cluster.pods():
        if pod.name == name and request.query.get("kind") == "Pod":
            live = documents.live_pod(pod, application.destination)
            return {"manifest": json.dumps(live)}
    raise _not_part_of(application, name)


def _not_part_of(application: ApplicationState, name: str) -> Refusal:
    said = f"{name} not found as part of application {application.name}"
    return Refusal(INVALID_ARGUMENT, said)
