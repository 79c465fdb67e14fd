"""Several clients of one server, of which one moves at a time: the test says which, and when."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from astrago_actions.sandbox.github.access import credential
from astrago_actions.sandbox.server import Application, Fault, LoopbackServer, Request, Response

Result = TypeVar("Result")

# A client that neither asks nor ends for so long hangs.
PATIENCE_SECONDS = 60.0


class Client(Generic[Result]):
    """Some work in a thread of its own; `held` is the request that waits at the server.

    `result` or `error` is there once it has `ended`.
    """

    def __init__(self, token: str, work: Callable[[], Result], turn: threading.Condition) -> None:
        self.token = token
        self.held: Request | None = None
        self.ended = False
        self.result: Result | None = None
        self.error: BaseException | None = None
        self.may_pass = False
        self._work = work
        self._turn = turn
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin, and return when the first request waits."""
        with self._turn:
            self._thread.start()
            self.wait()

    def wait(self) -> None:
        """Return when a request waits or the work has ended; the turn is held by the caller."""
        if not self._turn.wait_for(lambda: self.held or self.ended, PATIENCE_SECONDS):
            raise TimeoutError(f"{self.token} neither asks for anything nor ends")

    def _run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error
        with self._turn:
            self.ended = True
            self._turn.notify_all()


class HoldingServer(LoopbackServer):
    """A server that holds every request of its clients until it is let pass.

    Requests with other tokens are answered at once.
    """

    def __init__(self, application: Application) -> None:
        super().__init__(application)
        self._turn = threading.Condition()
        self._clients: dict[str, Client[Any]] = {}

    def client(self, token: str, work: Callable[[], Result]) -> Client[Result]:
        """Start some work whose requests carry `token`, up to its first request."""
        client = Client(token, work, self._turn)
        self._clients[token] = client
        client.start()
        return client

    def let_pass(self, client: Client[Result], *faults: Fault) -> None:
        """Answer the client's request, with these faults; return when it asks again or ends."""
        for fault in faults:
            self.faults.add(fault)
        with self._turn:
            client.held, client.may_pass = None, True
            self._turn.notify_all()
            client.wait()
        self.faults.clear()

    def answer(self, request: Request) -> tuple[Response | None, list[Fault]]:
        """The answer, once the request is let pass."""
        client = self._clients.get(credential(request.headers))
        if client is not None:
            with self._turn:
                client.held = request
                self._turn.notify_all()
                self._turn.wait_for(lambda: client.may_pass)
                client.may_pass = False
        return super().answer(request)
