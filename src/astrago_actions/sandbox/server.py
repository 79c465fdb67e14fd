"""A small HTTP server on loopback: requests in, responses out, faults on request.

Every part of the sandbox is an `Application` behind one of these. Faults are asked for at
`POST /_sandbox/faults`, so that a test or a person can make any call fail in any way; what was
exchanged can be read at `.exchanges`.
"""

from __future__ import annotations

import json
import random
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

LARGEST_KEPT_BODY = 1024 * 1024


@dataclass(frozen=True)
class Request:
    """One request; `path` is unquoted and without the query, header names are lower case.

    `query` holds the last value of a name that comes twice; `raw_query` is as it was sent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    raw_query: str = ""

    def json(self) -> Any:
        """The body as JSON; raises ValueError when it is not."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    """One response. A body that is an iterator is streamed and ends with the connection."""

    status: int
    body: bytes | Iterator[bytes] = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def json_response(status: int, value: object, headers: Mapping[str, str] | None = None) -> Response:
    """A response whose body is JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    content_type = {"Content-Type": "application/json; charset=utf-8"}
    return Response(status, body, {**content_type, **(headers or {})})


class Application(Protocol):
    """Something that answers requests."""

    def respond(self, request: Request) -> Response:
        """The answer to one request; called from many threads."""


FAULT_KINDS = ("latency", "status", "status-after", "reset-before", "reset-after", "cut")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong with requests that match.

    `kind` is `latency` (answer after `seconds`), `status` (answer with `status`, `body` and
    `headers`, the request is not applied), `status-after` (the same, but applied), `reset-before`
    and `reset-after` (the connection is cut without an answer, before or after applying), or `cut`
    (a streamed answer ends after `seconds`). `method` and `path` (a regular expression that must
    match the whole path) choose the requests; `contains` is text that the body must hold. After
    `times` uses the fault is over (None: never), and each match counts with `probability`.
    """

    kind: str
    method: str = ""
    path: str = ".*"
    contains: str = ""
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 502
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.kind not in FAULT_KINDS:
            raise ValueError(f"kind is {self.kind!r}, and must be one of {', '.join(FAULT_KINDS)}")

    def matches(self, request: Request) -> bool:
        """Whether this request is meant."""
        return (
            (not self.method or self.method == request.method)
            and re.fullmatch(self.path, request.path) is not None
            and self.contains.encode() in request.body
        )


class Faults:
    """The faults that are still to happen; `seed` makes probabilities repeatable."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._pending: list[tuple[Fault, int]] = []
        self._random = random.Random(seed)  # noqa: S311 - which call fails is no secret

    def add(self, fault: Fault) -> None:
        """Let this fault happen from now on."""
        with self._lock:
            self._pending.append((fault, 0))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._pending.clear()

    def take(self, request: Request) -> list[Fault]:
        """The faults that happen to this request, each counted as used once."""
        with self._lock:
            taken: list[Fault] = []
            kept: list[tuple[Fault, int]] = []
            for fault, used in self._pending:
                happens = fault.matches(request) and self._random.random() < fault.probability
                if happens:
                    taken.append(fault)
                    used += 1
                if fault.times is None or used < fault.times:
                    kept.append((fault, used))
            self._pending = kept
            return taken


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as they went over the wire."""

    request: Request
    response: Response
    faults: tuple[Fault, ...] = ()


class LoopbackServer:
    """An application served on 127.0.0.1; use as a context manager or call `start` and `stop`."""

    def __init__(self, application: Application, port: int = 0) -> None:
        self.faults = Faults()
        self.exchanges: list[Exchange] = []
        self._application = application
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.owner = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        """The address, such as `http://127.0.0.1:40123`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> LoopbackServer:
        """Serve from a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> LoopbackServer:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def answer(self, request: Request) -> tuple[Response | None, list[Fault]]:
        """The answer after faults; None means that the connection is to be cut."""
        if request.path == "/_sandbox/faults":
            return self._change_faults(request), []
        faults = self.faults.take(request)
        response = self._answer_with(request, faults)
        if response is not None:
            self.exchanges.append(_kept(request, response, faults))
        return response, faults

    def _answer_with(self, request: Request, faults: list[Fault]) -> Response | None:
        for fault in faults:
            if fault.kind == "latency":
                time.sleep(fault.seconds)
        kinds = {fault.kind for fault in faults}
        if "reset-before" in kinds:
            return None
        for fault in faults:
            if fault.kind == "status":
                return _fault_response(fault)
        response = self._application.respond(request)
        if "reset-after" in kinds:
            return None
        for fault in faults:
            if fault.kind == "status-after":
                return _fault_response(fault)
        return response

    def _change_faults(self, request: Request) -> Response:
        if request.method == "DELETE":
            self.faults.clear()
            return Response(204)
        try:
            self.faults.add(Fault(**request.json()))
        except (TypeError, ValueError) as error:
            return json_response(422, {"message": str(error)})
        return Response(204)


def _kept(request: Request, response: Response, faults: list[Fault]) -> Exchange:
    """What is remembered of an exchange: not the bodies of image layers."""
    if len(request.body) > LARGEST_KEPT_BODY:
        request = replace(request, body=b"")
    if isinstance(response.body, bytes) and len(response.body) > LARGEST_KEPT_BODY:
        response = replace(response, body=b"")
    return Exchange(request, response, tuple(faults))


def _fault_response(fault: Fault) -> Response:
    content_type = "application/json" if fault.body.startswith("{") else "text/html"
    headers = {"Content-Type": content_type, **fault.headers}
    return Response(fault.status, fault.body.encode(), headers)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    owner: LoopbackServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up, as followers of a stream do, is nobody's trouble."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: _Server

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=unquote(parts.path),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            headers={
                name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers
            },
            body=self._body(),
            raw_query=parts.query,
        )
        response, faults = self.server.owner.answer(request)
        if response is None:
            self._reset()
            return
        try:
            self._send(response, faults)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.flush()
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return b"".join(self._chunks())
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _send(self, response: Response, faults: list[Fault]) -> None:
        self.send_response_only(response.status)
        if "Date" not in response.headers:
            self.send_header("Date", self.date_time_string())
        for name, value in response.headers.items():
            self.send_header(name, value)
        if isinstance(response.body, bytes):
            if "Content-Length" not in response.headers:
                self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)
            self.wfile.flush()
            return
        self.close_connection = True
        self.send_header("Connection", "close")
        self.end_headers()
        self._stream(response.body, faults)

    def _stream(self, chunks: Iterator[bytes], faults: list[Fault]) -> None:
        cuts = [fault.seconds for fault in faults if fault.kind == "cut"]
        deadline = time.monotonic() + min(cuts) if cuts else None
        for chunk in chunks:
            if deadline is not None and time.monotonic() >= deadline:
                break
            self.wfile.write(chunk)
            self.wfile.flush()

    def _reset(self) -> None:
        """Cut the connection with a TCP reset, as a crashed proxy would."""
        self.close_connection = True
        linger_and_reset = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_and_reset)
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: what was exchanged is kept in `exchanges`."""
