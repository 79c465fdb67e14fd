"""Watching one application: one request a look, judged by the state machine."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from astrago_actions.clients.ancestry import Ancestry
from astrago_actions.clients.argocd import ArgoCD, Place
from astrago_actions.clients.argocd_connection import ArgoCDError
from astrago_actions.clients.argocd_inquiry import (
    COMMANDS,
    REFRESHES,
    Background,
    Inquiry,
    Question,
    in_thread,
)
from astrago_actions.domain.rollout.application import Application, Session, Workload
from astrago_actions.domain.rollout.judge import judge
from astrago_actions.domain.rollout.values import (
    Memory,
    Observation,
    Relation,
    Target,
    Verdict,
)

_SHA = re.compile(r"\b[0-9a-f]{40,64}\b")
_LONGEST_PAUSE = 30.0
_LONGEST_PAUSE_BESIDE = 2.0
# A busy stream may ring many times a second; what it rings for is still seen within one.
_GAP_AFTER_A_CHANGE = 0.3
_GAP = 0.9

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
    """One application on its way; `look` moves it on by one request.

    A look reads the document and judges it, or asks one thing that the judge wants to know before
    the next one. So every verdict rests on a document that was read after everything else.
    """

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
        self.verdict = Verdict("preflight", "not-looked-yet", "looking at the application")
        self.next_at = 0.0
        self.looked_at = 0.0
        self.looks = 0
        self._server = server
        self._ancestry = ancestry
        self._pace = pace or Pace()
        self._session = session
        self._when_found = when_found
        self._inquiry = Inquiry(server, place, background, rang)
        self._questions: list[Question] = []
        self._first: Application | ArgoCDError | None = None
        self._rung = False
        self._put_off = False
        self._failures = 0
        self._changed_at = 0.0

    @property
    def ancestry_problem(self) -> str:
        """Why ancestry could not be told; "" where it could."""
        return self._ancestry.problem

    @property
    def workload(self) -> Workload | None:
        """Pods and wanted images as they were last looked up."""
        return self._inquiry.workload

    def open(self) -> None:
        """Send the first look's request already; what came of it is judged with that look."""
        try:
            self._first = self.application = self._server.application(self.place)
        except ArgoCDError as error:
            self._first = error

    def ring(self, at: float) -> None:
        """Something happened to the application: look soon, though not too soon."""
        has_just_changed = self._changed_at == self.looked_at
        gap = _GAP_AFTER_A_CHANGE if has_just_changed else _GAP
        self._rung = True
        self.next_at = min(self.next_at, max(at, self.looked_at + gap))

    def look(self, at: float, *, stream_lives: bool = False) -> Verdict:
        """Make one request at `at` seconds, and judge where it brought a document."""
        self.looked_at = at
        self.looks += 1
        question = self._next_question(at)
        if question is None or self.application is None:
            pause = self._judge(at, stream_lives=stream_lives)
        else:
            pause = self._ask(question, self.application, at, stream_lives=stream_lives)
        self.next_at = at + max(0.0, min(pause, self.target.graces.timeout - at))
        return self.verdict

    def _next_question(self, at: float) -> Question | None:
        """The question that is due; None for the document, which a ring calls for.

        Questions are put off for a ring once, so that a busy stream cannot keep them off.
        """
        question = self._open_question()
        if question is None or at >= self.target.graces.timeout:
            return None
        if self._rung and not (question in COMMANDS or self._put_off):
            self._put_off = True
            return None
        self._questions.remove(question)
        return question

    def _open_question(self) -> Question | None:
        """The first question that can be asked: a refresh waits until the one before has ended."""
        busy = REFRESHES if self._inquiry.refreshing else frozenset()
        return next((each for each in self._questions if each not in busy), None)

    def _judge(self, at: float, *, stream_lives: bool) -> float:
        """Read the document and judge; returns the pause until the next look."""
        self._rung = False
        observation = self._observe(at, stream_lives=stream_lives)
        before = self.verdict
        self.verdict, self.memory = judge(self.target, observation, self.memory)
        if self.verdict.row != before.row:
            self._changed_at = at
        self._plan(observation.application, at)
        usual = self._usual_pause(at, stream_lives=stream_lives)
        trouble = observation.trouble
        if trouble is not None and trouble.retry_after is not None:
            usual = max(usual, min(trouble.retry_after, _LONGEST_PAUSE * 2))
        if self.verdict.look_again is not None:
            usual = min(usual, self.verdict.look_again)
        return min(usual, self._pause_beside(usual)) if self._open_question() else usual

    def _plan(self, application: Application | None, at: float) -> None:
        """What to ask before the next document; commands that wait for their turn are kept."""
        self._questions = [each for each in self._questions if each in COMMANDS]
        if application is not None and not self.verdict.final:
            idle = self.memory.sighting("idle-out-of-sync")
            wanted = self._inquiry.questions(
                self.verdict,
                application,
                at,
                idle_seconds=at - idle.since if idle else 0.0,
                by_images=bool(self.target.images),
            )
            self._questions += [each for each in wanted if each not in self._questions]
        self._put_off = self._put_off and bool(self._questions)

    def _ask(
        self, question: Question, application: Application, at: float, *, stream_lives: bool
    ) -> float:
        """Ask one thing; returns the pause until the next look."""
        self._put_off = False
        usual = self._usual_pause(at, stream_lives=stream_lives)
        try:
            self._questions += self._inquiry.ask(question, application, at)
        except ArgoCDError:
            return usual
        if self._rung:
            return _GAP_AFTER_A_CHANGE
        if self._inquiry.has_arrived:
            return 0.0
        return usual if question in COMMANDS else self._pause_beside(usual)

    def _pause_beside(self, usual: float) -> float:
        """The pause before and after a question, so that documents are read as often as ever."""
        if self._open_question() in COMMANDS or self.verdict.look_again == 0.0:
            return 0.0
        return min(usual / 2, _LONGEST_PAUSE_BESIDE)

    def _usual_pause(self, at: float, *, stream_lives: bool) -> float:
        in_state_for = at - self._changed_at
        return self._pace.pause(in_state_for, self._failures, woken_by_stream=stream_lives)

    def _observe(self, at: float, *, stream_lives: bool) -> Observation:
        try:
            application = self._document(stream_lives=stream_lives)
        except ArgoCDError as error:
            self._failures += 1
            return Observation(at=at, trouble=error.trouble, session=self._session)
        self._failures = 0
        if self._when_found is not None:
            self.target, self._ancestry = self._when_found(application)
            self._when_found = None
        if self.application and self.application.revisions != application.revisions:
            self._inquiry.compared_anew()
        self.application = application
        return Observation(
            at=at,
            application=application,
            relations=self._relations(application),
            workload=self.workload,
            session=self._session,
            refreshes=self._inquiry.refreshes,
            hard_refreshes=self._inquiry.hard_refreshes,
            sync_answer=self._inquiry.sync_answer,
            active_window=self._inquiry.window,
        )

    def _document(self, *, stream_lives: bool) -> Application:
        """The document as it was sent for already, as a refresh brought it, or as it is now.

        What a living stream rings for may have happened after the refresh.
        """
        first, self._first = self._first, None
        if isinstance(first, ArgoCDError):
            raise first
        arrived = self._inquiry.arrived()
        if stream_lives:
            arrived = None
        return first or arrived or self._server.application(self.place)

    def _relations(self, application: Application) -> dict[str, Relation]:
        if not self.target.revision:
            return {}
        named = _named_revisions(application)
        if self.memory.seen_at is None:
            named |= set(self.memory.baseline.revisions if self.memory.baseline else ())
            sources = (*application.sources, application.hydrated_from)
            named |= {each.target_revision or "HEAD" for each in sources if each and not each.chart}
        return {each: self._ancestry.relation(each) for each in sorted(named) if each}


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
