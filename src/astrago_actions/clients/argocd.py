"""Argo CD's REST API: one method per call, with explicit time-outs and one kind of error."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import requests

from astrago_actions.clients import argocd_documents as documents
from astrago_actions.clients import argocd_trees as trees
from astrago_actions.clients.argocd_auth import Credentials
from astrago_actions.clients.argocd_connection import ArgoCDError, Connection, Server, lines_of
from astrago_actions.domain.rollout.application import (
    Application,
    Event,
    Pod,
    Session,
    Standstill,
    SyncWindow,
)
from astrago_actions.domain.rollout.values import SyncAnswer, Trouble

_LARGEST_LOG = 200_000


@dataclass(frozen=True)
class Place:
    """Which application is meant: `project` and `namespace` may be empty."""

    name: str
    project: str = ""
    namespace: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The place as query parameters. With `project` a missing application is told as such."""
        given = {"project": self.project, "appNamespace": self.namespace}
        return {name: value for name, value in given.items() if value}


class ArgoCD:
    """The calls; may be used from several threads. Every method raises ArgoCDError.

    `learned` is told each token that is made, so that it can be masked.
    """

    def __init__(
        self,
        server: Server,
        credentials: Credentials,
        learned: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._connection = Connection(server, credentials, learned)
        self._send, self._json = self._connection.send, self._connection.json
        self.server = server

    def version(self) -> str:
        """The server's version; the one call that needs no login."""
        answer = self._send("GET", "/api/version", anonymous=True)
        return str(self._json(answer).get("Version", ""))

    def session(self) -> Session:
        """Who we are to the server, and for how long by the server's own clock."""
        answer = self._send("GET", "/api/v1/session/userinfo")
        found = self._json(answer)
        ends = self._connection.session_ends
        left = None
        if ends is not None and answer.headers.get("Date"):
            left = ends - parsedate_to_datetime(answer.headers["Date"]).timestamp()
        name = str(found.get("username") or "")
        return Session(bool(found.get("loggedIn")), name, left)

    @property
    def renewable(self) -> bool:
        """Whether an expired session can be renewed without anybody's help."""
        return self._connection.renewable

    def may(self, resource: str, action: str, subject: str) -> bool:
        """Whether we have a right, such as `applications`, `sync`, `project/name`.

        Source: `GET /api/v1/account/can-i/…`, by which Argo CD's own pages hide what one may not.
        """
        answer = self._send("GET", f"/api/v1/account/can-i/{resource}/{action}/{quote(subject)}")
        return self._json(answer).get("value") == "yes"

    def application(self, place: Place) -> Application:
        """The application as it is stored now."""
        answer = self._send("GET", _path(place), query=place.query)
        return documents.parse_application(self._json(answer))

    def refresh(self, place: Place, *, hard: bool, seconds: float | None = None) -> Application:
        """Ask for a new comparison and wait for it; `hard` also drops cached manifests.

        The server sets no limit of its own, so the read time-out is ours.
        """
        query = {**place.query, "refresh": "hard" if hard else "normal"}
        limit = self.server.refresh_seconds if seconds is None else seconds
        answer = self._send("GET", _path(place), query=query, read_seconds=limit)
        return documents.parse_application(self._json(answer))

    def applications(self, selector: str, project: str, namespace: str) -> tuple[str, ...]:
        """The applications that a label selector finds, as `namespace/name`."""
        query = {"selector": selector, "projects": project, "appNamespace": namespace}
        given = {name: value for name, value in query.items() if value}
        fields = ("name", "namespace", "deletionTimestamp")
        given["fields"] = ",".join(f"items.metadata.{each}" for each in fields)
        found = self._json(self._send("GET", "/api/v1/applications", query=given))
        listed = [each["metadata"] for each in found.get("items") or []]
        return tuple(
            f"{each.get('namespace') or ''}/{each['name']}".removeprefix("/")
            for each in listed
            if not each.get("deletionTimestamp")
        )

    def tree(self, place: Place) -> tuple[tuple[Pod, ...], tuple[str, ...]]:
        """The application's pods, and its child applications as `namespace/name`."""
        found = self._json(self._send("GET", _path(place, "/resource-tree"), query=place.query))
        return trees.parse_pods(found), trees.parse_children(found)

    def desired_images(self, place: Place) -> tuple[str, ...]:
        """The images that the last compared revision wants."""
        query = {**place.query, "fields": "items.targetState"}
        answer = self._send("GET", _path(place, "/managed-resources"), query=query)
        return trees.parse_desired_images(self._json(answer))

    def standstill(self, place: Place, pod: Pod) -> Standstill:
        """Why a pod does not run, as its live object tells."""
        query = {
            **place.query,
            "namespace": pod.namespace,
            "resourceName": pod.name,
            "version": "v1",
            "group": "",
            "kind": "Pod",
        }
        answer = self._send("GET", _path(place, "/resource"), query=query)
        try:
            return trees.parse_standstill(json.loads(self._json(answer).get("manifest") or "{}"))
        except ValueError:
            return Standstill()

    def events(self, place: Place, pod: Pod | None = None) -> tuple[Event, ...]:
        """Events of the application, or of one pod."""
        query = dict(place.query)
        if pod is not None:
            query |= {
                "resourceNamespace": pod.namespace,
                "resourceName": pod.name,
                "resourceUID": pod.uid,
            }
        answer = self._send("GET", _path(place, "/events"), query=query)
        return documents.parse_events(self._json(answer))

    def logs(self, place: Place, pod: Pod, *, lines: int, previous: bool) -> tuple[str, ...]:
        """The last lines of a pod's log, or of the container before its last restart.

        Kubernetes tells nothing of a pod with several containers unless one is named.
        """
        query = {
            **place.query,
            "namespace": pod.namespace,
            "podName": pod.name,
            "tailLines": str(lines),
            "previous": "true" if previous else "false",
        }
        if pod.container:
            query["container"] = pod.container
        answer = self._send("GET", _path(place, "/logs"), query=query, stream=True)
        with answer:
            return tuple(_log_contents(answer))[-lines:]

    def windows(self, place: Place, *, automated: bool) -> tuple[str, tuple[SyncWindow, ...]]:
        """What keeps a sync out just now ("" when nothing does), and all assigned windows."""
        found = self._json(self._send("GET", _path(place, "/syncwindows"), query=place.query))
        _, assigned = documents.parse_windows(found)
        return documents.blocking_window(found, automated=automated), assigned

    def author(self, place: Place, revision: str, source: int = 0) -> str:
        """Who made a commit of the `source`, and its first line; "" when the server cannot tell."""
        path = _path(place, f"/revisions/{quote(revision, safe='')}/metadata")
        query = {**place.query, **({"sourceIndex": str(source)} if source else {})}
        try:
            found = self._json(self._send("GET", path, query=query))
        except ArgoCDError:
            return ""
        message = str(found.get("message") or "").strip().splitlines()
        author = str(found.get("author") or "")
        return f"{author}: {message[0]}" if message else author

    def sync(self, place: Place, *, prune: bool) -> SyncAnswer:
        """Ask for a sync to what the application follows; never names a revision, since
        a server with auto-sync refuses that.
        """
        try:
            self._send("POST", _path(place, "/sync"), json={**place.query, "prune": prune})
        except ArgoCDError as error:
            return _sync_answer(error.trouble)
        return SyncAnswer("accepted")

    def terminate(self, place: Place) -> bool:
        """End the running operation; False when the server would not."""
        try:
            # Whatever is no GET has to name this type, even without a body.
            as_json = {"Content-Type": "application/json"}
            path = _path(place, "/operation")
            self._send("DELETE", path, query=place.query, headers=as_json)
        except ArgoCDError:
            return False
        return True

    def stream(self, query: Mapping[str, str], *, silence_seconds: float) -> Iterator[bytes]:
        """Lines of the event stream; ends when it is cut or silent for too long.

        The server sends a comment every 15 s, but nothing at all about hidden applications.
        """
        answer = self._send(
            "GET",
            "/api/v1/stream/applications",
            query=query,
            read_seconds=silence_seconds,
            headers={"Accept": "text/event-stream"},
            stream=True,
        )
        with answer:
            yield from lines_of(answer)


def _path(place: Place, rest: str = "") -> str:
    return f"/api/v1/applications/{quote(place.name, safe='')}{rest}"


def _sync_answer(trouble: Trouble) -> SyncAnswer:
    if "another operation is already in progress" in trouble.message:
        return SyncAnswer("busy", trouble.message)
    if "blocked by sync window" in trouble.message:
        return SyncAnswer("window", trouble.message)
    if trouble.kind in {"no-answer", "rate-limited", "no-contact"}:
        return SyncAnswer("busy", trouble.message)
    return SyncAnswer("refused", trouble.message)


def _log_contents(answer: requests.Response) -> Iterator[str]:
    read = 0
    for line in lines_of(answer):
        content, is_end = documents.parse_log_line(line)
        read += len(line)
        if is_end or read > _LARGEST_LOG:
            return
        if line.strip():
            yield content
