"""Taking a failed change back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from astrago_actions.actions.argocd_wait_inputs import RollbackPlace
from astrago_actions.actions.argocd_wait_rollback import take_back
from astrago_actions.context import Context
from astrago_actions.domain.bump_commit import trailers
from astrago_actions.errors import ActionError
from astrago_actions.inputs import Secret
from tests.deployment_world import BRANCH, DEPLOYMENT, SOURCE, TOKEN, VALUES, World

PLACE = RollbackPlace(DEPLOYMENT, BRANCH, Secret(TOKEN))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.server:
        yield world


def context(world: World) -> Context:
    return Context(world.step, world.run_of(world.second), world.clock)


def test_puts_the_values_back_and_says_of_which_commit(world: World) -> None:
    bumped = world.bump()
    commit = take_back(PLACE, bumped.commit_sha, context(world))
    assert commit is not None
    assert world.values() == VALUES
    found = trailers(world.github.message(DEPLOYMENT, commit.sha))
    assert found["Rollback-Of"] == (bumped.commit_sha,)
    assert found["Component"] == ("core", "batch")
    assert found["Environment"] == ("stage",)
    assert "Source-Commit" not in found


def test_leaves_alone_what_somebody_deployed_since(world: World) -> None:
    bumped = world.bump()
    third = world.github.commit(SOURCE, BRANCH, {"a": b"3"}, "third")
    tag = f"core-stage-{third[:8]}"
    world.bump(sha=third, tags=f'{{"core": "{tag}"}}')
    take_back(PLACE, bumped.commit_sha, context(world))
    assert f'"{tag}"' in world.values()
    assert '"batch-stage-00000001"' in world.values()


def test_makes_no_commit_when_everything_was_deployed_anew(world: World) -> None:
    bumped = world.bump(tags='{"core": "core-1"}', source_commit=world.first)
    world.bump(tags='{"core": "core-2"}')
    commits = world.commits()
    assert take_back(PLACE, bumped.commit_sha, context(world)) is None
    assert world.commits() == commits


def test_a_commit_that_is_no_bump_cannot_be_taken_back(world: World) -> None:
    by_hand = world.outside_commit(VALUES + "\n")
    with pytest.raises(ActionError, match="nothing to take back"):
        take_back(PLACE, by_hand, context(world))
