"""Exactly one commit, whoever else is writing and whatever happens to the connection.

A conflict means that the branch was read too early: it is read again and the change is decided
anew on what is there now. A lost answer means that nothing is known: the branch is read and our
own commit looked for before anything is sent again. All waits are spread at random, so that many
writers do not meet again at the same moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from astrago_actions.clients.deployment_branch import (
    HISTORY,
    LONG_HISTORY,
    Commit,
    DeploymentBranch,
    Snapshot,
)
from astrago_actions.clock import Clock
from astrago_actions.domain.bump_commit import Message, trailers
from astrago_actions.errors import (
    ActionError,
    Conflict,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unreachable,
)

# Source: REST API, "Best practices": without Retry-After, wait for at least a minute.
SECONDARY_LIMIT_WAIT = 60.0
LONGEST_WAIT = 30.0
# Writers that a limit refused together would come back together at the second it ends.
SHARE_OF_A_LIMIT = 0.5
SHORTEST_SPREAD = 2.0

_full_jitter = wait_random_exponential(multiplier=2, max=LONGEST_WAIT)


@dataclass(frozen=True)
class Proposal:
    """What is to be committed: path -> new bytes, and why."""

    contents: Mapping[str, bytes]
    message: Message


@dataclass(frozen=True)
class Outcome:
    """What came of it: our commit, or None when there was nothing to change."""

    commit: Commit | None
    snapshot: Snapshot
    attempts: int


Decide = Callable[[Snapshot], Proposal | None]


def commit_safely(
    branch: DeploymentBranch,
    paths: Sequence[str],
    decide: Decide,
    *,
    folders: Sequence[str] = (),
    bump_id: str,
    clock: Clock,
    deadline: float,
    on_wait: Callable[[BaseException, float], None],
    history: int = HISTORY,
) -> Outcome:
    """Read, decide and commit until it is done or `deadline` (a `clock.monotonic()` time) comes.

    `decide` is called with every fresh snapshot (see `DeploymentBranch.read`), and
    returns what to commit, or None. `bump_id` is the trailer by which our commit is recognised.
    `on_wait` is told what went wrong and for how many seconds we wait. Raises the last error when
    time runs out, and at once any error that repeating cannot mend.
    """
    attempt = _Attempt(branch, paths, folders, decide, bump_id, history)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        left = max(0.0, deadline - clock.monotonic())
        # What a rate limit asks for is not cut short; a random wait may be, for a last try.
        least = _asked_wait(error, clock.now()) if isinstance(error, RateLimited) else 0.0
        return max(least, min(retry_wait(state, clock.now()), left))

    def stop(state: RetryCallState) -> bool:
        now = clock.monotonic()
        return now >= deadline or now + state.upcoming_sleep > deadline

    def before_sleep(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None:
            on_wait(error, state.upcoming_sleep)

    retrying = Retrying(
        retry=retry_if_exception_type((Conflict, OutcomeUnknown, RateLimited, Unreachable)),
        wait=wait,
        stop=stop,
        sleep=clock.sleep,
        before_sleep=before_sleep,
        reraise=True,
    )
    try:
        return retrying(attempt)
    except (Conflict, OutcomeUnknown, RateLimited, Unreachable) as error:
        raise _out_of_time(error, attempt.number, branch) from error


def read_patiently(
    branch: DeploymentBranch,
    paths: Sequence[str],
    folders: Sequence[str] = (),
    *,
    clock: Clock,
    deadline: float,
    on_wait: Callable[[BaseException, float], None],
    history: int = HISTORY,
) -> Snapshot:
    """The branch as it is, for those who commit nothing; waits and raises like `commit_safely`."""
    outcome = commit_safely(
        branch,
        paths,
        lambda _: None,
        folders=folders,
        bump_id="",
        clock=clock,
        deadline=deadline,
        on_wait=on_wait,
        history=history,
    )
    return outcome.snapshot


class _Attempt:
    """One try after another, with what must be remembered between them."""

    def __init__(
        self,
        branch: DeploymentBranch,
        paths: Sequence[str],
        folders: Sequence[str],
        decide: Decide,
        bump_id: str,
        history: int,
    ) -> None:
        self._branch = branch
        self._paths = paths
        self._folders = folders
        self._decide = decide
        self._bump_id = bump_id
        self._history = history
        self._first_sent_on = ""
        self._left_behind: set[str] = set()
        self._refused = ""
        self.number = 0

    def __call__(self) -> Outcome:
        self.number += 1
        snapshot = self._read()
        ours = self._our_commit(snapshot)
        if ours is not None:
            return Outcome(ours, snapshot, self.number)
        self._refuse_what_is_older(snapshot)
        proposal = self._decide(snapshot)
        if proposal is None:
            return Outcome(None, snapshot, self.number)
        return Outcome(self._send(snapshot, proposal), snapshot, self.number)

    def _read(self) -> Snapshot:
        """The branch as it is; without its files where they were removed after our commit."""
        history = LONG_HISTORY if self._first_sent_on else self._history
        try:
            return self._branch.read(self._paths, self._folders, history=history)
        except NotFound:
            if not self._first_sent_on:
                raise
            snapshot = self._branch.read((), history=history)
            if self._our_commit(snapshot) is None:
                raise
            return snapshot

    def _refuse_what_is_older(self, snapshot: Snapshot) -> None:
        """A replica that is behind would have us decide on what the branch no longer holds.

        A head that was refused is waited for once, and then tried again: GitHub has been seen to
        refuse the head that the branch has (worked around in updatecli's GitHub client).
        """
        refused, self._refused = self._refused, ""
        if snapshot.head in self._left_behind | {refused}:
            raise Conflict(
                "GitHub shows an older head than before",
                f"{self._branch.repository}: a replica is behind, or somebody has set the branch "
                f"back to {snapshot.head[:8]} meanwhile.",
                "Wait and read again.",
            )
        older = {commit.sha for commit in snapshot.history} - {snapshot.head}
        self._left_behind |= older

    def _our_commit(self, snapshot: Snapshot) -> Commit | None:
        """Our own commit, when an earlier answer was lost after it had been applied.

        It is among what came after the head that it was sent on, however much that is.
        """
        if not self._first_sent_on:
            return None
        for commit in snapshot.history:
            if self._is_ours(commit):
                return commit
        if any(commit.sha == self._first_sent_on for commit in snapshot.history[:LONG_HISTORY]):
            return None
        since = self._branch.commits_before(snapshot.head, down_to=self._first_sent_on)
        return next((commit for commit in since if self._is_ours(commit)), None)

    def _is_ours(self, commit: Commit) -> bool:
        return self._bump_id in trailers(commit.message).get("Bump-Id", ())

    def _send(self, snapshot: Snapshot, proposal: Proposal) -> Commit:
        self._first_sent_on = self._first_sent_on or snapshot.head
        try:
            return self._branch.commit(snapshot.head, proposal.contents, proposal.message)
        except Conflict:
            self._refused = snapshot.head
            raise


def retry_wait(state: RetryCallState, now: float) -> float:
    """Seconds before the next try, spread at random: no less than a rate limit asks for."""
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, RateLimited):
        return _full_jitter(state)
    asked = _asked_wait(error, now)
    spread = min(LONGEST_WAIT, max(SHORTEST_SPREAD, asked * SHARE_OF_A_LIMIT))
    return asked + random.uniform(0, spread)  # noqa: S311 - nothing secret


def _asked_wait(error: RateLimited, now: float) -> float:
    if error.retry_after is not None:
        return error.retry_after
    if error.reset_at is not None:
        return max(1.0, error.reset_at - now + 1)
    return SECONDARY_LIMIT_WAIT


def _out_of_time(error: ActionError, attempts: int, branch: DeploymentBranch) -> ActionError:
    tries = "once" if attempts == 1 else f"{attempts} times"
    unknown = (
        " Whether the commit was applied is not known: look at the branch before running again."
        if isinstance(error, OutcomeUnknown)
        else ""
    )
    return ActionError(
        f"{error.title}: no success within the time allowed",
        f"Tried {tries} on `{branch.branch}`. Last: {error.detail}{unknown}",
        f"{error.remedy} A longer `timeout` gives more time to others that write to this branch.",
        link=error.link,
    )
