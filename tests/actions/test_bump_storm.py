"""Many jobs of one account at once, against what GitHub takes from it: all land, none presses."""

from __future__ import annotations

import json
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise

import pytest

from astrago_actions.actions.bump_image_tag import Outputs
from astrago_actions.context import Context
from astrago_actions.sandbox.github.access import credential
from astrago_actions.sandbox.server import LoopbackServer, Request, Response
from tests.deployment_world import BRANCH, DEPLOYMENT, World
from tests.recording_step import RecordingStep
from tests.shared_clock import SharedClock

LATENCY = 0.1
# Source: REST API, "Rate limits": without Retry-After, at least a minute.
WAIT_WHEN_NOT_TOLD = 60.0
MINUTE = 60.0


@dataclass(frozen=True)
class Answered:
    """When a job asked and was answered, and the seconds to wait where it was refused."""

    asked: float
    answered: float
    to_wait: float = 0.0


class Storm:
    """So many jobs, each with a token of the same account and a key of the same file.

    The jobs and their GitHub live in the same time, which passes only while all of them wait.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.clock = SharedClock(jobs)
        self.world = World(clock=self.clock, serve=lambda _: LoopbackServer(self))
        self.answers: dict[str, list[Answered]] = {}
        self.began = self.clock.now()
        self.world.outside_commit(self._values(*["old"] * jobs))

    def _values(self, *tags: str) -> str:
        return "".join(f"service{number}:\n  tag: {tag}\n" for number, tag in enumerate(tags))

    def respond(self, request: Request) -> Response:
        """Answer as GitHub does, with a way there and a way back."""
        asked = self.clock.now()
        self.clock.sleep(LATENCY / 2)
        response = self.world.github.respond(request)
        self.clock.sleep(LATENCY / 2)
        told = response.headers.get("Retry-After", WAIT_WHEN_NOT_TOLD)
        to_wait = float(told) if response.status == 403 else 0.0
        answered = Answered(asked, self.clock.now(), to_wait)
        self.answers.setdefault(credential(request.headers), []).append(answered)
        return response

    def run(self, spread: int = 0) -> list[Outputs]:
        """Let all bump at once."""
        with self.world.server, ThreadPoolExecutor(self.jobs) as writers:
            futures = [writers.submit(self._bump, number, spread) for number in range(self.jobs)]
            return [future.result() for future in futures]

    def _bump(self, number: int, spread: int) -> Outputs:
        with self.clock.party():
            token = f"github_pat_{number}"
            self.world.github.add_token(token, {DEPLOYMENT: {"contents": "write"}})
            run = self.world.run_of(self.world.second, number)
            return self.world.bump_in(
                Context(RecordingStep(), run, self.clock),
                tags=json.dumps({f"service{number}": f"v-{number}"}),
                key="{component}.tag",
                token=token,
                source_token="",
                spread=str(spread),
                timeout="7200",
            )

    @property
    def seconds(self) -> float:
        """How long it took in all."""
        return self.clock.now() - self.began

    @property
    def requests(self) -> float:
        """Requests of a job, in the mean."""
        return sum(map(len, self.answers.values())) / self.jobs

    def must_have_landed(self, outputs: list[Outputs]) -> None:
        """Each job has one commit, and the file holds what every one of them set."""
        shas = [each.commit_sha for each in outputs]
        assert all(each.changed for each in outputs)
        assert len(set(shas)) == self.jobs
        assert set(shas) < set(self.world.github.log(DEPLOYMENT, BRANCH))
        assert self.world.commits() == 1 + self.jobs
        assert self.world.values() == self._values(*(f"v-{number}" for number in range(self.jobs)))

    def impatient(self) -> list[tuple[Answered, Answered]]:
        """Refusals after which a job did not wait for as long as it was to."""
        return [
            (refused, following)
            for answers in self.answers.values()
            for refused, following in pairwise(answers)
            if following.asked - refused.answered < refused.to_wait - 0.001
        ]

    def refusals(self) -> int:
        """How often GitHub refused for the limit's sake."""
        return sum(each.to_wait > 0 for answers in self.answers.values() for each in answers)

    def most_in_a_minute(self) -> int:
        """The most requests that one job sent within a minute."""
        return max(
            bisect_right(times, moment + MINUTE) - first
            for times in ([each.asked for each in answers] for answers in self.answers.values())
            for first, moment in enumerate(times)
        )


@pytest.mark.parametrize("says_how_long", [True, False])
def test_a_crowd_waits_as_long_as_github_asks_and_all_land(says_how_long: bool) -> None:
    storm = Storm(30)
    storm.world.github.limit_writes(per_minute=15, says_how_long=says_how_long)

    storm.must_have_landed(storm.run())

    assert storm.refusals()
    assert storm.impatient() == []
    assert storm.most_in_a_minute() <= 20


def test_a_fleet_that_is_spread_lands_about_as_fast_as_github_takes_it() -> None:
    storm = Storm(100)
    storm.world.github.limit_writes()

    storm.must_have_landed(storm.run(spread=100))

    assert storm.impatient() == []
    assert storm.requests <= 10
    assert storm.seconds <= 180


def test_when_the_hour_is_used_up_the_rest_lands_in_the_next() -> None:
    storm = Storm(8)
    storm.world.github.limit_writes(per_hour=10)

    storm.must_have_landed(storm.run())

    assert storm.impatient() == []
    assert 3600 <= storm.seconds <= 7200
