"""Repeating what may pass by itself.

What is sent to a registry is kept under its own digest, so sending it twice is harmless; what a
setting forbids is never repeated.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from astrago_actions.clock import Clock
from astrago_actions.errors import ActionError, RateLimited, Unreachable

Result = TypeVar("Result")

FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0


def repeated(
    act: Callable[[], Result], *, retries: int, clock: Clock, report: Callable[[str], None]
) -> Result:
    """Call `act` until it succeeds, fails for good, or was repeated `retries` times.

    Waits 1, 2, 4 … seconds between, or as long as the registry asks, up to 30.
    """

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0.0
        if isinstance(error, ActionError):
            first_line = error.detail.partition("\n")[0]
            report(
                f"{error.title}: {first_line}. Trying again in {seconds:.0f} s "
                f"({state.attempt_number} of {retries})."
            )

    return Retrying(
        stop=stop_after_attempt(retries + 1),
        wait=_seconds,
        retry=retry_if_exception_type((Unreachable, RateLimited)),
        sleep=clock.sleep,
        before_sleep=tell,
        reraise=True,
    )(act)


def _seconds(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, RateLimited) else None
    doubled = FIRST_WAIT_SECONDS * 2 ** (state.attempt_number - 1)
    return min(LONGEST_WAIT_SECONDS, asked or doubled)
