"""Asking many things at once: nobody waits for the slow one, nobody falls with the broken one."""

from __future__ import annotations

import threading
from itertools import count

import pytest

from astrago_actions.actions.questions import Fact, Question, Unanswerable, ask_all
from astrago_actions.domain.readiness import Answer, ok
from astrago_actions.errors import AccessDenied

DENIED = AccessDenied("No access", "The token is wrong.", "Renew it.", link="https://sso")


def denied() -> Answer:
    raise DENIED


def unanswerable() -> Answer:
    raise Unanswerable("the branch is not there")


def test_answers_come_in_the_order_of_the_questions_whatever_became_of_them() -> None:
    checks = ask_all(
        [
            Question("a", "broken", denied),
            Question("a", "works", lambda: ok("yes")),
            Question("b", "moot", unanswerable),
            Question("b", "broken", denied, vital=False),
        ],
        seconds=5,
    )

    assert [(each.area, each.check, each.status) for each in checks] == [
        ("a", "broken", "failed"),
        ("a", "works", "ok"),
        ("b", "moot", "skipped"),
        ("b", "broken", "warning"),
    ]
    assert checks[0].detail == "No access\nThe token is wrong."
    assert checks[0].remedy == "Renew it. https://sso"
    assert checks[2].detail == "not asked: the branch is not there"


def test_questions_are_asked_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def ask() -> Answer:
        together.wait(timeout=5)
        return ok("")

    checks = ask_all([Question("a", str(number), ask) for number in range(3)], seconds=5)

    assert {each.status for each in checks} == {"ok"}


def test_what_is_not_answered_in_time_counts_as_failed() -> None:
    for_ever = threading.Event()

    def ask() -> Answer:
        for_ever.wait()
        return ok("")

    (check,) = ask_all([Question("a", "slow", ask)], seconds=0.05)
    for_ever.set()

    assert (check.status, check.detail) == ("failed", "no answer within 0.05 s")


def test_a_mistake_of_ours_is_not_taken_for_an_answer() -> None:
    def ask() -> Answer:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_all([Question("a", "broken", ask)], seconds=5)


def test_a_fact_is_looked_up_once_for_all_who_ask() -> None:
    numbers = count()
    fact = Fact(lambda: next(numbers))

    ask_all([Question("a", "b", lambda: ok(str(fact()))) for _ in range(8)], seconds=5)

    assert next(numbers) == 1


def test_a_fact_that_is_not_to_be_had_fails_its_own_question_and_makes_the_others_moot() -> None:
    tries = count()

    def find() -> str:
        next(tries)
        raise DENIED

    fact = Fact(find)
    own, other = ask_all(
        [
            Question("a", "own", lambda: ok(fact())),
            Question("a", "other", lambda: ok(fact.needed("the token is not valid"))),
        ],
        seconds=5,
    )

    assert (own.status, other.status) == ("failed", "skipped")
    assert other.detail == "not asked: the token is not valid"
    assert next(tries) == 1
