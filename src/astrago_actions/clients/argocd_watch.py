"""Watching one application: ask Argo CD, let the state machine judge, do what it asks for."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from astrago_actions.clients.ancestry import Ancestry
from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_connection import ArgoCDError
from astrago_actions.domain.rollout.application import Application, Pod, Session, Workload
from astrago_actions.domain.rollout.judge import judge
from astrago_actions.domain.rollout.pods import in_image_trouble
from astrago_actions.domain.rollout.values import (
    Memory,
    Observation,
    Relation,
    SyncAnswer,
    Target,
    Trouble,
    Verdict,
)

_SHA = re.compile(r"\b[0-9a-f]{40,64}\b")
_WINDOWS_EVERY = 30.0
_LONGEST_PAUSE = 30.0
_WAITING_PODS = 2

Background = Callable[[Callable[[], None]], None]
"""Runs a task without waiting for it."""


def in_thread(task: Callable[[], None]) -> None:
    """Run in a thread that does not keep the process alive."""
    threading.Thread(target=task, daemon=True).start()


WhenFound = Callable[[Application], "tuple[Target, Ancestry]"]
"""What is waited for, known only when the application is there."""


@dataclass(frozen=True)
class Pace:
    """How often to look; `spread` is the share by which each pause is varied.

    With a living event stream looks may be rare, for it says when something changes.
    """

    spread: float = 0.2
    chance: Callable[[], float] = random.random

    def pause(self, in_state_for: float, failures: int, *, woken_by_stream: bool) -> float:
        """Seconds until the next look, given how long nothing changed and what failed in a row."""
        if failures:
            base = min(2.0**failures, _LONGEST_PAUSE)
        elif woken_by_stream:
            base = 8.0
        elif in_state_for < 20:
            base = 2.0
        else:
            base = 4.0 if in_state_for < 180 else 8.0
        return base * (1 + self.spread * (2 * self.chance() - 1))


class Watch:
    """One application on its way; `look` moves it on by one observation."""

    def __init__(
        self,
        server: ArgoCD,
        place: Place,
        target: Target,
        ancestry: Ancestry,
        *,
        background: Background = in_thread,
        rang: Callable[[str], None] = lambda _: None,
        pace: Pace | None = None,
        session: Session | None = None,
        when_found: WhenFound | None = None,
    ) -> None:
        self.place = place
        self.target = target
        self.memory = Memory()
        self.application: Application | None = None
        self.workload: Workload | None = None
        self.verdict = Verdict("preflight", "not-looked-yet", "looking at the application")
        self.next_at = 0.0
        self.looked_at = 0.0
        self._server = server
        self._ancestry = ancestry
        self._background = background
        self._rang = rang
        self._pace = pace or Pace()
        self._session = session
        self._when_found = when_found
        self._refreshes = {False: 0, True: 0}
        self._refreshing = False
        self._sync_answer: SyncAnswer | None = None
        self._window = ""
        self._reasons: dict[tuple[str, str], tuple[str, str]] = {}
        self._window_at: float | None = None
        self._failures = 0
        self._changed_at = 0.0

    @property
    def ancestry_problem(self) -> str:
        """Why ancestry could not be told; "" where it could."""
        return self._ancestry.problem

    @property
    def has_just_changed(self) -> bool:
        """Whether the last look found something else than the one before."""
        return self._changed_at == self.looked_at

    def look(self, at: float, *, stream_lives: bool = False) -> Verdict:
        """Observe once at `at` seconds, judge, do what the verdict wants; returns the verdict."""
        self.looked_at = at
        observation = self._observe(at)
        before = self.verdict
        self.verdict, self.memory = judge(self.target, observation, self.memory)
        if self.verdict.row != before.row:
            self._changed_at = at
        if not self.verdict.final:
            self._do(self.verdict, at)
        self.next_at = at + self._pause(at, observation.trouble, stream_lives=stream_lives)
        return self.verdict

    def _observe(self, at: float) -> Observation:
        try:
            application = self._server.application(self.place)
        except ArgoCDError as error:
            self._failures += 1
            return Observation(at=at, trouble=error.trouble, session=self._session)
        self._failures = 0
        if self._when_found is not None:
            self.target, self._ancestry = self._when_found(application)
            self._when_found = None
        if self.application and self.application.revisions != application.revisions:
            self._sync_answer = None
        self.application = application
        self._look_at_windows(application, at)
        return Observation(
            at=at,
            application=application,
            relations=self._relations(application),
            workload=self.workload,
            session=self._session,
            refreshes=self._refreshes[False] + self._refreshes[True],
            hard_refreshes=self._refreshes[True],
            sync_answer=self._sync_answer,
            active_window=self._window,
        )

    def _relations(self, application: Application) -> dict[str, Relation]:
        if not self.target.revision:
            return {}
        named = _named_revisions(application)
        if self.memory.seen_at is None:
            named |= set(self.memory.baseline.revisions if self.memory.baseline else ())
            sources = (*application.sources, application.hydrated_from)
            named |= {each.target_revision or "HEAD" for each in sources if each and not each.chart}
        return {each: self._ancestry.relation(each) for each in sorted(named) if each}

    def _look_at_windows(self, application: Application, at: float) -> None:
        """Windows matter only while something should be synced and is not."""
        if application.sync_status != "OutOfSync":
            self._window, self._window_at = "", None
            return
        if self._window_at is not None and at - self._window_at < _WINDOWS_EVERY:
            return
        self._window_at = at
        try:
            self._window, _ = self._server.windows(self.place, automated=application.automated)
        except ArgoCDError:
            self._window = ""

    def _do(self, verdict: Verdict, at: float) -> None:
        if "hard-refresh" in verdict.wants:
            self._refresh(hard=True)
        elif "refresh" in verdict.wants:
            self._refresh(hard=False)
        if "sync" in verdict.wants and self.application is not None:
            self._sync_answer = self._server.sync(self.place, prune=self.application.prune)
        if "workload" in verdict.wants and self.application is not None:
            self._look_at_workload(self.application, at, verify=verdict.state == "verify")

    def _refresh(self, *, hard: bool) -> None:
        if self._refreshing:
            return
        self._refreshing = True

        def task() -> None:
            try:
                self._server.refresh(self.place, hard=hard)
                self._refreshes[hard] += 1
            except ArgoCDError:
                return
            finally:
                self._refreshing = False
                self._rang(self.place.name)

        self._background(task)

    def _look_at_workload(self, application: Application, at: float, *, verify: bool) -> None:
        """Pods, and the wanted images unless they are known for this revision.

        What the server will not tell is None; what it cannot tell just now is asked again.
        """
        known, hard_refreshes = self.workload, self._refreshes[True]
        current = known is not None and known.revisions == application.revisions
        current = current and known is not None and known.hard_refreshes == hard_refreshes
        try:
            pods = self._pods()
            desired = known.desired_images if known and current and not verify else self._desired()
        except ArgoCDError:
            return
        self.workload = Workload(at, application.revisions, desired, pods, hard_refreshes)

    def _desired(self) -> tuple[str, ...] | None:
        try:
            return self._server.desired_images(self.place)
        except ArgoCDError as error:
            if error.trouble.kind in {"hidden", "refused", "not-argo-cd"}:
                return None
            raise

    def _pods(self) -> tuple[Pod, ...] | None:
        try:
            pods, _ = self._server.tree(self.place)
        except ArgoCDError as error:
            if error.trouble.kind in {"hidden", "refused", "not-argo-cd"}:
                return None
            raise
        return self._with_reasons(pods)

    def _with_reasons(self, pods: tuple[Pod, ...]) -> tuple[Pod, ...]:
        """The tree names no cause for a pod that is not started; its live object does.

        Each cause is asked for once, and of few pods: their siblings have the same.
        """
        silent = [each for each in pods if _needs_a_reason(each)][:_WAITING_PODS]
        for each in silent:
            if (each.uid, each.reason) not in self._reasons:
                self._reasons[each.uid, each.reason] = self._reason_of(each)
        return tuple(
            _with_reason(each, self._reasons.get((each.uid, each.reason))) for each in pods
        )

    def _reason_of(self, pod: Pod) -> tuple[str, str]:
        try:
            return self._server.waiting(self.place, pod)
        except ArgoCDError:
            return "", ""

    def _pause(self, at: float, trouble: Trouble | None, *, stream_lives: bool) -> float:
        pause = self._pace.pause(
            at - self._changed_at, self._failures, woken_by_stream=stream_lives
        )
        if trouble is not None and trouble.retry_after is not None:
            pause = max(pause, min(trouble.retry_after, _LONGEST_PAUSE * 2))
        if self.verdict.look_again is not None:
            pause = min(pause, self.verdict.look_again)
        return max(0.0, min(pause, self.target.graces.timeout - at))


def _needs_a_reason(pod: Pod) -> bool:
    return not pod.message and (pod.reason == "Pending" or in_image_trouble(pod))


def _with_reason(pod: Pod, found: tuple[str, str] | None) -> Pod:
    if found is None:
        return pod
    reason, message = found
    is_clearer = reason and pod.reason == "Pending"
    return replace(pod, reason=reason if is_clearer else pod.reason, message=message)


def _named_revisions(application: Application) -> set[str]:
    """Every commit that the document speaks of."""
    named = set(application.revisions)
    if application.operation is not None:
        named |= set(application.operation.revisions)
    for condition in application.conditions:
        named |= set(_SHA.findall(condition.message))
    if application.hydration is not None:
        named.add(application.hydration.dry_revision)
        named.add(application.hydration.last_compared_dry_revision)
    return {each for each in named if each}
