"""What follows at once from a target, an observation and what is remembered."""

from __future__ import annotations

import pytest

from astrago_actions.domain.rollout.application import (
    Application,
    Operation,
    Pod,
    Source,
    Workload,
)
from astrago_actions.domain.rollout.judge import judge
from astrago_actions.domain.rollout.result import EXIT_CODES, SUCCESSES, worst
from astrago_actions.domain.rollout.values import Memory, Observation, Relation, Target
from astrago_actions.domain.rollout.view import View
from astrago_actions.domain.rollout.words import normal_repository

OURS, OTHER = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/xiilab/astrago-deployment",
        "https://github.com/xiilab/astrago-deployment.git",
        "https://GitHub.com/XIILAB/Astrago-Deployment/",
        "https://token@github.com/xiilab/astrago-deployment.git",
        "git@github.com:xiilab/astrago-deployment.git",
        "ssh://git@github.com/xiilab/astrago-deployment",
        "ssh://git@ssh.github.com:443/xiilab/astrago-deployment.git",
    ],
)
def test_one_repository_however_it_is_written(address: str) -> None:
    assert normal_repository(address) == "github.com/xiilab/astrago-deployment"


def view(application: Application, **target: str) -> View:
    known = {OTHER: "newer"}
    observation = Observation(0, application=application, relations=known)  # type: ignore[arg-type]
    return View(Target("web", OURS, **target), observation, Memory(), application)  # type: ignore[arg-type]


def test_only_sources_of_our_repository_say_what_is_compared() -> None:
    sources = (Source("https://charts.example.com", chart="web"), Source("https://github.com/o/r"))
    application = Application("web", sources=sources, revisions=("1.2.3", OTHER))
    found = view(application, repository="github.com/o/r")
    assert found.our_sources == (1,)
    assert (found.revision, found.relation) == (OTHER, "newer")


def test_a_chart_at_a_fixed_tag_does_not_hide_its_values_at_ours() -> None:
    sources = (Source("https://github.com/o/r", "v1"), Source("https://github.com/o/r", "main"))
    application = Application("web", sources=sources, revisions=("c" * 40, OURS))
    found = view(application, repository="github.com/o/r")
    assert (found.revision, found.relation, found.seen) == (OURS, "same", True)


@pytest.mark.parametrize(("relation", "seen"), [("unknown", True), ("diverged", False)])
def test_an_application_without_our_images_proves_nothing_on_a_rewritten_branch(
    relation: Relation, seen: bool
) -> None:
    """Where ancestry is unknown it is left to the other applications that are waited for."""
    application = Application("web", revisions=(OTHER,))
    workload = Workload(0, (OTHER,), desired_images=("ghcr.io/xiilab/db:1",), pods=())
    observation = Observation(
        0, application=application, relations={OTHER: relation}, workload=workload
    )
    target = Target("web", OURS, ("ghcr.io/xiilab/web:2",), shared=True)
    assert View(target, observation, Memory(), application).seen is seen


@pytest.mark.parametrize(("looked_at", "result"), [(10.0, ""), (30.0, "unhealthy")])
def test_nothing_fails_early_on_pods_from_before_it_became_healthy(
    looked_at: float, result: str
) -> None:
    """A pod that crashed while it started may have recovered since."""
    pod = Pod("web-1", uid="1", images=("web:1",), reason="CrashLoopBackOff", restarts=3)
    operation = Operation("Succeeded", finished_at=1.0, revisions=(OURS,))
    memory = Memory()
    for at, health in ((5.0, "Progressing"), (25.0, "Healthy"), (35.0, "Healthy")):
        application = Application(
            "web",
            sync_status="Synced",
            revisions=(OURS,),
            health=health,
            operation=operation,
            reconciled_at=1.0,
        )
        workload = Workload(looked_at, (OURS,), None, (pod,)) if at > looked_at else None
        observation = Observation(at, application=application, workload=workload)
        verdict, memory = judge(Target("web", OURS, ("web:1",)), observation, memory)
    assert verdict.result == result


def test_sightings_are_counted_while_they_last() -> None:
    memory = Memory()
    for at in (1.0, 3.0):
        memory = memory.with_sightings(frozenset({"degraded"}), at)
    sighting = memory.sighting("degraded")
    assert sighting is not None
    assert (sighting.since, sighting.count) == (1.0, 2)
    assert memory.with_sightings(frozenset(), 5.0).sighting("degraded") is None


def test_every_failure_has_an_exit_code_of_its_own() -> None:
    failures = [code for result, code in EXIT_CODES.items() if result not in SUCCESSES]
    assert len(set(failures)) == len(failures)
    assert {EXIT_CODES[result] for result in SUCCESSES} == {0}
    assert not set(failures) & {0, 1, 2, 126, 127, 130, 137, 143}


def test_the_worst_result_counts() -> None:
    assert worst(["deployed", "no-change"]) == "deployed"
    assert worst(["deployed", "superseded"]) == "superseded"
    assert worst(["unhealthy", "timeout", "deployed"]) == "unhealthy"
    assert {worst([each]) for each in EXIT_CODES} == set(EXIT_CODES)
