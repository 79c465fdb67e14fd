"""What is asked beside the application's document: one question a look, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_connection import ArgoCDError
from astrago_actions.domain.rollout.application import Application, Pod, Standstill, Workload
from astrago_actions.domain.rollout.pods import in_image_trouble
from astrago_actions.domain.rollout.values import SyncAnswer, Verdict

_WINDOWS_EVERY = 30.0
_WINDOWS_AFTER = 4.0
_WILL_NOT_TELL = frozenset({"hidden", "refused", "not-argo-cd"})

Question = Literal["refresh", "hard-refresh", "sync", "windows", "manifests", "pods", "cause"]
"""One request: something to be done (the first three) or to be known."""

REFRESHES: frozenset[Question] = frozenset({"refresh", "hard-refresh"})
"""What blocks until Argo CD has compared; one at a time."""

COMMANDS: frozenset[Question] = REFRESHES | {"sync"}
"""What is asked for once and must not be dropped for something newer."""

Background = Callable[[Callable[[], None]], None]
"""Runs a task without waiting for it."""


def in_thread(task: Callable[[], None]) -> None:
    """Run in a thread that does not keep the process alive."""
    threading.Thread(target=task, daemon=True).start()


class Inquiry:
    """The questions about one application, and what is known from their answers.

    What the server will not tell is None; what it cannot tell just now is asked again later.
    """

    def __init__(
        self, server: ArgoCD, place: Place, background: Background, rang: Callable[[str], None]
    ) -> None:
        self.workload: Workload | None = None
        self.sync_answer: SyncAnswer | None = None
        self.window = ""
        self.refreshes = 0
        self.hard_refreshes = 0
        self.refreshing = False
        self._server = server
        self._place = place
        self._background = background
        self._rang = rang
        self._arrived: tuple[float, Application] | None = None
        self._desired: tuple[tuple[object, ...], tuple[str, ...] | None] | None = None
        self._window_at: float | None = None
        self._reasons: dict[tuple[str, str], Standstill] = {}

    def questions(
        self,
        verdict: Verdict,
        application: Application,
        at: float,
        *,
        idle_seconds: float,
        by_images: bool,
    ) -> list[Question]:
        """What to ask before the document is read again, in this order.

        `idle_seconds` is for how long the application has been out of sync with nothing going on;
        `by_images` says whether the wanted images matter.
        """
        wanted: list[Question] = []
        if "hard-refresh" in verdict.wants:
            wanted.append("hard-refresh")
        elif "refresh" in verdict.wants:
            wanted.append("refresh")
        if "sync" in verdict.wants:
            wanted.append("sync")
        if self._windows_are_due(application, idle_seconds, at):
            wanted.append("windows")
        if "workload" in verdict.wants:
            unknown = by_images and not self._manifests_are_known(application)
            wanted += ["manifests", "pods"] if unknown else ["pods"]
        return wanted

    def ask(self, question: Question, application: Application, at: float) -> list[Question]:
        """Ask; returns what has to be asked in consequence. Raises ArgoCDError."""
        if question in REFRESHES:
            self._refresh(hard=question == "hard-refresh", at=at)
        elif question == "sync":
            self.sync_answer = self._server.sync(self._place, prune=application.prune)
            return ["windows"] if self.sync_answer.outcome == "window" else []
        elif question == "windows":
            self._look_at_windows(application, at)
        elif question == "manifests":
            self._desired = self._comparison(application), self._told_images()
        elif question == "pods":
            return self._look_at_pods(application, at)
        else:
            self._look_at_cause()
        return []

    def arrived(self) -> Application | None:
        """The document that a refresh brought, once; None when it may be older than the pods.

        When the server wrote it is not known, only that it was after the refresh was asked for.
        """
        arrived, self._arrived = self._arrived, None
        if arrived is None:
            return None
        asked_at, application = arrived
        is_newer = self.workload is None or self.workload.at <= asked_at
        return application if is_newer else None

    @property
    def has_arrived(self) -> bool:
        """Whether the answer of a refresh waits to be taken."""
        return self._arrived is not None

    def compared_anew(self) -> None:
        """Another revision is compared now: what became of our sync says nothing about it."""
        self.sync_answer = None

    def _refresh(self, *, hard: bool, at: float) -> None:
        self.refreshing = True

        def task() -> None:
            try:
                application = self._server.refresh(self._place, hard=hard)
            except ArgoCDError:
                return
            finally:
                self.refreshing = False
            self.refreshes += 1
            self.hard_refreshes += hard
            self._arrived = at, application
            self._rang(self._place.name)

        self._background(task)

    def _windows_are_due(self, application: Application, idle_seconds: float, at: float) -> bool:
        """Windows matter only while something should be synced and is not."""
        if application.sync_status != "OutOfSync":
            self.window, self._window_at = "", None
            return False
        if self._window_at is not None:
            return at - self._window_at >= _WINDOWS_EVERY
        return idle_seconds >= _WINDOWS_AFTER

    def _look_at_windows(self, application: Application, at: float) -> None:
        self.window, self._window_at = "", at
        self.window, _ = self._server.windows(self._place, automated=application.automated)

    def _comparison(self, application: Application) -> tuple[object, ...]:
        """What the wanted images depend on."""
        return application.revisions, application.reconciled_at, self.hard_refreshes

    def _manifests_are_known(self, application: Application) -> bool:
        return self._desired is not None and self._desired[0] == self._comparison(application)

    def _told_images(self) -> tuple[str, ...] | None:
        try:
            return self._server.desired_images(self._place)
        except ArgoCDError as error:
            if error.trouble.kind in _WILL_NOT_TELL:
                return None
            raise

    def _look_at_pods(self, application: Application, at: float) -> list[Question]:
        pods = self._told_pods()
        known = self._manifests_are_known(application)
        desired = self._desired[1] if self._desired and known else None
        self.workload = Workload(
            at,
            application.revisions,
            desired,
            pods if pods is None else self._with_reasons(pods),
            self.hard_refreshes,
            known,
        )
        return ["cause"] if self._without_cause() else []

    def _told_pods(self) -> tuple[Pod, ...] | None:
        try:
            pods, _ = self._server.tree(self._place)
        except ArgoCDError as error:
            if error.trouble.kind in _WILL_NOT_TELL:
                return None
            raise
        return pods

    def _without_cause(self) -> Pod | None:
        """A pod that waits for a reason which the tree does not name; its live object does.

        Each cause is asked for once.
        """
        pods = self.workload.pods if self.workload else None
        silent = [each for each in pods or () if _needs_a_reason(each)]
        return next((each for each in silent if _cause_key(each) not in self._reasons), None)

    def _look_at_cause(self) -> None:
        pod, workload = self._without_cause(), self.workload
        if pod is None or workload is None:
            return
        self._reasons[_cause_key(pod)] = Standstill()
        self._reasons[_cause_key(pod)] = self._server.standstill(self._place, pod)
        self.workload = replace(workload, pods=self._with_reasons(workload.pods or ()))

    def _with_reasons(self, pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
        return tuple(_with_reason(each, self._reasons.get(_cause_key(each))) for each in pods)


def _needs_a_reason(pod: Pod) -> bool:
    return not pod.message and (pod.reason == "Pending" or in_image_trouble(pod))


def _cause_key(pod: Pod) -> tuple[str, str]:
    return pod.uid, pod.reason


def _with_reason(pod: Pod, found: Standstill | None) -> Pod:
    if found is None or pod.message:
        return pod
    is_clearer = found.reason and pod.reason == "Pending"
    return replace(pod, reason=found.reason if is_clearer else pod.reason, message=found.message)
