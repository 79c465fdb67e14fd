"""A server that plays a scenario over HTTP, by the seconds of a clock."""

from __future__ import annotations

import json
from typing import Any

from astrago_actions.clock import Clock
from astrago_actions.sandbox.server import Request, Response, json_response
from tests.rollout_script import Frame, Scenario, Script, managed, tree

PAGE = Response(200, b"<html>Log in</html>", {"Content-Type": "text/html"})
NOT_FOUND_PAGE = Response(404, b"404 page not found", {"Content-Type": "text/plain"})
REDIRECT = Response(302, b"", {"Location": "https://login.example.com/?next=secret"})
CODES = {"400": 3, "401": 16, "403": 7, "404": 5, "429": 8, "503": 14}
SYNC_REFUSALS = {
    "busy": (400, 9, "another operation is already in progress"),
    "window": (403, 7, "cannot sync: blocked by sync window"),
    "forbidden": (403, 7, "permission denied: applications, sync, default/web"),
}


class Hang(Exception):
    """The connection is to be cut."""


class ScriptedArgoCD:
    """Answers what the scenario's frame of the moment holds."""

    def __init__(self, scenario: Scenario, clock: Clock) -> None:
        self._scenario = scenario
        self._script = Script(scenario)
        self._clock = clock
        self._began = clock.monotonic()

    @property
    def _at(self) -> float:
        return self._clock.monotonic() - self._began

    def respond(self, request: Request) -> Response:
        """The answer to one request."""
        if request.path == "/api/v1/session/userinfo" and not self._scenario.logged_in:
            return json_response(200, {})
        frame = self._script.frame(self._at)
        if frame.trouble:
            return self._trouble(frame, request)
        if request.path == "/api/version":
            return json_response(200, {"Version": "v3.5.1"})
        if request.path == "/api/v1/session/userinfo":
            return json_response(200, {"loggedIn": True, "username": "ci"})
        return self._about_application(frame, request)

    def _trouble(self, frame: Frame, request: Request) -> Response:
        pages = {"page": PAGE, "404 page": NOT_FOUND_PAGE, "redirect": REDIRECT}
        if frame.trouble in pages:
            return pages[frame.trouble]
        if request.path == "/api/version":
            return json_response(200, {"Version": "v3.5.1"})
        about_us = request.path == "/api/v1/session/userinfo"
        if about_us and frame.trouble in {"400", "403", "404"}:
            return json_response(200, {"loggedIn": True, "username": "ci"})
        return refusal(int(frame.trouble), CODES[frame.trouble], f"said {frame.trouble}")

    def _about_application(self, frame: Frame, request: Request) -> Response:
        end = request.path.rpartition("/applications/web")[2]
        if request.method == "POST" and end == "/sync":
            return self._sync(frame)
        if "refresh" in request.query:
            return self._refresh(frame, hard=request.query["refresh"] == "hard")
        windows = [frame.window] if frame.window else []
        answers: dict[str, Any] = {
            "": frame.document,
            "/resource-tree": tree(frame.pods),
            "/managed-resources": managed(frame.desired),
            "/syncwindows": {"activeWindows": windows, "assignedWindows": windows},
            "/events": {"items": []},
            "/resource": {"manifest": json.dumps({})},
        }
        if end not in answers:
            return refusal(404, 5, "Not Found")
        return json_response(200, answers[end])

    def _refresh(self, frame: Frame, *, hard: bool) -> Response:
        if frame.refresh != "answered":
            return refusal(504, 4, "application refresh deadline exceeded")
        if hard:
            self._script.hard_refreshed(self._at)
        return json_response(200, self._script.frame(self._at).document)

    def _sync(self, frame: Frame) -> Response:
        if frame.sync_answer in SYNC_REFUSALS:
            return refusal(*SYNC_REFUSALS[frame.sync_answer])
        self._script.synced(self._at)
        return json_response(200, frame.document)


def refusal(status: int, code: int, message: str) -> Response:
    """An error as Argo CD's gateway words it."""
    return json_response(status, {"error": message, "code": code, "message": message})
