"""ghcr-push with a real Docker engine: every builder that this machine has, images made here."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from astrago_actions.clients.docker_config import private_docker_config
from astrago_actions.clients.registry import Credentials
from astrago_actions.errors import ActionError
from astrago_actions.inputs import Secret
from astrago_actions.sandbox.registry import Registry
from astrago_actions.sandbox.server import Fault, LoopbackServer
from tests.engine import Engine
from tests.push_world import COMMIT, REVISION, PushWorld
from tests.registries import CLASSIC_TOKEN, SandboxRegistry

pytestmark = pytest.mark.docker

WITH_SECRET = """\
FROM {base}
RUN --mount=type=secret,id=npm echo {salt} size $(wc -c < /run/secrets/npm)
"""


@pytest.fixture
def world(
    tmp_path: Path, sandbox_registry: SandboxRegistry, docker_engine: Engine
) -> Iterator[PushWorld]:
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    yield PushWorld(workspace, sandbox_registry.running, ("core",))
    docker_engine.forget(sandbox_registry.host)


def built_once(world: PushWorld) -> bool:
    """Whether each component's image was exported once."""
    text = "\n".join(world.step.lines)
    return all(text.count(f"to {world.image(each)} ") <= 1 for each in world.components)


def test_every_builder_builds_labels_and_pushes_what_is_pulled_again(
    world: PushWorld, rung: str, docker_engine: Engine
) -> None:
    world.components = ("core", "batch")

    outputs = world.push(context=world.dockerfiles())

    assert outputs.digests == {name: world.digest(name) for name in world.components}
    assert world.stages == [("build", "success"), ("push", "success")]
    docker_engine.run("image", "rm", world.image("core"))
    login = Credentials("octocat", Secret(CLASSIC_TOKEN))
    with private_docker_config({world.registry.host: login}, None) as config:
        docker_engine.run("pull", world.image("core"), DOCKER_CONFIG=str(config))
    inspected = docker_engine.run("image", "inspect", world.image("core"))
    labels = json.loads(inspected)[0]["Config"]["Labels"]
    assert labels[REVISION] == COMMIT
    expected = {"buildkit": "BuildKit of", "legacy": "legacy builder of", "buildx": "buildx ("}
    assert expected[rung] in world.step.summaries[0]


@pytest.mark.parametrize("rung", ["buildkit"], indirect=True)
def test_the_same_commit_is_not_built_twice(world: PushWorld, rung: str) -> None:
    first = world.push(context=world.dockerfiles())

    second = world.push(context="server-{component}")

    assert second.skipped == list(world.components)
    assert second.digests == first.digests
    assert world.stages == []


@pytest.mark.parametrize("rung", ["buildkit", "buildx"], indirect=True)
def test_a_secret_reaches_the_build_and_nothing_else(
    world: PushWorld, rung: str, shell_image: str, docker_engine: Engine
) -> None:
    context = world.dockerfiles(WITH_SECRET.format(base=shell_image, salt=os.urandom(8).hex()))

    world.push(context=context, secrets="npm=a-secret-of-25-characters")

    assert "a-secret-of-25-characters" in world.step.masked
    text = "\n".join(world.step.lines)
    assert "size 25" in text
    assert "a-secret-of-25-characters" not in text
    history = docker_engine.run("history", "--no-trunc", world.image("core"))
    assert "a-secret" not in history
    calls = Path(str(shutil.which("docker"))).with_name("calls").read_text()
    assert "push" in calls
    assert "a-secret" not in calls
    assert CLASSIC_TOKEN not in calls


@pytest.mark.parametrize("rung", ["legacy"], indirect=True)
def test_what_the_builder_cannot_do_is_said_before_anything_happens(
    world: PushWorld, rung: str, sandbox_registry: SandboxRegistry
) -> None:
    with pytest.raises(ActionError) as caught:
        world.push(
            context=world.dockerfiles(), secrets="npm=value", platforms="linux/arm64", sbom="true"
        )

    for name in ("`secrets`", "`platforms`", "`sbom`"):
        assert name in caught.value.detail
    assert sandbox_registry.server.exchanges == []


def test_a_build_that_fails_names_the_component_and_the_way_out(
    world: PushWorld, rung: str
) -> None:
    world.components = ("core", "batch")
    context = world.dockerfiles()
    (world.workspace / "server-batch/app").unlink()

    with pytest.raises(ActionError, match="batch could not be built") as caught:
        world.push(context=context)

    assert "not in the context `server-batch`" in caught.value.remedy
    assert world.stages == [("build", "failure")]
    assert world.digest("core") is None


@pytest.mark.parametrize("rung", ["buildkit"], indirect=True)
def test_two_failures_are_reported_together(world: PushWorld, rung: str) -> None:
    world.components = ("core", "batch")
    context = world.dockerfiles("FROM scratch\nCOPY missing /\n")

    with pytest.raises(ActionError, match="core, batch could not be built"):
        world.push(context=context)


def test_a_push_is_repeated_without_building_again(
    world: PushWorld, rung: str, sandbox_registry: SandboxRegistry
) -> None:
    sandbox_registry.server.faults.add(
        Fault("status", "PUT", ".*/manifests/core.*", status=503, body="busy", times=1)
    )

    outputs = world.push(context=world.dockerfiles(), retries="2")

    assert outputs.digests["core"] == world.digest("core")
    assert any("Trying again" in line for line in world.step.lines)
    assert built_once(world)


def test_the_fallback_takes_the_image_that_was_built(
    world: PushWorld, rung: str, sandbox_registry: SandboxRegistry, docker_engine: Engine
) -> None:
    sandbox_registry.server.faults.add(
        Fault("status", "PUT", ".*/manifests/.*", status=503, body="busy", times=None)
    )
    other = Registry()
    other.add_token("dckr_pat_token", {"*": "write"})
    with LoopbackServer(other) as server:
        host = server.url.removeprefix("http://")

        outputs = world.push(
            context=world.dockerfiles(), fallback_registry=host, fallback_token="dckr_pat_token"
        )

        assert outputs.registry == host
        assert outputs.digests["core"] == other.digest_of(world.repository, "core-stage-1")
        assert built_once(world)
    docker_engine.forget(host)


@pytest.mark.parametrize("rung", ["buildkit"], indirect=True)
def test_the_engine_knows_the_size_only_after_the_push_and_says_so(
    world: PushWorld, rung: str
) -> None:
    with pytest.raises(ActionError, match="only after the push") as caught:
        world.push(context=world.dockerfiles(), max_size="100B")

    assert caught.value.outputs["digests"] == {"core": world.digest("core")}


@pytest.mark.parametrize("rung", ["buildkit", "buildx"], indirect=True)
def test_the_cache_of_each_component_has_a_tag_of_its_own(
    world: PushWorld, rung: str, sandbox_registry: SandboxRegistry
) -> None:
    world.components = ("core", "batch")

    world.push(context=world.dockerfiles(), cache="registry")

    tags = sandbox_registry.registry.tags(world.repository)
    assert tags == ["batch-stage-1", "buildcache-batch", "buildcache-core", "core-stage-1"]


@pytest.mark.parametrize("rung", ["legacy"], indirect=True)
def test_a_cache_that_cannot_be_used_is_a_warning(world: PushWorld, rung: str) -> None:
    world.push(context=world.dockerfiles(), cache="gha")

    assert "the legacy builder has no cache" in world.step.warnings[0]


@pytest.mark.parametrize("rung", ["buildkit"], indirect=True)
def test_credentials_are_gone_afterwards_and_the_users_own_untouched(
    world: PushWorld, rung: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "config.json").write_text('{"credsStore": "nowhere", "auths": {"example.com": {}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(own))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    world.push(context=world.dockerfiles())

    assert list((tmp_path / "temporary").iterdir()) == []
    assert "nowhere" in (own / "config.json").read_text()
    assert world.registry.password not in (own / "config.json").read_text()


@pytest.mark.parametrize("rung", ["buildkit"], indirect=True)
def test_build_arguments_and_targets_reach_the_build(
    world: PushWorld, rung: str, docker_engine: Engine
) -> None:
    world.components = ("core", "batch")
    context = world.dockerfiles(
        "FROM scratch AS core\nARG NAME\nLABEL name=$NAME\nCOPY app /app\n"
        "FROM scratch AS batch\nARG NAME\nLABEL name=$NAME\nCOPY app /app\n"
        "FROM scratch AS broken\nCOPY missing /\n"
    )

    outputs = world.push(
        context=context, target="{component}", build_args="NAME=server-{component}"
    )

    assert set(outputs.digests) == {"core", "batch"}
    for name in world.components:
        inspected = docker_engine.run("image", "inspect", world.image(name))
        assert json.loads(inspected)[0]["Config"]["Labels"]["name"] == f"server-{name}"


@pytest.mark.parametrize("rung", ["buildkit"], indirect=True)
def test_components_are_built_at_the_same_time(
    world: PushWorld, rung: str, shell_image: str
) -> None:
    world.components = ("core", "batch")
    world.dockerfiles()
    for name in world.components:
        (world.workspace / f"server-{name}/Dockerfile").write_text(
            f"FROM {shell_image}\nRUN echo {os.urandom(8).hex()} && sleep 0.6\n"
        )

    world.push(context="server-{component}")

    begun = [line for line in world.step.lines if "sleep 0.6" in line and "RUN" in line]
    first_done = next(line for line in world.step.lines if "exporting to image" in line)
    last_begun = max(world.step.lines.index(line) for line in begun[:2])
    assert {line.partition("]")[0] for line in begun} == {"[core", "[batch"}
    assert last_begun < world.step.lines.index(first_done)
