"""How revisions stand to ours: asked for once, unknown when nobody can tell."""

from __future__ import annotations

import time

import pytest

from astrago_actions.clients.ancestry import Ancestry
from astrago_actions.errors import AccessDenied, NotFound, Unreachable

OURS, OTHER = "a" * 40, "b" * 40


class Answers:
    """A comparison that counts how often it is asked."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, base: str, head: str) -> str:
        self.asked.append((base, head))
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("said", "relation"),
    [
        ("identical", "same"),
        ("ahead", "newer"),
        ("behind", "older"),
        ("diverged", "diverged"),
        ("something new", "unknown"),
    ],
)
def test_the_words_of_the_comparison(said: str, relation: str) -> None:
    assert Ancestry(Answers(said), OURS).relation(OTHER) == relation


def test_our_own_commit_needs_no_question() -> None:
    answers = Answers("behind")
    assert Ancestry(answers, OURS).relation(OURS) == "same"
    assert answers.asked == []


def test_a_commit_is_asked_for_once_and_a_branch_until_it_contains_ours() -> None:
    answers = Answers("behind", "behind", "ahead")
    ancestry = Ancestry(answers, OURS)
    assert [ancestry.relation(OTHER) for _ in range(3)] == ["older"] * 3
    assert [ancestry.relation("main") for _ in range(4)] == ["older", "newer", "newer", "newer"]
    assert len(answers.asked) == 3


@pytest.mark.parametrize("error", [NotFound("gone", "x", "y"), AccessDenied("no", "x", "y")])
def test_without_access_it_is_unknown_and_not_asked_again(error: Exception) -> None:
    answers = Answers(error)
    ancestry = Ancestry(answers, OURS)
    assert [ancestry.relation(OTHER) for _ in range(3)] == ["unknown"] * 3
    assert len(answers.asked) == 1
    assert ancestry.problem


def test_passing_trouble_is_asked_again_a_few_times() -> None:
    answers = Answers(Unreachable("down", "x", "y"), "ahead")
    ancestry = Ancestry(answers, OURS)
    assert [ancestry.relation(OTHER) for _ in range(2)] == ["unknown", "newer"]


def test_a_slow_answer_is_unknown_now_and_known_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astrago_actions.clients.ancestry._PATIENCE_SECONDS", 0.05)

    def slow(_: str, __: str) -> str:
        time.sleep(0.2)
        return "ahead"

    ancestry = Ancestry(slow, OURS)
    assert ancestry.relation(OTHER) == "unknown"
    time.sleep(0.3)
    assert ancestry.relation(OTHER) == "newer"
