"""Argo CD's REST API: one method per call, with explicit time-outs and one kind of error."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from urllib3 import disable_warnings
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from astrago_actions import __version__
from astrago_actions.clients import argocd_documents as documents
from astrago_actions.clients.argocd_auth import Credentials, expiry
from astrago_actions.clients.certificates import describe_certificate
from astrago_actions.domain.rollout.application import (
    Application,
    Event,
    Pod,
    Session,
    SyncWindow,
)
from astrago_actions.domain.rollout.values import SyncAnswer, Trouble, TroubleKind
from astrago_actions.errors import AccessDenied, ActionError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
REFRESH_SECONDS = 30.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_LARGEST_LOG = 200_000


class ArgoCDError(ActionError):
    """A request that brought no usable answer; `trouble` says how it failed."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(
            "Argo CD does not answer as expected",
            trouble.message,
            "Check `server`, the credentials and the names of project and application.",
        )
        self.trouble = trouble


@dataclass(frozen=True)
class Server:
    """Where Argo CD is and how to reach it.

    `url` may end in a root path; `verify` is True, the path of a CA file, or False.
    """

    url: str
    verify: bool | str = True
    headers: Mapping[str, str] = field(default_factory=dict)
    connect_seconds: float = CONNECT_SECONDS
    read_seconds: float = READ_SECONDS
    refresh_seconds: float = REFRESH_SECONDS


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
    """A connection; may be used from several threads. Raises ArgoCDError everywhere."""

    def __init__(self, server: Server, credentials: Credentials) -> None:
        self.server = server
        if server.verify is False:
            # Said once by the action, in better words, and not with every request.
            disable_warnings(InsecureRequestWarning)
        self._credentials = credentials
        self._local = threading.local()
        self._login = threading.Lock()
        self._token = ""

    def version(self) -> str:
        """The server's version; the one call that needs no login."""
        answer = self._send("GET", "/api/version", anonymous=True)
        return str(self._json(answer).get("Version", ""))

    def session(self) -> Session:
        """Who we are to the server, and for how long by the server's own clock."""
        answer = self._send("GET", "/api/v1/session/userinfo")
        found = self._json(answer)
        ends = expiry(self._token)
        left = None
        if ends is not None and answer.headers.get("Date"):
            left = ends - parsedate_to_datetime(answer.headers["Date"]).timestamp()
        name = str(found.get("username") or "")
        return Session(bool(found.get("loggedIn")), name, left)

    @property
    def renewable(self) -> bool:
        """Whether an expired session can be renewed without anybody's help."""
        return self._credentials.renewable

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
        """The names of the applications that a label selector finds."""
        query = {"selector": selector, "projects": project, "appNamespace": namespace}
        given = {name: value for name, value in query.items() if value}
        given["fields"] = "items.metadata.name,items.metadata.deletionTimestamp"
        found = self._json(self._send("GET", "/api/v1/applications", query=given))
        items = found.get("items") or []
        return tuple(
            str(each["metadata"]["name"])
            for each in items
            if not each["metadata"].get("deletionTimestamp")
        )

    def tree(self, place: Place) -> tuple[tuple[Pod, ...], tuple[str, ...]]:
        """The application's pods, and the names of its child applications."""
        found = self._json(self._send("GET", _path(place, "/resource-tree"), query=place.query))
        return documents.parse_pods(found), documents.parse_children(found)

    def desired_images(self, place: Place) -> tuple[str, ...]:
        """The images that the last compared revision wants."""
        query = {**place.query, "fields": "items.targetState"}
        answer = self._send("GET", _path(place, "/managed-resources"), query=query)
        return documents.parse_desired_images(self._json(answer))

    def waiting(self, place: Place, pod: Pod) -> tuple[str, str]:
        """Why a pod's container does not run: reason and the cluster's own words."""
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
            return documents.parse_waiting(json.loads(self._json(answer).get("manifest") or "{}"))
        except ValueError:
            return "", ""

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
        """The last lines of a pod's log, or of the container before its last restart."""
        query = {
            **place.query,
            "namespace": pod.namespace,
            "podName": pod.name,
            "tailLines": str(lines),
            "previous": "true" if previous else "false",
        }
        answer = self._send("GET", _path(place, "/logs"), query=query, stream=True)
        with answer:
            return tuple(_log_contents(answer))[-lines:]

    def windows(self, place: Place, *, automated: bool) -> tuple[str, tuple[SyncWindow, ...]]:
        """What keeps a sync out just now ("" when nothing does), and all assigned windows."""
        found = self._json(self._send("GET", _path(place, "/syncwindows"), query=place.query))
        _, assigned = documents.parse_windows(found)
        return documents.blocking_window(found, automated=automated), assigned

    def author(self, place: Place, revision: str) -> str:
        """Who made a commit, and its first line; "" when the server cannot tell."""
        path = _path(place, f"/revisions/{quote(revision, safe='')}/metadata")
        try:
            found = self._json(self._send("GET", path, query=place.query))
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
            self._send("DELETE", _path(place, "/operation"), query=place.query)
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
            yield from _lines(answer)

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        anonymous: bool = False,
        **options: Any,
    ) -> requests.Response:
        """Send, logging in first where needed and once more when the session has ended."""
        if anonymous:
            return self._once(method, path, query, "", options)
        token = self._bearer("")
        try:
            return self._once(method, path, query, token, options)
        except ArgoCDError as error:
            if error.trouble.kind != "unauthorized" or not self.renewable:
                raise
        return self._once(method, path, query, self._bearer(token), options)

    def _bearer(self, refused: str) -> str:
        """The current token, or a new one when there is none or the current one was refused."""
        with self._login:
            if not self._token or self._token == refused:
                self._token = self._new_token()
            return self._token

    def _new_token(self) -> str:
        try:
            return self._credentials.token(self._post)
        except AccessDenied as error:
            said = f"{error.title}: {error.detail}\n{error.remedy}"
            raise ArgoCDError(Trouble("unauthorized", said)) from error

    def _post(self, path: str, **options: Any) -> requests.Response:
        return self._once("POST", path, None, "", options)

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        token: str,
        options: Mapping[str, Any],
    ) -> requests.Response:
        rest = dict(options)
        read_seconds = rest.pop("read_seconds", None) or self.server.read_seconds
        headers = {**self.server.headers, **rest.pop("headers", {})}
        rest.setdefault("auth", _Bearer(token))
        try:
            answer = self._session.request(
                method,
                self.server.url + path,
                params=query or None,
                headers=headers,
                timeout=(self.server.connect_seconds, read_seconds),
                verify=self.server.verify,
                allow_redirects=False,
                **rest,
            )
        except requests.RequestException as error:
            raise ArgoCDError(self._trouble_of(error)) from error
        if answer.status_code >= 300 or _is_page(answer):
            with answer:
                raise ArgoCDError(_trouble_in(answer))
        return answer

    @property
    def _session(self) -> requests.Session:
        """One session a thread: requests' sessions are not made to be shared."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = requests.Session()
            session.headers["User-Agent"] = f"astrago-actions/{__version__}"
            self._local.session = session
        return session

    def _trouble_of(self, error: requests.RequestException) -> Trouble:
        text = str(error)
        if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY" in text:
            return Trouble("certificate", f"{describe_certificate(self.server.url)}\n{text}")
        host = urlsplit(self.server.url).hostname
        unresolved = "NameResolutionError" in text or "getaddrinfo" in text
        if unresolved:
            return Trouble("no-contact", f"The name {host} cannot be resolved.")
        if "Connection refused" in text:
            return Trouble("no-contact", f"{self.server.url} refuses connections.")
        return Trouble("no-answer", f"{type(error).__name__}: {_first(text)}")

    @staticmethod
    def _json(answer: requests.Response) -> Mapping[str, Any]:
        try:
            value = answer.json()
        except requests.RequestException:
            value = None
        if not isinstance(value, Mapping):
            raise ArgoCDError(_not_argo_cd(answer))
        return value


class _Bearer(requests.auth.AuthBase):
    """Sets the header itself, so that a .netrc of the runner cannot replace it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token}"
        return request


def _path(place: Place, rest: str = "") -> str:
    return f"/api/v1/applications/{quote(place.name, safe='')}{rest}"


def _is_page(answer: requests.Response) -> bool:
    return "text/html" in answer.headers.get("Content-Type", "").lower()


def _trouble_in(answer: requests.Response) -> Trouble:
    status = answer.status_code
    said = documents.error_message(answer.content)
    message = f"HTTP {status}: {said or answer.reason}"
    if status == 401:
        return Trouble("unauthorized", message, status)
    if status in _PASSING:
        return Trouble(_passing(status), message, status, _retry_after(answer))
    if 300 <= status < 400 or not said:
        return _not_argo_cd(answer)
    if status in {403, 404}:
        return Trouble("hidden", message, status)
    return Trouble("refused", message, status)


def _passing(status: int) -> TroubleKind:
    return "rate-limited" if status == 429 else "no-answer"


def _retry_after(answer: requests.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _not_argo_cd(answer: requests.Response) -> Trouble:
    path = urlsplit(answer.request.url or "").path
    target = answer.headers.get("Location", "")
    if target:
        parts = urlsplit(target)
        where = f"{parts.scheme}://{parts.netloc}" if parts.netloc else parts.path
        return Trouble(
            "not-argo-cd", f"{path} redirects to {where} instead of answering.", answer.status_code
        )
    kind = answer.headers.get("Content-Type", "no content type")
    return Trouble(
        "not-argo-cd",
        f"{path} answers HTTP {answer.status_code} with {kind} instead of Argo CD's JSON.",
        answer.status_code,
    )


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
    for line in _lines(answer):
        content, is_end = documents.parse_log_line(line)
        read += len(line)
        if is_end or read > _LARGEST_LOG:
            return
        if line.strip():
            yield content


def _lines(answer: requests.Response) -> Iterator[bytes]:
    """Lines as they arrive; a cut or silent connection simply ends them."""
    pending = b""
    while True:
        try:
            chunk = answer.raw.read1(65536, decode_content=True)
        except (OSError, requests.RequestException, HTTPError):
            return
        if not chunk:
            if pending:
                yield pending
            return
        *lines, pending = (pending + chunk).split(b"\n")
        yield from lines


def _first(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:299]}…"
