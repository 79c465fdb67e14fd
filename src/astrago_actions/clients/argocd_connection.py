"""The connection to an Argo CD server: logging in, sending, and telling failures apart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from urllib3 import disable_warnings
from urllib3.exceptions import HTTPError, InsecureRequestWarning

from astrago_actions import __version__
from astrago_actions.clients import argocd_documents as documents
from astrago_actions.clients.argocd_auth import Credentials, expiry
from astrago_actions.clients.certificates import describe_certificate
from astrago_actions.domain.rollout.values import Trouble, TroubleKind
from astrago_actions.errors import AccessDenied, ActionError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
REFRESH_SECONDS = 30.0
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


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


class Connection:
    """A server and how we are logged in; may be used from several threads.

    `learned` is told each token that is made, so that it can be masked.
    """

    def __init__(
        self,
        server: Server,
        credentials: Credentials,
        learned: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.server = server
        if server.verify is False:
            # Said once by the action, in better words, and not with every request.
            disable_warnings(InsecureRequestWarning)
        self._credentials = credentials
        self._learned = learned
        self._local = threading.local()
        self._login = threading.Lock()
        self._token = ""

    @property
    def renewable(self) -> bool:
        """Whether an expired session can be renewed without anybody's help."""
        return self._credentials.renewable

    @property
    def session_ends(self) -> float | None:
        """When the session ends, in seconds since the epoch of the server's clock; None: never."""
        return expiry(self._token)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        anonymous: bool = False,
        **options: Any,
    ) -> requests.Response:
        """Send, logging in first where needed and once more when the session has ended.

        `read_seconds` and what requests itself takes may be given. Raises ArgoCDError.
        """
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
                self._learned(self._token)
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
        if "WRONG_VERSION_NUMBER" in text or "RECORD_LAYER_FAILURE" in text:
            return Trouble("no-contact", f"{self.server.url} does not speak TLS; is it http://?")
        if "Connection refused" in text:
            return Trouble("no-contact", f"{self.server.url} refuses connections.")
        return Trouble("no-answer", f"{type(error).__name__}: {_first(text)}")

    @staticmethod
    def json(answer: requests.Response) -> Mapping[str, Any]:
        """The JSON object in an answer; anything else is no Argo CD."""
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


def lines_of(answer: requests.Response) -> Iterator[bytes]:
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
