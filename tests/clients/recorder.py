"""A service on loopback that takes everything and keeps it."""

from __future__ import annotations

from astrago_actions.sandbox.server import Request, Response


class Recorder:
    """Answers every request with the same; `received` keeps them in order."""

    def __init__(self, status: int = 200, body: bytes = b"ok") -> None:
        self.received: list[Request] = []
        self._status = status
        self._body = body

    def respond(self, request: Request) -> Response:
        """Keep the request and answer."""
        self.received.append(request)
        return Response(self._status, self._body, {"Content-Type": "text/plain"})
