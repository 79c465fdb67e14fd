"""The API server: from requests to answers, with Argo CD's own words for every refusal."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from astrago_actions.clock import Clock, SystemClock
from astrago_actions.sandbox.argocd import sessions
from astrago_actions.sandbox.argocd.access import (
    EVERYTHING,
    Access,
    Account,
    Policy,
    allows,
)
from astrago_actions.sandbox.argocd.agenda import Agenda
from astrago_actions.sandbox.argocd.application import ApplicationState
from astrago_actions.sandbox.argocd.behaviour import Behaviour, window_from
from astrago_actions.sandbox.argocd.calls import ApplicationCalls
from astrago_actions.sandbox.argocd.fleet import Fleet
from astrago_actions.sandbox.argocd.refusals import Refusal, answered, refused
from astrago_actions.sandbox.argocd.sources import GitSource, ImageSource
from astrago_actions.sandbox.argocd.stream import ChangeStream
from astrago_actions.sandbox.server import Request, Response, json_response

VERSION = "v3.5.7+sandbox"
_PLAIN_TEXT = {"Content-Type": "text/plain; charset=utf-8"}
_CAN_I = re.compile(r"/api/v1/account/can-i/([^/]+)/([^/]+)/(.+)")
_APPLICATION = re.compile(r"/api/v1/applications/([^/]+)(/.*)?")


def _listed(document: Mapping[str, Any], fields: str) -> dict[str, Any]:
    """A list's item cut down to `fields`, such as items.metadata.name; null for what is missing."""
    wanted = [each.removeprefix("items.metadata.") for each in fields.split(",")]
    return {"metadata": {name: document["metadata"].get(name) for name in wanted}}


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
        self.fleet = Fleet(self.agenda, github, registry)
        self.access = Access(self.agenda)
        self._calls = ApplicationCalls(self.fleet)
        self._root_path = root_path.rstrip("/")
        self._modern_errors = modern_errors

    def add_application(
        self, manifest: Mapping[str, Any], *, running: bool = True, **behaviour: Any
    ) -> ApplicationState:
        """Take an Application manifest; `running` as if its commit had been deployed long ago.

        Further arguments are fields of Behaviour.
        """
        return self.fleet.add(manifest, Behaviour(**behaviour), running=running)

    def application(self, name: str, namespace: str = "argocd") -> ApplicationState:
        """The state of one application, brought up to now; raises KeyError."""
        return self.fleet.get(name, namespace)

    def on_change(self, callback: Callable[[ApplicationState], None]) -> None:
        """Call back at each change of an application; `agenda.moment` is when it happened."""
        self.fleet.callbacks.append(callback)

    def remove_application(self, name: str, namespace: str = "argocd") -> None:
        """Let the application be gone."""
        self.fleet.remove(name, namespace)

    def behave(self, name: str, namespace: str = "argocd", **settings: Any) -> None:
        """Change how an application behaves; arguments are fields of Behaviour."""
        with self.fleet.lock:
            self.fleet.get(name, namespace).change(**settings)

    def add_token(
        self,
        token: str,
        policies: tuple[Policy, ...] = EVERYTHING,
        *,
        seconds: float | None = None,
        name: str = "ci",
    ) -> None:
        """Accept this token, for `seconds` from now or for ever."""
        with self.fleet.lock:
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
        with self.fleet.lock:
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
        with self.fleet.lock:
            self.agenda.catch_up()
        try:
            response = self._answer(request, path)
        except Refusal as refusal:
            streamed = path.endswith("/logs")
            response = refused(refusal, modern=self._modern_errors, stream=streamed)
        date = formatdate(self.agenda.wall(), usegmt=True)
        return replace(response, headers={**response.headers, "Date": date})

    def _answer(self, request: Request, path: str) -> Response:
        checks_type = request.method != "GET" and path.startswith("/api/v1/")
        if checks_type and request.headers.get("content-type") != "application/json":
            return Response(415, b"Invalid content type\n", _PLAIN_TEXT)
        if path == "/api/version":
            return answered(200, {"Version": VERSION})
        if path == "/_argocd/behaviour":
            return self._change_behaviour(request)
        with self.fleet.lock:
            if path == "/api/v1/session" and request.method == "POST":
                return sessions.log_in(self.access, request)
            if path == "/api/v1/session/userinfo":
                return answered(200, sessions.who_is_it(self.access, request))
            if path == "/api/dex/token":
                return sessions.exchange(self.access, request)
            account = sessions.account_of(self.access, request)
        asked = _CAN_I.fullmatch(path)
        if asked:
            allowed = allows(account, *asked.groups())
            return json_response(200, {"value": "yes" if allowed else "no"})
        return self._about_applications(request, account, path)

    def _about_applications(self, request: Request, account: Account, path: str) -> Response:
        if path == "/api/v1/stream/applications":
            return self._stream(request, account)
        if path == "/api/v1/applications":
            return self._list(request, account)
        match = _APPLICATION.fullmatch(path)
        if match is None:
            return Response(404, b"Not Found\n", _PLAIN_TEXT)
        return self._calls.answer(request, account, match[1], match[2] or "")

    def _list(self, request: Request, account: Account) -> Response:
        """What the account may see; never a refusal, as in Argo CD."""
        with self.fleet.lock:
            items = [each.document() for each in self.fleet.seen_by(account, request.query)]
        fields = request.query.get("fields", "")
        if fields:
            items = [_listed(each, fields) for each in items]
        return answered(200, {"metadata": {}, "items": items or None})

    def _stream(self, request: Request, account: Account) -> Response:
        as_events = request.headers.get("accept") == "text/event-stream"
        content_type = "text/event-stream" if as_events else "application/json"
        stream = ChangeStream(self.fleet, account, request.query, as_events=as_events)
        return Response(200, iter(stream), {"Content-Type": content_type})

    def _change_behaviour(self, request: Request) -> Response:
        """`{"application", "namespace"?, ...fields of Behaviour}`."""
        given = request.json()
        name, namespace = given.pop("application"), given.pop("namespace", "argocd")
        if "log" in given:
            given["log"] = tuple(given["log"])
        if "windows" in given:
            given["windows"] = tuple(map(window_from, given["windows"]))
        try:
            self.behave(name, namespace, **given)
        except (KeyError, TypeError) as error:
            return json_response(422, {"message": str(error)})
        return Response(204)
