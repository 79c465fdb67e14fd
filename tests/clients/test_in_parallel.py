"""The same work for several components: outcomes in order, and an end when the job is cancelled."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from astrago_actions.clients.in_parallel import AT_ONCE, in_parallel
from astrago_actions.errors import ActionError


def test_outcomes_stand_beside_their_items_in_order() -> None:
    def act(number: int) -> str:
        if number == 2:
            raise ActionError("two failed", "", "")
        return str(number)

    outcomes = dict(in_parallel([1, 2, 3], act))

    assert list(outcomes) == [1, 2, 3]
    assert (outcomes[1], outcomes[3]) == ("1", "3")
    assert isinstance(outcomes[2], ActionError)


def test_nothing_is_no_work() -> None:
    assert in_parallel([], lambda item: item) == []


def test_a_mistake_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        in_parallel([0], lambda number: 1 // number)


def test_all_are_at_work_at_once() -> None:
    together = threading.Barrier(AT_ONCE, timeout=5)

    outcomes = in_parallel(range(AT_ONCE), lambda _: together.wait())

    assert len(outcomes) == AT_ONCE


def test_a_cancelled_job_ends_running_work_and_begins_no_other() -> None:
    released, begun = threading.Event(), []

    def act(number: int) -> None:
        begun.append(number)
        released.wait(5)

    threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        in_parallel(range(AT_ONCE * 3), act, interrupt=released.set)

    assert len(begun) == AT_ONCE
