"""What Argo CD says of an application over time, seen from outside through its API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import requests

from astrago_actions.sandbox.demo_record import ApplicationState

PAUSE = 0.1


class ApplicationWatch:
    """Notes every change of an application's state; use as a context manager.

    `listen` hears each new state from the watch's own thread.
    """

    def __init__(
        self,
        server: str,
        token: str,
        application: str,
        listen: Callable[[ApplicationState], None] = lambda _: None,
    ) -> None:
        self.states: list[ApplicationState] = []
        self._address = f"{server}/api/v1/applications/{application}"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._listen = listen
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ApplicationWatch:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
        self._session.close()

    def _watch(self) -> None:
        while not self._stop.wait(PAUSE):
            self._look()

    def _look(self) -> None:
        answer = self._session.get(self._address, timeout=10)
        answer.raise_for_status()
        state = application_state(answer.json(), time.time())
        if not self.states or replace(state, moment=self.states[-1].moment) != self.states[-1]:
            self.states.append(state)
            self._listen(state)


def application_state(application: dict[str, Any], moment: float) -> ApplicationState:
    """The state in Argo CD's description of an application."""
    status = application.get("status", {})
    sync = status.get("sync", {})
    operation = status.get("operationState", {})
    return ApplicationState(
        moment=moment,
        sync=sync.get("status", ""),
        operation=operation.get("phase", ""),
        health=status.get("health", {}).get("status", ""),
        revision=sync.get("revision", ""),
        applied=operation.get("syncResult", {}).get("revision", ""),
        images=tuple(status.get("summary", {}).get("images", ())),
    )
