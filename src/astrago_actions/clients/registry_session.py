"""Signed requests to one registry: how it wants to be spoken to, tokens, refusals, repetition.

Open registries, such with user name and password, and such with tokens (GHCR, Docker Hub) are all
served. A token goes to the registry's own address only. Source: OCI distribution specification and
"Token Authentication Specification" of the distribution project.
"""

from __future__ import annotations

import ipaddress
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase, _basic_auth_str

from astrago_actions import __version__
from astrago_actions.clients.registry_errors import Asked, explain_answer, explain_failure
from astrago_actions.clients.registry_retries import repeated
from astrago_actions.clock import Clock
from astrago_actions.errors import AccessDenied
from astrago_actions.inputs import Secret

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30
# While a body is sent, urllib3 lets each piece take as long as connecting may.
UPLOAD_SECONDS = (60, 180)
# Source: token specification, `expires_in`; 60 is what clients must assume.
TOKEN_SECONDS = 60

_PARAMETER = re.compile(r'(\w+)="([^"]*)"')
_API_HOSTS = {"docker.io": "registry-1.docker.io", "index.docker.io": "registry-1.docker.io"}

Body = bytes | Callable[[], BinaryIO]


@dataclass(frozen=True)
class Credentials:
    """A user name and the token or password that goes with it."""

    username: str
    password: Secret


@dataclass(frozen=True)
class Challenge:
    """How the registry wants to be signed in to; realm and service are for tokens only."""

    kind: Literal["open", "basic", "bearer"]
    realm: str = ""
    service: str = ""


@dataclass(frozen=True)
class Call:
    """One request; `path` is below the registry or a full address that the registry gave.

    `scopes` are what the token must allow, such as `repository:xiilab/core:pull`.
    """

    method: str
    path: str
    asked: Asked
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] | None = None
    body: Body = b""
    expected: tuple[int, ...] = (200,)


class _Authorization(AuthBase):
    """Sets the header itself: without an auth object requests would take one from ~/.netrc."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value:
            request.headers["Authorization"] = self._value
        return request


class RegistrySession:
    """The connection to one registry; safe to use from several threads.

    `plain_http` allows HTTP where the registry is not on this machine. `report` is told in one
    line whenever a request is repeated.
    """

    def __init__(
        self,
        host: str,
        credentials: Credentials | None,
        *,
        clock: Clock,
        retries: int = 3,
        plain_http: bool = False,
        report: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.host = host
        self._credentials = credentials
        self._clock = clock
        self._retries = retries
        self._may_use_http = plain_http or is_loopback(host)
        self._report = report
        self._lock = threading.RLock()
        self._base = ""
        self._challenge: Challenge | None = None
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}
        self._http = requests.Session()
        self._http.headers["User-Agent"] = f"astrago-actions/{__version__}"

    def send(self, call: Call) -> requests.Response:
        """The answer, whose status is one of `expected`; what may pass by itself is repeated.

        Raises AccessDenied, NotFound, RateLimited, Unreachable or ActionError.
        """
        return repeated(
            lambda: self.send_once(call),
            retries=self._retries,
            clock=self._clock,
            report=self._report,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def send_once(self, call: Call) -> requests.Response:
        """Like `send`, without repeating anything but a sign-in."""
        challenge = self._known_challenge(call.asked)
        response = self._attempt(call, challenge)
        if response.status_code == 401:
            response = self._attempt(call, self._renewed_challenge(response, call))
        if response.status_code not in call.expected:
            raise explain_answer(response, call.asked)
        return response

    def _attempt(self, call: Call, challenge: Challenge) -> requests.Response:
        address = urljoin(f"{self._base}/", call.path)
        authorization = ""
        if urlsplit(address).netloc == urlsplit(self._base).netloc:
            authorization = self._authorization(challenge, call)
        body = call.body if isinstance(call.body, bytes) else call.body()
        brief = isinstance(body, bytes)
        try:
            return self._http.request(
                call.method,
                address,
                data=body,
                headers=dict(call.headers or {}),
                auth=_Authorization(authorization),
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS) if brief else UPLOAD_SECONDS,
            )
        except requests.RequestException as error:
            raise explain_failure(error, call.asked) from error
        finally:
            if not isinstance(body, bytes):
                body.close()

    def _known_challenge(self, asked: Asked) -> Challenge:
        with self._lock:
            if self._challenge is None:
                self._base, response = self._greet(asked)
                self._challenge = _challenge_of(response, asked)
            return self._challenge

    def _renewed_challenge(self, refusal: requests.Response, call: Call) -> Challenge:
        """The token may have expired, or only this call may need one."""
        with self._lock:
            self._tokens.clear()
            if "WWW-Authenticate" in refusal.headers:
                self._challenge = _challenge_of(refusal, call.asked)
            return self._challenge or Challenge("open")

    def _greet(self, asked: Asked) -> tuple[str, requests.Response]:
        """The registry's address and its answer to `GET /v2/` without credentials.

        On this machine HTTP comes first, elsewhere only TLS unless the caller allowed HTTP.
        """
        host = _API_HOSTS.get(self.host, self.host)
        schemes = ("http", "https") if self._may_use_http else ("https",)
        for scheme in schemes:
            last = scheme == schemes[-1]
            try:
                response = self._greeting(f"{scheme}://{host}")
            except requests.RequestException as error:
                if last:
                    raise explain_failure(error, asked) from error
                continue
            # A TLS server answers 400 to HTTP, or leads to its other port.
            if last or not (response.status_code == 400 or response.is_redirect):
                return f"{scheme}://{host}", response
        raise AssertionError("there is always a last scheme")

    def _greeting(self, base: str) -> requests.Response:
        return self._http.get(
            f"{base}/v2/",
            auth=_Authorization(""),
            timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            allow_redirects=False,
        )

    def _authorization(self, challenge: Challenge, call: Call) -> str:
        if challenge.kind == "open":
            return ""
        if challenge.kind == "basic":
            return self._basic()
        return f"Bearer {self._token(challenge, call)}"

    def _basic(self) -> str:
        if self._credentials is None:
            return ""
        return _basic_auth_str(self._credentials.username, self._credentials.password.reveal())

    def _token(self, challenge: Challenge, call: Call) -> str:
        now = self._clock.monotonic()
        with self._lock:
            for scopes, (token, valid_until) in self._tokens.items():
                if now < valid_until and _cover(scopes, call.scopes):
                    return token
        token, seconds = self._fetch_token(challenge, call)
        with self._lock:
            self._tokens[call.scopes] = (token, now + seconds * 0.8)
        return token

    def _fetch_token(self, challenge: Challenge, call: Call) -> tuple[str, float]:
        self._check_realm(challenge.realm, call.asked)
        try:
            response = self._http.get(
                challenge.realm,
                params={"service": challenge.service, "scope": list(call.scopes)},
                auth=_Authorization(self._basic()),
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            )
        except requests.RequestException as error:
            raise explain_failure(error, call.asked) from error
        if response.status_code != 200:
            raise explain_answer(response, call.asked)
        return _token_in(response, call.asked)

    def _check_realm(self, realm: str, asked: Asked) -> None:
        """The password goes to the realm, so an address without TLS is taken only where allowed."""
        if urlsplit(realm).scheme != "https" and not self._base.startswith("http://"):
            raise AccessDenied(
                f"Could not {asked.doing}",
                f"{self.host} wants the credentials sent to {realm}, which has no TLS.",
                "Serve the registry's token address over https.",
            )


def is_loopback(host: str) -> bool:
    """Whether `host` (with or without a port) is this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _cover(held: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    """Whether a token for the scopes `held` serves for `wanted`: pushing includes pulling."""
    included = {*held, *(scope.removesuffix(",push") for scope in held)}
    return included.issuperset(wanted)


def _challenge_of(response: requests.Response, asked: Asked) -> Challenge:
    if response.status_code == 200:
        return Challenge("open")
    header = response.headers.get("WWW-Authenticate", "")
    scheme = header.partition(" ")[0].lower()
    if response.status_code == 401 and scheme == "basic":
        return Challenge("basic")
    parameters = dict(_PARAMETER.findall(header))
    if response.status_code == 401 and scheme == "bearer" and "realm" in parameters:
        # The challenge's own scope is a placeholder on GHCR; each call names its own.
        return Challenge("bearer", parameters["realm"], parameters.get("service", ""))
    raise explain_answer(response, asked)


def _token_in(response: requests.Response, asked: Asked) -> tuple[str, float]:
    """The token and for how many seconds it is valid; it is opaque and never looked into."""
    try:
        answer = response.json()
        token = answer.get("token") or answer["access_token"]
        return str(token), float(answer.get("expires_in") or TOKEN_SECONDS)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise explain_answer(response, asked) from None
