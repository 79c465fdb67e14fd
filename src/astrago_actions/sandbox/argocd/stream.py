"""The stream of changes, as events with signs of life or as plain lines without."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping

from astrago_actions.sandbox.argocd.access import Account
from astrago_actions.sandbox.argocd.application import ApplicationState
from astrago_actions.sandbox.argocd.fleet import Change, Fleet, is_asked_for, is_seen

KEEPALIVE_SECONDS = 15.0
_SLICE_SECONDS = 0.02


class ChangeStream:
    """What one client is sent: first what is there, then each change; nothing for what is hidden.

    A frame that equals the one before is left out, as the real server does.
    """

    def __init__(
        self, fleet: Fleet, account: Account, query: Mapping[str, str], *, as_events: bool
    ) -> None:
        self._fleet = fleet
        self._account = account
        self._query = query
        self._as_events = as_events
        self._last = b""

    def __iter__(self) -> Iterator[bytes]:
        with self._fleet.lock:
            seen = len(self._fleet.changes)
            present: list[Change] = [("ADDED", each) for each in self._fleet.applications.values()]
        yield from self._frames(present)
        quiet_since = time.monotonic()
        while True:
            with self._fleet.lock:
                self._fleet.agenda.catch_up()
                fresh, seen = self._fleet.changes[seen:], len(self._fleet.changes)
            for frame in self._frames(fresh):
                quiet_since = time.monotonic()
                yield frame
            if self._as_events and time.monotonic() - quiet_since > KEEPALIVE_SECONDS:
                quiet_since = time.monotonic()
                yield b":\n"
            time.sleep(_SLICE_SECONDS)

    def _frames(self, changes: list[Change]) -> Iterator[bytes]:
        for kind, application in changes:
            if self._is_sent(application):
                frame = self._frame(kind, application)
                if frame != self._last:
                    self._last = frame
                    yield frame

    def _is_sent(self, application: ApplicationState) -> bool:
        return (
            application.behaviour.stream != "silent"
            and is_seen(self._account, application)
            and is_asked_for(self._query, application)
        )

    def _frame(self, kind: str, application: ApplicationState) -> bytes:
        with self._fleet.lock:
            document = application.document()
        if self._query.get("fields"):
            metadata = document["metadata"]
            kept = {key: metadata[key] for key in ("name", "namespace", "resourceVersion")}
            document = {"metadata": kept}
        body = json.dumps({"result": {"type": kind, "application": document}}).encode()
        return b"data: " + body + b" \n\n" if self._as_events else body + b"\n"
