"""rollback: the tags before a bump come back, and what is known of them is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astrago_actions.actions import rollback
from astrago_actions.actions.rollback import Outputs
from astrago_actions.context import Context
from astrago_actions.domain.bump_commit import trailers
from astrago_actions.errors import ActionError, InputErrors
from astrago_actions.inputs import InputReader
from tests.deployment_world import BRANCH, DEPLOYMENT, FILE, TOKEN, VALUES, World

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.server:
        yield world


def roll_back(world: World, **inputs: str) -> Outputs:
    """Run the action for both components, with some of its inputs changed."""
    usual = {
        "deployment-repository": DEPLOYMENT,
        "deployment-branch": BRANCH,
        "deployment-token": TOKEN,
        "file": FILE,
        "key": "astrago.{component}.imageTag",
        "components": "core, batch",
        "to-before": "previous",
    }
    given = InputReader({**usual, **{name.replace("_", "-"): v for name, v in inputs.items()}})
    run = world.run_of(world.second)
    read = rollback.read(given, run)
    given.check()
    return rollback.run(read, Context(world.step, run, world.clock))


def test_the_values_before_the_newest_bump_come_back_in_one_commit(world: World) -> None:
    bumped = world.bump()

    outputs = roll_back(world)

    assert world.values() == VALUES
    assert outputs.result == "committed"
    assert outputs.commit_sha == world.github.head(DEPLOYMENT, BRANCH)
    assert outputs.previous["core"] == f"core-stage-{world.second[:8]}"
    message = world.github.message(DEPLOYMENT, outputs.commit_sha)
    assert trailers(message)["Rollback-Of"] == (bumped.commit_sha,)


def test_the_same_bump_taken_back_again_changes_nothing(world: World) -> None:
    bumped = world.bump()
    roll_back(world, to_before=bumped.commit_sha)

    outputs = roll_back(world, to_before=bumped.commit_sha)

    assert outputs.result == "no-change"
    assert world.values() == VALUES
    assert world.commits() == 2


def test_the_beginning_of_a_sha_is_enough_if_it_cannot_mean_another_bump(world: World) -> None:
    bumped = world.bump()
    with pytest.raises(InputErrors, match="`to-before`: must be `previous` or the SHA"):
        roll_back(world, to_before=bumped.commit_sha[:2])

    assert roll_back(world, to_before=bumped.commit_sha[:8].upper()).changed


def test_a_protected_branch_gets_a_pull_request_and_nothing_is_waited_for(world: World) -> None:
    world.bump()
    world.github.protect(DEPLOYMENT, BRANCH, "pull-request")

    outputs = roll_back(
        world,
        mode="commit-or-pull-request",
        argocd_server=NOWHERE,
        argocd_token="t",
        application="astrago",
    )

    assert outputs.result == "proposed"
    assert "/pull/" in outputs.pull_request_url


def test_a_wait_that_fails_still_tells_which_commit_put_the_tags_back(world: World) -> None:
    world.bump()

    with pytest.raises(ActionError) as caught:
        roll_back(
            world,
            argocd_server=NOWHERE,
            argocd_token="t",
            application="astrago",
            wait_timeout="1",
        )

    assert caught.value.outputs["commit-sha"] == world.github.head(DEPLOYMENT, BRANCH)
    assert caught.value.outputs["result"] == "unreachable"


def test_every_mistake_is_named_under_the_names_used_here(world: World) -> None:
    with pytest.raises(InputErrors) as caught:
        roll_back(
            world,
            deployment_repository="astrago",
            deployment_token="",
            file="",
            components="",
            argocd_server="argocd",
        )

    assert {each.input_name for each in caught.value.mistakes} == {
        *("deployment-repository", "deployment-token", "file", "components"),
        *("argocd-server", "argocd-token", "application"),
    }
    messages = {each.input_name: each.message for each in caught.value.mistakes}
    assert messages["argocd-token"] == "is empty, and `argocd-username` is not given instead"
    assert world.server.exchanges == []


def test_a_remedy_names_the_input_as_it_is_called_here(world: World) -> None:
    with pytest.raises(ActionError) as caught:
        roll_back(world, deployment_branch="stabilise/1.0")

    assert "`deployment-branch`" in caught.value.remedy


def test_a_dry_run_shows_what_would_come_back(world: World) -> None:
    world.bump()
    bumped = world.values()

    outputs = roll_back(world, dry_run="true")

    assert outputs.result == "dry-run"
    assert '+    imageTag: "core-stage-00000001"' in outputs.diff
    assert world.values() == bumped


def test_when_all_bumps_are_taken_back_it_says_so(world: World) -> None:
    world.bump()
    roll_back(world)

    with pytest.raises(ActionError) as caught:
        roll_back(world)

    assert "is a bump of these keys that is not taken back already" in caught.value.detail
    assert "revert: core" in caught.value.detail
