"""Runs, jobs and bumps, read from a GitHub on loopback and counted in requests."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import responses

from astrago_actions.clients.github import connect
from astrago_actions.clients.workflow_history import (
    first_conclusions,
    list_bumps,
    list_runs,
    read_jobs,
    read_run,
    source_commit_times,
)
from astrago_actions.domain.run_history import TimedWork
from astrago_actions.errors import AccessDenied, NotFound, Unreachable
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.github.records import Step
from astrago_actions.sandbox.server import Fault, LoopbackServer
from tests.manual_clock import ManualClock

BACKEND = "xiilab/astrago-backend"
DEPLOYMENT = "xiilab/astrago-deployment"
BRANCH = "stabilize/1.0"
TOKEN = Secret("ghs_metrics_token")
START = 1_790_000_000.0
DAY = 86400.0


class World:
    """A service's repository with runs, and a deployment repository with bumps."""

    def __init__(self, server: LoopbackServer, github: GitHub, clock: ManualClock) -> None:
        self.server, self.github, self.clock = server, github, clock
        github.create_repository(BACKEND, {"a": b"1"}, BRANCH)
        github.create_repository(DEPLOYMENT, {"values.yaml": b"1"}, BRANCH)
        github.add_token(
            TOKEN.reveal(),
            {BACKEND: {"actions": "read", "contents": "read"}, DEPLOYMENT: {"contents": "read"}},
        )
        self.connection = connect(TOKEN, server.url)

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for."""
        return [exchange.request.path for exchange in self.server.exchanges]


@pytest.fixture
def world() -> Iterator[World]:
    clock = ManualClock(START)
    github = GitHub(clock=clock)
    with LoopbackServer(github) as server:
        yield World(server, github, clock)


def test_reads_a_run_in_its_latest_attempt(world: World) -> None:
    first = world.github.record_run(BACKEND, conclusion="failure", created_at=START)
    world.github.record_run(
        BACKEND,
        run_id=first.id,
        attempt=2,
        status="in_progress",
        created_at=START,
        started_at=START + 600,
        updated_at=START + 700,
    )

    run = read_run(world.connection, BACKEND, first.id)

    assert (run.attempt, run.status, run.conclusion) == (2, "in_progress", "")
    assert (run.created_at, run.started_at, run.updated_at) == (START, START + 600, START + 700)
    assert run.workflow_id > 0
    assert run.seconds is None


def test_lists_the_runs_of_one_workflow_branch_and_window(world: World) -> None:
    record = world.github.record_run
    record(BACKEND, created_at=START - 40 * DAY)
    record(BACKEND, created_at=START, path=".github/workflows/other.yml")
    record(BACKEND, created_at=START, branch="feature")
    wanted = record(BACKEND, created_at=START, updated_at=START + 480)

    listing = list_runs(world.connection, BACKEND, "ci-cd.yml", BRANCH, START - 30 * DAY)

    assert [run.id for run in listing.runs] == [wanted.id]
    assert listing.runs[0].seconds == 480
    assert not listing.cut


def test_takes_a_workflow_by_its_id_as_well(world: World) -> None:
    wanted = world.github.record_run(BACKEND, created_at=START)
    own = read_run(world.connection, BACKEND, wanted.id)

    listing = list_runs(world.connection, BACKEND, own.workflow_id, "", START - DAY)

    assert [run.id for run in listing.runs] == [wanted.id]


def test_reads_at_most_three_pages_of_runs_and_says_that_there_are_more(world: World) -> None:
    for number in range(350):
        world.github.record_run(BACKEND, created_at=START + number)

    listing = list_runs(world.connection, BACKEND, "ci-cd.yml", BRANCH, START - DAY)

    assert (len(listing.runs), listing.total, listing.cut) == (300, 350, True)
    assert len(world.asked) == 3
    assert listing.runs[0].created_at == START + 349


def test_asks_once_for_a_window_that_fits_a_page(world: World) -> None:
    for number in range(100):
        world.github.record_run(BACKEND, created_at=START + number)

    assert len(list_runs(world.connection, BACKEND, "ci-cd.yml", "", START).runs) == 100
    assert len(world.asked) == 1


def test_reads_first_attempts_of_the_newest_runs_that_ran_again(world: World) -> None:
    for number in range(7):
        first = world.github.record_run(BACKEND, conclusion="failure", created_at=START + number)
        world.github.record_run(BACKEND, run_id=first.id, attempt=2, created_at=START + number)
    world.github.record_run(BACKEND, created_at=START + 10)
    listing = list_runs(world.connection, BACKEND, "", "", START)

    found = first_conclusions(world.connection, BACKEND, listing.runs)

    assert list(found.values()) == ["failure"] * 5
    assert len(world.asked) == 1 + 5


def test_reads_jobs_with_their_steps_and_unfinished_times(world: World) -> None:
    run = world.github.record_run(BACKEND, status="in_progress", created_at=START)
    world.github.record_job(BACKEND, run.id, "build", started_at=START, completed_at=START + 60)
    world.github.record_job(
        BACKEND,
        run.id,
        "deploy",
        status="in_progress",
        started_at=START + 61,
        steps=[
            Step("Push", started_at=START + 62, completed_at=START + 70),
            Step("Wait", status="in_progress", conclusion=None, started_at=START + 70),
        ],
    )

    build, deploy = read_jobs(world.connection, BACKEND, run.id)

    assert build.work == TimedWork("build", "completed", "success", START, START + 60)
    assert deploy.work == TimedWork("deploy", "in_progress", "", START + 61, None)
    assert deploy.steps == (
        TimedWork("Push", "completed", "success", START + 62, START + 70),
        TimedWork("Wait", "in_progress", "", START + 70, None),
    )


def test_reads_bumps_from_the_trailers_of_their_commits(world: World) -> None:
    message = (
        "chore(stage): core, batch -> 45eac704\n\nvalues.yaml:\n  a: 1 -> 2\n\n"
        f"Source-Repository: {BACKEND}\nSource-Commit: {'45eac704' * 5}\n"
        f"Workflow-Run: https://github.com/{BACKEND}/actions/runs/4711\nEnvironment: stage\n"
        "Component: core\nComponent: batch\nBump-Id: 0123\n"
    )
    sha = world.github.commit(DEPLOYMENT, BRANCH, {"values.yaml": b"2"}, message)
    world.github.commit(DEPLOYMENT, BRANCH, {"values.yaml": b"3"}, "by hand: a\n\nReviewed-by: x")
    rollback = f"roll back\n\nRollback-Of: {sha}\nComponent: core\nBump-Id: 4567"
    world.github.commit(DEPLOYMENT, BRANCH, {"values.yaml": b"4"}, rollback)
    revert = f'Revert "chore"\n\nThis reverts commit {sha}.\n'
    world.github.commit(DEPLOYMENT, BRANCH, {"values.yaml": b"5"}, revert)

    listing = list_bumps(world.connection, DEPLOYMENT, BRANCH, START - DAY)

    reverted, rolled_back, bump = listing.bumps
    assert (bump.sha, bump.at, bump.repository) == (sha, START, BACKEND)
    assert (bump.run_id, bump.environment) == (4711, "stage")
    assert (bump.components, bump.commit) == (("core", "batch"), "45eac704" * 5)
    assert (rolled_back.rollback_of, rolled_back.components) == (sha, ("core",))
    assert (reverted.rollback_of, reverted.components) == (sha, ())
    assert listing.since == START - DAY
    assert len(world.asked) == 1


def test_a_history_that_is_too_long_says_from_when_on_it_is_whole(world: World) -> None:
    for number in range(301):
        world.clock.sleep(60)
        world.github.commit(DEPLOYMENT, BRANCH, {"values.yaml": str(number).encode()}, "x\n")

    listing = list_bumps(world.connection, DEPLOYMENT, BRANCH, START - DAY)

    assert listing.since == START + 2 * 60
    assert len(world.asked) == 3


def test_reads_when_source_commits_were_made(world: World) -> None:
    world.clock.sleep(100)
    newest = world.github.commit(BACKEND, BRANCH, {"a": b"2"}, "second")

    times = source_commit_times(world.connection, BACKEND, newest)

    assert sorted(times.values()) == [START, START + 100]
    assert times[newest] == START + 100


def test_says_that_the_token_lacks_a_permission(world: World) -> None:
    world.github.add_token("ghs_no_actions_token", {BACKEND: {"contents": "read"}})
    connection = connect(Secret("ghs_no_actions_token"), world.server.url)

    with pytest.raises(AccessDenied, match="list the workflow runs"):
        list_runs(connection, BACKEND, "ci-cd.yml", BRANCH, START)


def test_says_that_a_branch_or_workflow_is_not_there(world: World) -> None:
    with pytest.raises(NotFound):
        list_bumps(world.connection, DEPLOYMENT, "no/such", START)
    with pytest.raises(NotFound):
        list_runs(world.connection, BACKEND, "no-such.yml", BRANCH, START)


def test_repeats_a_read_that_a_server_fault_spoiled(world: World) -> None:
    run = world.github.record_run(BACKEND, created_at=START)
    world.server.faults.add(Fault("status", method="GET", status=502))

    assert read_run(world.connection, BACKEND, run.id).id == run.id


@pytest.mark.parametrize("body", ["{}", "[]", '{"message": "hello"}', "<html>Sign in</html>"])
def test_an_answer_that_is_not_githubs_is_no_traceback(body: str) -> None:
    with responses.RequestsMock() as mocked:
        mocked.get(
            re.compile(r"https://ghe\.example(:443)?/api/v3/.*"),
            body=body,
            content_type="application/json",
        )
        connection = connect(TOKEN, "https://ghe.example/api/v3")
        with pytest.raises(Unreachable, match="answers with something else"):
            list_runs(connection, BACKEND, "ci-cd.yml", BRANCH, START)
