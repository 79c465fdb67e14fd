"""Being woken by Argo CD's event stream. The stream only says that something changed; what is
true is always asked for, so a cut, silent or forbidden stream costs time and nothing else.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_connection import ArgoCDError
from astrago_actions.clock import Clock

SILENCE_SECONDS = 40.0
_LONGEST_PAUSE = 30.0
_SLICE = 0.1
# Frames that repeat the one before are dropped by the server, so each has to carry its version.
FIELDS = (
    "result.type,result.application.metadata.name,result.application.metadata.namespace,"
    "result.application.metadata.resourceVersion"
)


class Doorbell:
    """Lets other threads cut a wait short; remembers for which applications it was rung."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rung: set[str] = set()
        self._lock = threading.Lock()

    def ring(self, name: str) -> None:
        """Something happened to the application `name`."""
        with self._lock:
            self._rung.add(name)

    def answer(self) -> set[str]:
        """The names that were rung since the last answer."""
        with self._lock:
            rung, self._rung = self._rung, set()
            return rung

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or shortly after a ring."""
        end = self._clock.monotonic() + seconds
        while not self._rung:
            left = end - self._clock.monotonic()
            if left <= 0:
                return
            self._clock.sleep(min(max(left, 0.001), _SLICE))


class EventStream:
    """One stream for all watched applications, followed from a thread of its own."""

    def __init__(self, server: ArgoCD, places: Sequence[Place], bell: Doorbell) -> None:
        self._server = server
        self._names = {place.name for place in places}
        self._query = _query(places)
        self._bell = bell
        self._stopped = threading.Event()
        self._heard: set[str] = set()
        self.connected = False

    def start(self) -> None:
        """Follow the stream until `stop`; the thread never keeps the process alive."""
        threading.Thread(target=self._follow, name="argocd-stream", daemon=True).start()

    def tells_of(self, name: str) -> bool:
        """Whether changes of this application ring: the stream lives and has named it before."""
        return self.connected and name in self._heard

    def stop(self) -> None:
        """Connect no more."""
        self._stopped.set()

    def _follow(self) -> None:
        pause = 0.5
        while not self._stopped.is_set():
            frames = 0
            try:
                frames = self._listen()
            except ArgoCDError as error:
                if error.trouble.kind in {"hidden", "refused", "certificate"}:
                    return
            finally:
                self.connected = False
                self._heard.clear()
            pause = 0.5 if frames else min(pause * 2, _LONGEST_PAUSE)
            self._stopped.wait(pause)

    def _listen(self) -> int:
        frames = 0
        for line in self._server.stream(self._query, silence_seconds=SILENCE_SECONDS):
            if self._stopped.is_set():
                break
            name = name_in(line)
            if name in self._names:
                # A stream that only keeps itself alive tells nothing of hidden applications.
                self._heard.add(name)
                self.connected = True
                frames += 1
                self._bell.ring(name)
        return frames


def _query(places: Sequence[Place]) -> dict[str, str]:
    query = {"fields": FIELDS}
    if len(places) == 1:
        query["name"] = places[0].name
    namespaces = {place.namespace for place in places}
    projects = {place.project for place in places}
    if len(namespaces) == 1 and "" not in namespaces:
        query["appNamespace"] = namespaces.pop()
    if len(projects) == 1 and "" not in projects:
        query["projects"] = projects.pop()
    return query


def name_in(line: bytes) -> str:
    """The application that a frame speaks of; "" for comments and what cannot be read."""
    text = line.removeprefix(b"data:").strip()
    if not text.startswith(b"{"):
        return ""
    try:
        return str(json.loads(text)["result"]["application"]["metadata"]["name"])
    except (ValueError, KeyError, TypeError):
        return ""
