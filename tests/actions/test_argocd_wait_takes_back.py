"""`on-failure: rollback`: the tags before a bad change come back in git, and are waited for."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from astrago_actions.actions import argocd_wait
from astrago_actions.context import Context
from astrago_actions.errors import ActionError, InputErrors
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.argocd import ArgoCD
from astrago_actions.sandbox.argocd.memory import MemoryRegistry
from astrago_actions.sandbox.argocd.workloads import PodState
from astrago_actions.sandbox.server import LoopbackServer
from tests.argocd_world import TOKEN as ARGOCD_TOKEN
from tests.deployment_world import BRANCH, DEPLOYMENT, FILE, TOKEN, VALUES
from tests.deployment_world import World as Deployment
from tests.recording_step import RecordingStep

IMAGE = "ghcr.io/xiilab/astrago-backend"
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  template:
    spec:
      containers:
        - {name: main, image: "ghcr.io/xiilab/astrago-backend:{{ .Values.astrago.NAME.imageTag }}"}
"""


class World:
    """A GitHub whose deployment repository an Argo CD follows, and a bad new image."""

    def __init__(self) -> None:
        self.deployment = Deployment()
        self.step = RecordingStep()
        self.registry = MemoryRegistry()
        self.argocd = ArgoCD(self.deployment.github, self.registry, self.deployment.clock)
        self.argocd.add_token(ARGOCD_TOKEN)
        self.server = LoopbackServer(self.argocd)
        files = {
            f"chart/templates/{name}.yaml": TEMPLATE.replace("NAME", name).encode()
            for name in ("core", "batch")
        }
        files["chart/Chart.yaml"] = b"name: astrago\n"
        self.deployment.github.commit(DEPLOYMENT, BRANCH, files, "chart")

    def __enter__(self) -> World:
        self.deployment.server.start()
        self.server.start()
        source = {
            "repoURL": f"{self.deployment.server.url}/{DEPLOYMENT}.git",
            "path": "chart",
            "targetRevision": BRANCH,
            "helm": {"valueFiles": [f"../{FILE}"]},
        }
        spec = {
            "source": source,
            "destination": {"namespace": "astrago"},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        }
        self.argocd.add_application({"metadata": {"name": "astrago"}, "spec": spec})
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self.deployment.server.stop()

    def images(self) -> dict[str, str]:
        short = self.deployment.second[:8]
        return {name: f"{IMAGE}:{name}-stage-{short}" for name in ("core", "batch")}

    def wait(self, revision: str, **given: str) -> argocd_wait.Outputs:
        run = self.deployment.run_of(self.deployment.second)
        usual = {
            "server": self.server.url,
            "token": ARGOCD_TOKEN,
            "application": "astrago",
            "revision": revision,
            "images": json.dumps(self.images()),
            "deployment-token": TOKEN,
            "deployment-repository": DEPLOYMENT,
            "branch": BRANCH,
            "event-stream": "false",
            "on-failure": "rollback",
        }
        reader = InputReader({**usual, **given})
        inputs = argocd_wait.read(reader, run)
        reader.check()
        context = Context(self.step, run, self.deployment.clock)
        return argocd_wait.wait(inputs, context, lambda task: task())


class Interrupted(RecordingStep):
    """A step while which something happens as soon as it is told some words."""

    def __init__(self, words: str, happens: Callable[[], object]) -> None:
        super().__init__()
        self._words = words
        self._happens = happens

    def info(self, text: str) -> None:
        super().info(text)
        if self._words in text:
            self._happens()


@pytest.fixture
def world() -> Iterator[World]:
    with World() as world:
        yield world


def test_a_bad_change_is_taken_back_and_the_step_fails_all_the_same(world: World) -> None:
    ours = world.deployment.bump().commit_sha
    bad = world.images()["core"].partition("/")[2]
    world.registry.missing.add(bad)
    with pytest.raises(ActionError) as caught:
        world.wait(ours)
    outputs = caught.value.outputs
    assert (caught.value.exit_code, outputs["result"]) == (12, "unhealthy")
    assert outputs["rollback-result"] == "deployed"
    assert world.deployment.values() == VALUES
    message = world.deployment.github.message(DEPLOYMENT, str(outputs["rollback-commit"]))
    assert f"Rollback-Of: {ours}" in message
    assert "live and healthy again" in caught.value.detail
    assert {pod.images[0].rpartition("-")[2] for pod in living(world)} == {"00000001"}


def living(world: World) -> list[PodState]:
    pods = world.argocd.application("astrago").cluster.pods()
    return [pod for pod in pods if pod.reason != "Terminating"]


@pytest.mark.parametrize(
    ("stale", "result"), [("until-hard-refresh", "deployed"), ("always", "manifest-error")]
)
def test_the_images_that_were_put_back_are_waited_for(
    world: World, stale: str, result: str
) -> None:
    """In sync and healthy at the rollback's commit, from cached manifests of the change before:
    the commit alone would be content.
    """
    ours = world.deployment.bump().commit_sha
    world.argocd.behave("astrago", rollout_seconds=80.0)
    world.deployment.before_our_commit(
        lambda: world.argocd.behave("astrago", stale_manifests=stale, rollout_seconds=1.0)
    )
    with pytest.raises(ActionError) as caught:
        world.wait(ours, timeout="60")
    assert caught.value.outputs["rollback-result"] == result
    before = f"{IMAGE}:core-stage-00000001"
    assert f"Waiting for {before}, {IMAGE}:batch-stage-00000001 to run again." in world.step.lines
    ours_still_run = world.images()["core"] in {pod.images[0] for pod in living(world)}
    assert ours_still_run == (result == "manifest-error")


def test_a_bad_pod_that_is_slow_to_go_is_waited_for(world: World) -> None:
    ours = world.deployment.bump().commit_sha
    world.registry.missing.add(world.images()["core"].partition("/")[2])
    world.argocd.behave("astrago", termination_seconds=20.0)
    with pytest.raises(ActionError) as caught:
        world.wait(ours)
    assert caught.value.outputs["rollback-result"] == "deployed"


def test_a_rollback_that_somebody_overtakes_is_told_as_such(world: World) -> None:
    ours = world.deployment.bump().commit_sha
    world.registry.missing.add(world.images()["core"].partition("/")[2])
    newer = VALUES.replace("00000001", "99999999")
    world.step = Interrupted("to run again", lambda: world.deployment.outside_commit(newer))
    with pytest.raises(ActionError) as caught:
        world.wait(ours)
    assert caught.value.outputs["rollback-result"] == "superseded"
    assert "A newer commit replaced the tags before it" in caught.value.detail


def test_images_that_cannot_be_told_are_not_waited_for(world: World) -> None:
    ours = world.deployment.bump().commit_sha
    world.registry.missing.add(world.images()["core"].partition("/")[2])
    with pytest.raises(ActionError) as caught:
        world.wait(ours, images="")
    assert caught.value.outputs["rollback-result"] == "deployed"
    assert "to run again" not in world.step.log
    assert "waited for by its commit alone" in world.step.log


def test_images_that_no_manifest_named_are_not_waited_for_after_the_rollback(world: World) -> None:
    """The chart takes its images from a mirror: of those given none was ever wanted."""
    ours = world.deployment.bump().commit_sha
    short = world.deployment.second[:8]
    with pytest.raises(ActionError) as caught:
        world.wait(ours, images=f"mirror.example.com/backend:core-stage-{short}")
    assert caught.value.outputs["result"] == "manifest-error"
    assert caught.value.outputs["rollback-result"] == "deployed"
    assert "The rollback is waited for by its commit alone." in world.step.lines


def test_a_value_that_somebody_changed_since_is_left_alone(world: World) -> None:
    ours = world.deployment.bump().commit_sha
    world.registry.missing.add(world.images()["core"].partition("/")[2])
    short = world.deployment.second[:8]
    newer = world.deployment.values().replace(f"batch-stage-{short}", "batch-stage-99999999")
    world.deployment.before_our_commit(lambda: world.deployment.outside_commit(newer))
    with pytest.raises(ActionError) as caught:
        world.wait(ours)
    assert caught.value.outputs["rollback-commit"]
    assert "batch-stage-99999999" in world.deployment.values()
    assert "core-stage-00000001" in world.deployment.values()


def test_a_commit_that_recorded_nothing_cannot_be_taken_back(world: World) -> None:
    short = world.deployment.second[:8]
    values = VALUES.replace("00000001", short)
    ours = world.deployment.outside_commit(values)
    world.registry.missing.add(world.images()["core"].partition("/")[2])
    with pytest.raises(ActionError) as caught:
        world.wait(ours)
    assert (
        "rollback-commit" not in caught.value.outputs or not caught.value.outputs["rollback-commit"]
    )
    assert "nothing to take back" in caught.value.detail
    assert world.deployment.values() == values


def test_a_good_change_is_not_taken_back(world: World) -> None:
    ours = world.deployment.bump().commit_sha
    assert world.wait(ours).result == "deployed"
    assert world.deployment.github.head(DEPLOYMENT, BRANCH) == ours


def test_a_session_that_ends_says_nothing_of_the_change(world: World) -> None:
    ours = world.deployment.bump().commit_sha
    token = world.argocd.new_token(seconds=3.0)
    world.argocd.behave("astrago", rollout_seconds=60.0)
    with pytest.raises(ActionError) as caught:
        world.wait(ours, token=token)
    assert caught.value.outputs["result"] == "auth"
    assert world.deployment.github.head(DEPLOYMENT, BRANCH) == ours


def test_taking_back_needs_a_token_that_may_write(world: World) -> None:
    with pytest.raises(InputErrors) as caught:
        world.wait("a" * 40, **{"deployment-token": ""})
    assert "on-failure: rollback" in str(caught.value)
