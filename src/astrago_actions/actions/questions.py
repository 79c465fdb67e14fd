"""Asking many things at once: each question is answered, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from threading import Lock, Thread
from typing import Generic, TypeVar

from astrago_actions.domain.readiness import Answer, Check, failed, skipped
from astrago_actions.errors import ActionError

Found = TypeVar("Found")


class Unanswerable(Exception):
    """A question that makes no sense, because something before it failed."""


class Fact(Generic[Found]):
    """Something that several questions need, asked for once; safe from several threads."""

    def __init__(self, find: Callable[[], Found]) -> None:
        self._find = find
        self._lock = Lock()
        self._found: list[Found] = []
        self._error: ActionError | Unanswerable | None = None

    def __call__(self) -> Found:
        """The fact; raises what kept us from it, each time anew."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if not self._found:
                self._found.append(self._ask())
            return self._found[0]

    def needed(self, otherwise: str) -> Found:
        """The fact, for a question that is not about it; raises Unanswerable with the reason."""
        try:
            return self()
        except ActionError as error:
            raise Unanswerable(otherwise) from error

    def _ask(self) -> Found:
        try:
            return self._find()
        except (ActionError, Unanswerable) as error:
            self._error = error
            raise


@dataclass(frozen=True)
class Question:
    """What is asked, of whom, and how; `vital` says whether a pipeline fails without it."""

    area: str
    check: str
    ask: Callable[[], Answer]
    vital: bool = True

    def answered(self, answer: Answer) -> Check:
        """The row of the report; what is not vital is at most a warning."""
        if answer.status == "failed" and not self.vital:
            answer = replace(answer, status="warning")
        return Check(self.area, self.check, answer.status, answer.detail, answer.remedy)


def ask_all(questions: Sequence[Question], seconds: float) -> list[Check]:
    """Every question with its answer, in the given order; what takes longer counts as failed."""
    futures = [_begun(question) for question in questions]
    wait(futures, timeout=seconds)
    late = failed(
        f"no answer within {seconds:g} s",
        "Run it again; if it stays so, look at the runner's network and proxy, or raise `timeout`.",
    )
    return [
        question.answered(future.result() if future.done() else late)
        for question, future in zip(questions, futures, strict=True)
    ]


def _begun(question: Question) -> Future[Answer]:
    """The answer to come; a thread that waits for ever does not keep the process alive."""
    future: Future[Answer] = Future()

    def answer() -> None:
        try:
            future.set_result(answer_to(question.ask))
        except Exception as error:  # noqa: BLE001 - handed on to whoever reads the result
            future.set_exception(error)

    Thread(target=answer, daemon=True).start()
    return future


def answer_to(ask: Callable[[], Answer]) -> Answer:
    """The answer, also where asking ended in an error."""
    try:
        return ask()
    except Unanswerable as reason:
        return skipped(f"not asked: {reason}")
    except ActionError as error:
        link = f" {error.link}" if error.link else ""
        return failed(f"{error.title}\n{error.detail}", f"{error.remedy}{link}")
