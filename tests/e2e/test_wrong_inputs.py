"""Wrong input to any action: every mistake is named, nothing is changed, nobody meets a traceback.

One job calls an action once per mistake, so that the executor starts once per action.
"""

from __future__ import annotations

import json

from astrago_actions.sandbox.act import StepRecord
from astrago_actions.sandbox.scenario import Workplace
from astrago_actions.sandbox.world import BRANCH, DEPLOYMENT, VALUES_FILE, World
from tests.e2e.conftest import RunSteps

NOWHERE = "http://127.0.0.1:9"


def step(action: str, identifier: str, **given: str) -> str:
    """A step that calls an action with these inputs; `_` stands for `-` in their names."""
    inputs = {name.replace("_", "-"): value for name, value in given.items()}
    return (
        f"- uses: xiilab/astrago-actions/{action}@v1\n"
        f"  id: {identifier}\n"
        "  continue-on-error: true\n"
        f"  with: {json.dumps(inputs, ensure_ascii=False)}\n"
    )


def said(record: StepRecord) -> str:
    """What the step showed; it failed in order, with one annotation."""
    assert "Traceback" not in record.log
    assert "unexpected" not in "".join(record.errors)
    assert len(record.errors) == 1, record.log + "".join(record.errors)
    assert "> [!CAUTION]" in record.summary
    return record.errors[0]


def test_build_tag(run_steps: RunSteps) -> None:
    result = run_steps(
        step("build-tag", "empty")
        + step("build-tag", "broken", components='{"core": ', environment="stage")
        + step("build-tag", "many", components="core, core", sha="12345678", template="{nope}")
    )

    assert "`components`" in said(result.step("empty"))
    assert "`components`" in said(result.step("broken"))
    assert "JSON" in said(result.step("broken"))
    many = said(result.step("many"))
    assert [name for name in ("components", "sha", "template") if f"`{name}`" not in many] == []


def test_bump_image_tag(run_steps: RunSteps, world: World) -> None:
    right = {
        "repository": DEPLOYMENT,
        "branch": BRANCH,
        "file": VALUES_FILE,
        "key": "astrago.{component}.imageTag",
        "tags": '{"core": "core-stage-0123abcd"}',
        "token": world.tokens.deploy,
    }
    before = world.github.head(DEPLOYMENT, BRANCH)

    result = run_steps(
        step("bump-image-tag", "component", **{**right, "tags": '{"kernel": "kernel-1"}'})
        + step("bump-image-tag", "key", **{**right, "key": "astrago.components.{component}.tag"})
        + step("bump-image-tag", "file", **{**right, "file": "values.yaml"})
        + step("bump-image-tag", "broken", **{**right, "tags": '{"core"', "token": ""})
        + step("bump-image-tag", "rejected", **{**right, "token": "github_pat_of_nobody"})
        + step("bump-image-tag", "empty"),
        environment=world.runner_environment,
    )

    assert "astrago.kernel.imageTag" in said(result.step("component"))
    assert "astrago.components.core.tag" in said(result.step("key"))
    assert "values.yaml" in said(result.step("file"))
    broken = said(result.step("broken"))
    assert "`tags`" in broken
    assert "`token`" in broken
    assert "token" in said(result.step("rejected"))
    empty = said(result.step("empty"))
    missing = [name for name in ("repository", "branch", "token") if f"`{name}`" not in empty]
    assert missing == []
    assert world.github.head(DEPLOYMENT, BRANCH) == before


def test_bump_image_tag_without_a_server(run_steps: RunSteps) -> None:
    result = run_steps(
        step(
            "bump-image-tag",
            "bump",
            repository=DEPLOYMENT,
            branch=BRANCH,
            file=VALUES_FILE,
            key="astrago.core.imageTag",
            tags="core=core-stage-0123abcd",
            token="github_pat_x",
            timeout="1",
        ),
        environment={"GITHUB_API_URL": NOWHERE, "GITHUB_GRAPHQL_URL": NOWHERE},
    )

    assert "GitHub gave no usable answer" in said(result.step("bump"))


def test_ghcr_push(run_steps: RunSteps, world: World, place: Workplace) -> None:
    image = f"{world.registry_host}/xiilab/astrago-backend:core-stage-0123abcd"
    right = {"images": json.dumps({"core": image}), "context": ".", "token": world.tokens.job}

    result = run_steps(
        "- uses: actions/checkout@v4\n"
        + step("ghcr-push", "broken", **{**right, "images": "{", "if_exists": "perhaps"})
        + step("ghcr-push", "empty", token="")
        + step("ghcr-push", "nowhere", **{**right, "archive": "no/such/{component}.tar"})
        + step("ghcr-push", "rejected", **{**right, "token": "ghs_of_nobody", "archive": "a.tar"})
        + step(
            "ghcr-push",
            "down",
            **{
                **right,
                "images": '{"core": "127.0.0.1:9/x/y:z"}',
                "archive": place.variables["IMAGE_ARCHIVE"],
            },
        ),
        environment=world.runner_environment,
        files={"a.tar": "not an archive", "Dockerfile": "FROM scratch"},
    )

    broken = said(result.step("broken"))
    assert "`images`" in broken
    assert "`if-exists`" in broken
    assert "`images`" in said(result.step("empty"))
    assert "no/such/core.tar" in said(result.step("nowhere"))
    said(result.step("rejected"))
    assert "127.0.0.1:9" in said(result.step("down"))
    assert world.registry.tags("xiilab/astrago-backend") == []


def test_argocd_wait(run_steps: RunSteps, world: World) -> None:
    right = {
        "server": world.argocd_server.url,
        "token": world.tokens.argocd,
        "application": "astrago-xiilab",
        "revision": world.github.head(DEPLOYMENT, BRANCH),
    }

    result = run_steps(
        step("argocd-wait", "empty")
        + step("argocd-wait", "broken", **{**right, "images": "{", "timeout": "soon"})
        + step("argocd-wait", "unknown", **{**right, "application": "astrago-nobody"})
        + step("argocd-wait", "rejected", **{**right, "token": "of-nobody"})
        + step("argocd-wait", "down", **{**right, "server": NOWHERE, "timeout": "2"}),
        environment=world.runner_environment,
    )

    assert "`server`" in said(result.step("empty"))
    broken = said(result.step("broken"))
    assert "`images`" in broken
    assert "`timeout`" in broken
    assert "astrago-nobody" in said(result.step("unknown"))
    said(result.step("rejected"))
    assert "127.0.0.1:9" in said(result.step("down"))


def test_pipeline_metrics(run_steps: RunSteps) -> None:
    result = run_steps(
        step("pipeline-metrics", "broken", targets="build<=soon", stages="{", window="never")
    )

    broken = said(result.step("broken"))
    assert [name for name in ("targets", "stages", "window") if f"`{name}`" not in broken] == []


def test_the_root_action_names_its_own_inputs(run_steps: RunSteps) -> None:
    result = run_steps(
        "- uses: xiilab/astrago-actions@v1\n"
        "  id: all\n"
        "  continue-on-error: true\n"
        "  with: {components: core, image: 'ghcr.io/no blanks', targets: 'x'}\n"
    )

    shown = said(result.step("all"))
    expected = ("image", "deployment-repository", "deployment-token", "file", "key", "targets")
    assert [name for name in expected if f"`{name}`" not in shown] == []
