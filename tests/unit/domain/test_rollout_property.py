"""Whatever order things happen in: no early success, and no wait past the deadline.

Scripts are drawn from seeds, thousands of them, since most documents are nothing like a success;
a failing seed can be run alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import settings

from astrago_actions.domain.image_families import rivals, same_image
from astrago_actions.domain.rollout.application import (
    Application,
    Condition,
    Operation,
    Pod,
    Resource,
    Source,
    Workload,
)
from astrago_actions.domain.rollout.judge import judge
from astrago_actions.domain.rollout.result import EXIT_CODES
from astrago_actions.domain.rollout.values import (
    Graces,
    Memory,
    Observation,
    Relation,
    SyncAnswer,
    SyncMode,
    Target,
    Trouble,
    TroubleKind,
    Verdict,
)
from tests.rollout_script import (
    BRANCH,
    IMAGE,
    NEW_IMAGE,
    NEWER,
    OLD_IMAGE,
    OLDER,
    OTHER,
    OURS,
    REPOSITORY,
    REPOSITORY_URL,
)

EXAMPLES = settings().max_examples  # more of them in `make fuzz`
SOURCES = (Source(REPOSITORY_URL, BRANCH, "charts/web"),)
RELATIONS: dict[str, Relation] = {
    OURS: "same",
    NEWER: "newer",
    OLDER: "older",
    OTHER: "diverged",
    BRANCH: "newer",
}
CONDITIONS = (
    Condition("ComparisonError", "helm template failed"),
    Condition("ComparisonError", "connection refused"),
    Condition("InvalidSpecError", "no"),
    Condition("SyncError", f"Failed last sync attempt to [{OURS}]: no"),
    Condition("OrphanedResourceWarning", "2 orphans"),
)
ANSWERS = (None, SyncAnswer("accepted"), SyncAnswer("busy"), SyncAnswer("refused", "no"))


class Chance:
    """Random observations of one seed; good ones often enough that successes happen."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def mostly(self, usual: object, *others: object, often: float = 0.75) -> object:
        return usual if self.random.random() < often else self.random.choice(others)

    def revision(self) -> tuple[str, ...]:
        found = self.mostly(OURS, NEWER, NEWER, OLDER, OTHER, "")
        return (str(found),) if found else ()

    def target(self) -> Target:
        choose = self.random.choice
        revision = choose([OURS, OURS, ""])
        return Target(
            "web",
            revision,
            choose([(IMAGE,), ()]) if revision else (IMAGE,),
            REPOSITORY,
            sync=choose(get_args(SyncMode)),
            refresh=choose(["normal", "normal", "hard", "none"]),
            shared=self.random.random() < 0.2,
            fail_fast=self.random.random() < 0.5,
            graces=Graces(timeout=120, settle=choose([0.0, 5.0])),
        )

    def operation(self) -> Operation | None:
        phase = self.mostly("Succeeded", "Running", "Failed", "Error", "Terminating", None)
        if phase is None:
            return None
        return Operation(
            str(phase),
            started_at=self.random.choice([1.0, 150.0]),
            finished_at=self.random.choice([None, 100.0, 200.0, 300.0]),
            revisions=self.revision(),
        )

    def application(self) -> Application:
        chance = self.random.random
        return Application(
            "web",
            sources=SOURCES,
            automated=chance() < 0.8,
            prune=chance() < 0.5,
            refreshing=chance() < 0.2,
            deleting=chance() < 0.02,
            sync_status=str(self.mostly("Synced", "OutOfSync", "Unknown")),
            revisions=self.revision(),
            health=str(self.mostly("Healthy", "Progressing", "Degraded", "Missing", "Unknown")),
            requested_revisions=(OURS,) if chance() < 0.1 else None,
            operation=self.operation(),
            conditions=(self.random.choice(CONDITIONS),) if chance() < 0.1 else (),
            resources=tuple(self.resource() for _ in range(self.random.randrange(3))),
            reconciled_at=self.random.choice([None, 100.0, 200.0, 300.0, 300.0]),
        )

    def resource(self) -> Resource:
        choose = self.random.choice
        return Resource(
            "Deployment",
            "web",
            status=choose(["Synced", "OutOfSync"]),
            health=choose(["Healthy", "Degraded", "Progressing"]),
            requires_pruning=choose([True, False]),
        )

    def pod(self) -> Pod:
        choose = self.random.choice
        return Pod(
            choose("ab"),
            uid=choose("123"),
            images=(str(self.mostly(IMAGE, OLD_IMAGE, NEW_IMAGE)),),
            reason=str(self.mostly("Running", "ErrImagePull", "CrashLoopBackOff", "Terminating")),
            health=choose(["Healthy", "Progressing", "Degraded"]),
            restarts=choose([0, 1, 5]),
        )

    def observation(self) -> Observation:
        choose, chance = self.random.choice, self.random.random
        if chance() < 0.15:
            trouble = Trouble(choose(get_args(TroubleKind)), "no", 403)
            return Observation(0.0, trouble=trouble)
        application = self.application()
        workload = Workload(
            at=0.0,
            revisions=choose([application.revisions, application.revisions, (OLDER,)]),
            desired_images=choose([None, (IMAGE,), (IMAGE,), (OLD_IMAGE,), (NEW_IMAGE,), ()]),
            pods=tuple(self.pod() for _ in range(self.random.randrange(3))),
        )
        return Observation(
            0.0,
            application=application,
            relations=RELATIONS if chance() < 0.75 else {},
            workload=workload if chance() < 0.9 else None,
            refreshes=self.random.randrange(3),
            sync_answer=choose(ANSWERS),
            active_window="deny window" if chance() < 0.1 else "",
        )

    def script(self) -> Iterator[tuple[float, Observation]]:
        for _ in range(self.random.randrange(1, 25)):
            observation = self.observation()
            for _ in range(self.random.choice([1, 1, 3])):
                yield self.random.uniform(0.1, 20), observation


def play(
    target: Target, script: Iterator[tuple[float, Observation]]
) -> tuple[Verdict, list[Observation]]:
    """Judge one look after the other; pods are always looked up just before the look."""
    memory, at = Memory(), 0.0
    seen: list[Observation] = []
    verdict = Verdict("preflight", "not-looked-yet", "")
    for pause, observation in script:
        at = min(at + pause, target.graces.timeout)
        workload = observation.workload and replace(observation.workload, at=at)
        seen.append(replace(observation, at=at, workload=workload))
        verdict, memory = judge(target, seen[-1], memory)
        if verdict.final:
            break
    return verdict, seen


def test_success_only_when_our_change_is_synced_and_healthy() -> None:
    successes = 0
    for seed in range(15 * EXAMPLES):
        chance = Chance(seed)
        target = chance.target()
        verdict, seen = play(target, chance.script())
        if verdict.result in {"deployed", "no-change"}:
            successes += 1
            assert_success_on_one_document(seed, seen)
            assert_change_is_ours(seed, target, seen[-1])
    assert successes > 30


def assert_success_on_one_document(seed: int, seen: list[Observation]) -> None:
    application = seen[-1].application
    assert application is not None, seed
    operation = application.operation
    assert application.health == "Healthy", seed
    assert application.sync_status == "Synced" or application.only_pruning_left, seed
    assert application.requested_revisions is None, seed
    assert operation is None or operation.phase not in {"Running", "Terminating"}, seed
    if operation is not None and operation.finished_at is not None:
        assert application.reconciled_at is not None, seed
        assert application.reconciled_at >= operation.finished_at, seed
    assert application.condition("ComparisonError", "InvalidSpecError") is None, seed
    assert not application.deleting, seed
    assert len([each for each in seen if each.application is not None]) >= 2, seed


def assert_change_is_ours(seed: int, target: Target, last: Observation) -> None:
    application = last.application
    assert application is not None
    assert application.revisions, seed
    desired = last.workload.desired_images if last.workload else None
    wants_ours = any(same_image(IMAGE, each) for each in desired or ())
    # All of our images are those of other applications that are waited for too.
    has_none_of_ours = desired is not None and not wants_ours and not rivals(desired, IMAGE)
    known = target.revision and (last.relations or application.revisions == (OURS,))
    if known and application.revisions[0] in {OURS, NEWER}:
        assert not desired or not target.images or wants_ours or target.shared, seed
    else:
        assert wants_ours or (target.shared and not known and has_none_of_ours), seed


def with_late_answers(
    seed: int, script: Iterator[tuple[float, Observation]]
) -> Iterator[tuple[float, Observation]]:
    """Pods that were looked up some time before the document, perhaps without the manifests."""
    chance, at = random.Random(seed), 0.0
    for pause, observation in script:
        at += pause
        workload = observation.workload and replace(
            observation.workload,
            at=at - chance.choice([0.0, 1.0, 10.0, 40.0]),
            desired_asked=chance.random() < 0.8,
        )
        yield at, replace(observation, at=at, workload=workload)


def test_success_rests_on_pods_and_manifests_of_the_revision_that_is_healthy() -> None:
    """Of the document's own revision, and looked up since it became healthy, not before."""
    successes = 0
    for seed in range(15 * EXAMPLES):
        chance, memory = Chance(seed), Memory()
        target, seen = replace(chance.target(), images=(IMAGE,)), []
        for _, observation in with_late_answers(seed, chance.script()):
            seen.append(observation)
            verdict, memory = judge(target, observation, memory)
            if verdict.final:
                break
        if verdict.result in {"deployed", "no-change"}:
            successes += 1
            assert_looked_up_since_healthy(seed, seen)
    assert successes > 30


def assert_looked_up_since_healthy(seed: int, seen: list[Observation]) -> None:
    application, workload = seen[-1].application, seen[-1].workload
    assert application is not None, seed
    assert workload is not None, seed
    assert workload.revisions == application.revisions, seed
    assert workload.desired_asked, seed
    sick = [each.at for each in seen if each.application and each.application.health != "Healthy"]
    assert workload.at > max(sick, default=-100.0), seed


def test_at_the_deadline_every_verdict_is_final() -> None:
    for seed in range(5 * EXAMPLES):
        chance = Chance(seed)
        target = chance.target()
        late = (target.graces.timeout, chance.observation())
        verdict, _ = play(target, iter([*chance.script(), late]))
        assert verdict.final, seed
        assert verdict.result in EXIT_CODES, seed
        assert verdict.headline, seed


def test_requests_stay_within_their_bounds() -> None:
    """At most one refresh a minute and one hard refresh at all, whatever is observed."""
    for seed in range(3 * EXAMPLES):
        chance = Chance(seed)
        target, memory, at = chance.target(), Memory(), 0.0
        refreshes: list[float] = []
        hard = 0
        for pause, observation in chance.script():
            at += pause
            verdict, memory = judge(target, replace(observation, at=at), memory)
            hard += "hard-refresh" in verdict.wants
            if "refresh" in verdict.wants:
                refreshes.append(at)
        gaps = [after - before for before, after in pairwise(refreshes)]
        assert all(gap >= target.graces.refresh_again for gap in gaps), seed
        assert hard <= 1, seed


@pytest.mark.parametrize("seed", range(20))
def test_judging_is_pure(seed: int) -> None:
    chance = Chance(seed)
    target, observation = chance.target(), chance.observation()
    assert judge(target, observation, Memory()) == judge(target, observation, Memory())
