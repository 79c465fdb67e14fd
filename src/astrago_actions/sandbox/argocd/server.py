"""The API server: from requests to answers, with Argo CD's own words for every refusal."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs

from astrago_actions.clock import Clock, SystemClock
from astrago_actions.sandbox.argocd import documents
from astrago_actions.sandbox.argocd.access import EVERYTHING, Access, Account, Policy, allows
from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.application import ApplicationState
from astrago_actions.sandbox.argocd.behaviour import Behaviour, window_from
from astrago_actions.sandbox.argocd.sources import GitSource, ImageSource
from astrago_actions.sandbox.server import Request, Response, json_response

VERSION = "v3.5.1+sandbox"
KEEPALIVE_SECONDS = 15.0
_APPLICATION = re.compile(r"/api/v1/applications/([^/]+)(/.*)?")
_HTTP_OF_CODE = {3: 400, 5: 404, 7: 403, 9: 400, 13: 500, 16: 401}
_STREAM_SLICE = 0.02


class Refusal(Exception):
    """An error answer: a gRPC code and a message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class ArgoCD:
    """An Argo CD of one process; serve it with LoopbackServer.

    `root_path` is what `--rootpath` is to the real server; `modern_errors` answers errors in the
    shape of the newer gateway, without the key `error`.
    """

    def __init__(
        self,
        github: GitSource,
        registry: ImageSource,
        clock: Clock | None = None,
        *,
        root_path: str = "",
        modern_errors: bool = False,
    ) -> None:
        self.agenda = Agenda(clock or SystemClock())
        self.access = Access(self.agenda)
        self.lock = threading.RLock()
        self.applications: dict[tuple[str, str], ApplicationState] = {}
        self.default_behaviour = Behaviour()
        self._git = github
        self._images = registry
        self._root_path = root_path.rstrip("/")
        self._modern_errors = modern_errors
        self._changes: list[tuple[str, str, ApplicationState]] = []
        self._callbacks: list[Callable[[ApplicationState], None]] = []

    def add_application(
        self, manifest: Mapping[str, Any], *, running: bool = True, **behaviour: Any
    ) -> ApplicationState:
        """Take an Application manifest; `running` as if its commit had been deployed long ago.

        Further arguments are fields of Behaviour.
        """
        with self.lock:
            self.agenda.catch_up()
            settings = Behaviour(**{**vars(self.default_behaviour), **behaviour})
            application = ApplicationState(
                manifest, self._git, self._images, self.agenda, settings, self._note_change
            )
            self.applications[application.namespace, application.name] = application
            application.begin(running=running)
            self._changes.append(("ADDED", application.name, application))
            return application

    def application(self, name: str, namespace: str = "argocd") -> ApplicationState:
        """The state of one application, brought up to now; raises KeyError."""
        with self.lock:
            self.agenda.catch_up()
            return self.applications[namespace, name]

    def on_change(self, callback: Callable[[ApplicationState], None]) -> None:
        """Call back at each change of an application; `agenda.moment` is when it happened."""
        self._callbacks.append(callback)

    def remove_application(self, name: str, namespace: str = "argocd") -> None:
        """Let the application be gone."""
        with self.lock:
            application = self.applications.pop((namespace, name))
            self._changes.append(("DELETED", name, application))

    def behave(self, name: str, namespace: str = "argocd", **settings: Any) -> None:
        """Change how an application behaves; arguments are fields of Behaviour."""
        with self.lock:
            self.agenda.catch_up()
            self.applications[namespace, name].change(**settings)

    def add_token(
        self,
        token: str,
        policies: tuple[Policy, ...] = EVERYTHING,
        *,
        seconds: float | None = None,
        name: str = "ci",
    ) -> None:
        """Accept this token, for `seconds` from now or for ever."""
        with self.lock:
            self.agenda.catch_up()
            self.access.keep(token, Account(name, policies=policies), seconds)

    def new_token(
        self,
        policies: tuple[Policy, ...] = EVERYTHING,
        *,
        seconds: float | None = None,
        name: str = "ci",
    ) -> str:
        """A new token in the shape of a JWT."""
        with self.lock:
            self.agenda.catch_up()
            return self.access.give(Account(name, policies=policies), seconds)

    def add_user(
        self,
        name: str,
        password: str,
        policies: tuple[Policy, ...] = EVERYTHING,
        *,
        session_seconds: float = 86400.0,
    ) -> None:
        """Let a local user log in."""
        self.access.accounts[name] = Account(name, password, policies, session_seconds)

    def add_connector(
        self,
        connector: str,
        identity_token: str,
        policies: tuple[Policy, ...] = EVERYTHING,
        *,
        session_seconds: float = 86400.0,
    ) -> None:
        """Let Dex exchange this identity token through the connector `connector`."""
        account = Account("keyless", policies=policies, session_seconds=session_seconds)
        self.access.connectors[connector] = (identity_token, account)

    def respond(self, request: Request) -> Response:
        """The answer to one request."""
        if not request.path.startswith(f"{self._root_path}/"):
            return Response(404, b"404 page not found\n", {"Content-Type": "text/plain"})
        path = request.path.removeprefix(self._root_path)
        try:
            return self._route(request, path)
        except Refusal as refusal:
            return self._refused(refusal)

    def _refused(self, refusal: Refusal) -> Response:
        body: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
        if not self._modern_errors:
            body = {"error": refusal.message, **body}
        return self._json(body, _HTTP_OF_CODE.get(refusal.code, 500))

    def _json(self, value: object, status: int = 200) -> Response:
        from email.utils import formatdate

        return json_response(status, value, {"Date": formatdate(self.agenda.wall(), usegmt=True)})

    def _route(self, request: Request, path: str) -> Response:
        with self.lock:
            self.agenda.catch_up()
        wrong_type = request.headers.get("content-type", "application/json") != "application/json"
        if request.method != "GET" and path != "/api/dex/token" and wrong_type:
            return Response(415, b"Invalid content type", {"Content-Type": "text/plain"})
        if path == "/api/version":
            return self._json({"Version": VERSION})
        if path == "/api/v1/session" and request.method == "POST":
            return self._log_in(request)
        if path == "/api/v1/session/userinfo":
            return self._userinfo(request)
        if path == "/api/dex/token":
            return self._exchange(request)
        if path == "/_argocd/behaviour":
            return self._change_behaviour(request)
        account = self._account(request)
        if path == "/api/v1/stream/applications":
            return self._stream(request, account)
        if path == "/api/v1/applications":
            return self._list(request, account)
        match = _APPLICATION.fullmatch(path)
        if match is None:
            raise Refusal(5, "Not Found")
        return self._one(request, account, match[1], match[2] or "")

    def _log_in(self, request: Request) -> Response:
        given = request.json()
        with self.lock:
            token = self.access.log_in(given.get("username", ""), given.get("password", ""))
        if token is None:
            raise Refusal(16, "Invalid username or password")
        return self._json({"token": token})

    def _userinfo(self, request: Request) -> Response:
        ticket = self.access.ticket(request.headers)
        if ticket is None:
            return self._json({})
        name = ticket.account.name
        return self._json({"loggedIn": True, "username": name, "iss": "argocd", "groups": []})

    def _exchange(self, request: Request) -> Response:
        form = {key: values[0] for key, values in parse_qs(request.body.decode()).items()}
        expected = "Basic " + base64.b64encode(b"argo-cd-cli:").decode()
        if request.headers.get("authorization") != expected:
            return json_response(401, {"error": "invalid_client"})
        with self.lock:
            identity = form.get("subject_token", "")
            token = self.access.exchange(form.get("connector_id", ""), identity)
        if token is None:
            description = {"error": "access_denied", "error_description": "Invalid subject token"}
            return json_response(401, description)
        return json_response(200, {"access_token": token, "token_type": "bearer"})

    def _account(self, request: Request) -> Account:
        ticket = self.access.ticket(request.headers)
        if ticket is not None:
            return ticket.account
        given = request.headers.get("authorization", "")
        known = given.removeprefix("Bearer ").strip() in self.access.tickets
        looks_like_jwt = given.count(".") == 2
        if known or looks_like_jwt:
            raise Refusal(16, "invalid session: token has invalid claims: token is expired")
        raise Refusal(16, "no session information")

    def _change_behaviour(self, request: Request) -> Response:
        """`{"application", "namespace"?, ...fields of Behaviour}`."""
        given = request.json()
        name, namespace = given.pop("application"), given.pop("namespace", "argocd")
        for field in ("log", "windows"):
            if field in given:
                given[field] = tuple(given[field])
        if "windows" in given:
            given["windows"] = tuple(map(window_from, given["windows"]))
        try:
            self.behave(name, namespace, **given)
        except (KeyError, TypeError) as error:
            return json_response(422, {"message": str(error)})
        return Response(204)

    def _list(self, request: Request, account: Account) -> Response:
        """What the account may see; never a refusal, as in Argo CD."""
        query = request.query
        with self.lock:
            found = [
                each
                for each in self.applications.values()
                if self._sees(account, each)
                and query.get("projects", each.project) == each.project
                and query.get("appNamespace", each.namespace) == each.namespace
                and _selected(each, query.get("selector", ""))
            ]
            items = [each.document() for each in found]
        return self._json({"metadata": {}, "items": items or None})

    def _sees(self, account: Account, application: ApplicationState) -> bool:
        return allows(account, "applications", "get", _subject(application))

    def _found(self, request: Request, account: Account, name: str) -> ApplicationState:
        """The application, or Argo CD's refusal: 403 whatever is wrong, unless a project is named.

        With a project: 403 without any right in it, else 404 for what is missing or elsewhere.
        """
        project = request.query.get("project", "")
        namespace = request.query.get("appNamespace", "argocd")
        if request.method == "POST" and request.body:
            given = request.json()
            project = given.get("project", project)
            namespace = given.get("appNamespace", namespace)
        application = self.applications.get((namespace, name))
        if project:
            if not allows(account, "applications", "get", f"{project}/{name}"):
                raise Refusal(7, "permission denied")
            if application is None or application.project != project:
                raise Refusal(5, f'applications.argoproj.io "{name}" not found')
            return application
        if application is None or not self._sees(account, application):
            raise Refusal(7, "permission denied")
        return application

    def _one(self, request: Request, account: Account, name: str, rest: str) -> Response:
        with self.lock:
            application = self._found(request, account, name)
        key = (request.method, rest if not rest.startswith("/revisions/") else "/revisions")
        if key == ("GET", ""):
            return self._get(request, application)
        if key == ("POST", "/sync"):
            return self._post_sync(request, account, application)
        if key == ("DELETE", "/operation"):
            return self._terminate(account, application)
        if key == ("GET", "/logs"):
            return self._logs(request, account, application)
        with self.lock:
            return self._json(self._read(request, application, key[1]))

    def _read(self, request: Request, application: ApplicationState, rest: str) -> Any:
        if rest == "/resource-tree":
            return documents.resource_tree(application)
        if rest == "/managed-resources":
            return documents.managed_resources(application)
        if rest == "/syncwindows":
            return documents.sync_windows(application)
        if rest == "/events":
            return self._events(request, application)
        if rest == "/resource":
            return self._resource(request, application)
        if rest == "/revisions":
            return {"author": "ci <ci@example.com>", "date": "2026-01-01T00:00:00Z", "message": ""}
        raise Refusal(5, "Not Found")

    def _get(self, request: Request, application: ApplicationState) -> Response:
        kind = request.query.get("refresh", "")
        if kind:
            with self.lock:
                wanted = application.refreshes_done + 1
                application.request_refresh(kind)
            self._wait_for_refresh(application, wanted)
        with self.lock:
            return self._json(application.document())

    def _wait_for_refresh(self, application: ApplicationState, wanted: int) -> None:
        """Block until the annotation is gone, which may be never; then let clients give up."""
        given_up = time.monotonic() + 60.0
        while application.refreshes_done < wanted:
            if application.behaviour.refresh_hangs:
                time.sleep(0.05)
                if time.monotonic() > given_up:
                    raise Refusal(13, "application refresh deadline exceeded")
            else:
                self.agenda.clock.sleep(max(self.agenda.seconds_to_next or 0.0, 0.001))
            with self.lock:
                self.agenda.catch_up()

    def _post_sync(
        self, request: Request, account: Account, application: ApplicationState
    ) -> Response:
        subject = _subject(application)
        if not allows(account, "applications", "sync", subject):
            raise Refusal(7, f"permission denied: applications, sync, {subject}")
        given = request.json() if request.body else {}
        with self.lock:
            said = application.window_message(manual=True)
            if said:
                raise Refusal(7, said)
            if given.get("revision") and application.automated is not None:
                target = application.spec.get("source", {}).get("targetRevision", "HEAD")
                revision = given["revision"]
                raise Refusal(9, f"Cannot sync to {revision}: auto-sync currently set to {target}")
            if application.operations.requested is not None:
                raise Refusal(9, "another operation is already in progress")
            sync = {"prune": bool(given.get("prune"))}
            operation = {"sync": sync, "initiatedBy": {"username": account.name}}
            application.operations.start(operation, 0.1)
            return self._json(application.document())

    def _terminate(self, account: Account, application: ApplicationState) -> Response:
        if not allows(account, "applications", "sync", _subject(application)):
            raise Refusal(7, "permission denied")
        with self.lock:
            if application.operations.requested is None:
                raise Refusal(3, "Unable to terminate operation. No operation is in progress")
            application.operations.terminate()
        return self._json({})

    def _events(self, request: Request, application: ApplicationState) -> dict[str, Any]:
        names = ("resourceNamespace", "resourceName", "resourceUID")
        given = [request.query.get(name, "") for name in names]
        if any(given) and not all(given):
            raise Refusal(3, f"{given[1]} not found as part of application {application.name}")
        return documents.events(application, given[2])

    def _resource(self, request: Request, application: ApplicationState) -> dict[str, Any]:
        name = request.query.get("resourceName", "")
        for pod in application.cluster.pods():
            if pod.name == name and request.query.get("kind") == "Pod":
                live = documents.live_pod(pod, application.destination)
                return {"manifest": json.dumps(live)}
        raise Refusal(3, f"{name} not found as part of application {application.name}")

    def _logs(self, request: Request, account: Account, application: ApplicationState) -> Response:
        if not allows(account, "logs", "get", _subject(application)):
            raise Refusal(7, f"permission denied: logs, get, {_subject(application)}")
        name = request.query.get("podName", "")
        lines = int(request.query.get("tailLines", "100"))
        with self.lock:
            pod = next((each for each in application.cluster.pods() if each.name == name), None)
        if pod is None:
            raise Refusal(3, f"{name} not found as part of application {application.name}")
        content = b"".join(documents.log_lines(application, pod, lines))
        return Response(200, content, {"Content-Type": "application/json"})

    def _stream(self, request: Request, account: Account) -> Response:
        """Frames for what the account sees; nothing at all, and no error, for what it does not."""
        as_events = request.headers.get("accept") == "text/event-stream"
        content_type = "text/event-stream" if as_events else "application/json"
        frames = self._frames(request.query, account, as_events=as_events)
        return Response(200, frames, {"Content-Type": content_type})

    def _frames(
        self, query: Mapping[str, str], account: Account, *, as_events: bool
    ) -> Iterator[bytes]:
        with self.lock:
            seen = len(self._changes)
            present = list(self.applications.values())
        last = b""
        quiet_since = time.monotonic()
        for application in present:
            if self._is_streamed(query, account, application):
                last = _frame("ADDED", application, query, as_events=as_events)
                yield last
        while True:
            with self.lock:
                self.agenda.catch_up()
                fresh, seen = self._changes[seen:], len(self._changes)
            for kind, _, application in fresh:
                if self._is_streamed(query, account, application):
                    frame = _frame(kind, application, query, as_events=as_events)
                    if frame != last:
                        last = frame
                        quiet_since = time.monotonic()
                        yield frame
            if as_events and time.monotonic() - quiet_since > KEEPALIVE_SECONDS:
                quiet_since = time.monotonic()
                yield b":\n"
            time.sleep(_STREAM_SLICE)

    def _is_streamed(
        self, query: Mapping[str, str], account: Account, application: ApplicationState
    ) -> bool:
        return (
            application.behaviour.stream != "silent"
            and self._sees(account, application)
            and query.get("name", application.name) == application.name
            and query.get("projects", application.project) == application.project
            and query.get("appNamespace", application.namespace) == application.namespace
            and _selected(application, query.get("selector", ""))
        )

    def _note_change(self, application: ApplicationState) -> None:
        self._changes.append(("MODIFIED", application.name, application))
        for callback in self._callbacks:
            callback(application)


def _frame(
    kind: str, application: ApplicationState, query: Mapping[str, str], *, as_events: bool
) -> bytes:
    document = application.document()
    if query.get("fields"):
        metadata = document["metadata"]
        kept = {key: metadata[key] for key in ("name", "namespace", "resourceVersion")}
        document = {"metadata": kept}
    body = json.dumps({"result": {"type": kind, "application": document}}).encode()
    return b"data: " + body + b" \n\n" if as_events else body + b"\n"


def _subject(application: ApplicationState) -> str:
    """The object of RBAC rules; applications elsewhere are named with their namespace."""
    inside = "" if application.namespace == "argocd" else f"{application.namespace}/"
    return f"{application.project}/{inside}{application.name}"


def _selected(application: ApplicationState, selector: str) -> bool:
    labels = application.manifest["metadata"].get("labels") or {}
    for part in filter(None, (each.strip() for each in selector.split(","))):
        name, separator, value = part.partition("=")
        if separator and labels.get(name.rstrip("=")) != value.lstrip("="):
            return False
        if not separator and name not in labels:
            return False
    return True
