"""ghcr-push with archives: the whole story but for Docker, against the sandbox's registry."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from astrago_actions.actions import ghcr_push
from astrago_actions.errors import AccessDenied, ActionError, InputErrors, Unreachable
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.registry import Registry
from astrago_actions.sandbox.server import Fault, LoopbackServer
from astrago_actions.workflow_run import WorkflowRun
from tests.images import Layout, for_platform, named
from tests.push_world import COMMIT, REVISION, PushWorld
from tests.registries import CLASSIC_TOKEN, RunningRegistry, SandboxRegistry

OTHER_COMMIT = "0" * 40
UPLOADS = r"/v2/.*/blobs/uploads/.*"


@pytest.fixture
def world(tmp_path: Path, sandbox_registry: SandboxRegistry) -> PushWorld:
    return PushWorld(tmp_path, sandbox_registry.running)


class TestArchives:
    def test_every_component_is_served_under_the_reported_digest(self, world: PushWorld) -> None:
        outputs = world.push(archive=world.archives())

        assert outputs.images == {name: world.image(name) for name in world.components}
        assert outputs.digests == {name: world.digest(name) for name in world.components}
        assert outputs.registry == world.registry.host
        assert outputs.skipped == []
        assert world.stages == [("push", "success")]

    def test_sizes_are_compressed_bytes(self, world: PushWorld) -> None:
        outputs = world.push(archive=world.archives())

        client = world.registry.client()
        sizes = {
            name: client.size(world.repository, f"{name}-stage-1").largest
            for name in world.components
        }
        assert outputs.sizes == sizes

    @pytest.mark.parametrize(
        "any_registry",
        [
            pytest.param(kind, marks=pytest.mark.registry)
            for kind in ("debian-open", "debian-basic", "debian-tls")
        ],
        indirect=True,
    )
    def test_other_registries_are_served_as_well(
        self, tmp_path: Path, any_registry: RunningRegistry
    ) -> None:
        world = PushWorld(tmp_path, any_registry, repository=f"xiilab/{any_registry.kind}")

        outputs = world.push(archive=world.archives())

        assert outputs.digests == {name: world.digest(name) for name in world.components}

    def test_one_archive_may_hold_all_components(self, world: PushWorld) -> None:
        layout = Layout()
        roots = [
            named(layout.add_image(name.encode()), f"{name}-stage-1") for name in world.components
        ]
        layout.write_folder(world.workspace / "layout", *roots)

        outputs = world.push(archive="layout")

        assert outputs.digests == {
            name: root["digest"] for name, root in zip(world.components, roots, strict=True)
        }

    def test_platforms_are_listed_and_the_largest_counts(self, world: PushWorld) -> None:
        layout = Layout()
        small = for_platform(layout.add_image(b"small"), "linux/amd64")
        large = for_platform(layout.add_image(bytes(range(256)) * 40), "linux/arm64")
        world.components = ("core",)
        layout.write_tar(world.workspace / "core.tar", layout.add_index([small, large]))

        outputs = world.push(archive="{component}.tar")

        sizes = world.registry.client().size(world.repository, "core-stage-1").platforms
        assert outputs.sizes == {"core": sizes["linux/arm64"]}
        assert any("linux/amd64" in line and "linux/arm64" in line for line in world.step.lines)

    def test_the_summary_names_image_digest_size_and_source(self, world: PushWorld) -> None:
        outputs = world.push(archive=world.archives())

        summary = world.step.summaries[0]
        assert f"### Images in {world.registry.host}" in summary
        for name in world.components:
            digest = outputs.digests[name][: len("sha256:") + 12]
            assert f"| {name} | `{world.image(name)}` | `{digest}` |" in summary
        assert "| archive |" in summary

    def test_a_broken_archive_is_found_before_anything_is_sent(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        world.archives()
        (world.workspace / "batch.tar").write_bytes(b"not a tar")

        with pytest.raises(ActionError, match=r"batch\.tar is not an image archive"):
            world.push(archive="{component}.tar")

        assert sandbox_registry.server.exchanges == []


class TestTagsThatExist:
    def test_an_image_of_the_same_commit_is_not_pushed_again(self, world: PushWorld) -> None:
        first = world.push(archive=world.archives())

        again = world.push(archive=world.archives(filling=100))

        assert again.skipped == ["core", "batch"]
        assert again.digests == first.digests
        assert again.sizes == first.sizes
        assert world.stages == []

    def test_the_very_same_image_is_skipped_without_a_label(self, world: PushWorld) -> None:
        world.push(archive=world.archives(commit=""))

        assert world.push(archive=world.archives(commit="")).skipped == ["core", "batch"]

    @pytest.mark.parametrize("commit", [OTHER_COMMIT, ""])
    def test_a_tag_of_another_commit_is_never_overwritten_silently(
        self, world: PushWorld, commit: str
    ) -> None:
        first = world.push(archive=world.archives(commit))

        with pytest.raises(ActionError, match="tags exist already") as caught:
            world.push(archive=world.archives(COMMIT))

        assert "if-exists: overwrite" in caught.value.remedy
        assert first.digests == {name: world.digest(name) for name in world.components}

    def test_overwrite_replaces_the_tag(self, world: PushWorld) -> None:
        first = world.push(archive=world.archives(OTHER_COMMIT))

        second = world.push(archive=world.archives(), if_exists="overwrite")

        assert second.digests["core"] == world.digest("core") != first.digests["core"]

    def test_fail_fails_though_the_commit_is_the_same(self, world: PushWorld) -> None:
        world.push(archive=world.archives())

        with pytest.raises(ActionError, match="tags exist already"):
            world.push(archive=world.archives(filling=1), if_exists="fail")

    def test_only_what_is_missing_is_pushed(self, world: PushWorld) -> None:
        world.archives()
        world.push(archive="{component}.tar", components="core")

        outputs = world.push(archive="{component}.tar")

        assert outputs.skipped == ["core"]
        assert set(outputs.digests) == {"core", "batch"}

    def test_a_tag_that_may_not_be_looked_for_is_taken_for_new(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        world.components = ("core",)
        denied = '{"errors":[{"code":"DENIED","message":"denied"}]}'
        sandbox_registry.server.faults.add(Fault("status", "HEAD", status=403, body=denied))

        outputs = world.push(archive=world.archives())

        assert outputs.digests["core"] == world.digest("core")
        assert any("is taken for new" in line for line in world.step.lines)


class TestPermission:
    def test_a_token_that_may_not_push_is_refused_before_the_first_layer(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        sandbox_registry.registry.add_token("ghs_readonly", {"xiilab/*": "read"})

        with pytest.raises(AccessDenied, match="xiilab/astrago-backend has no write access"):
            world.push(archive=world.archives(), token="ghs_readonly")

        methods = {each.request.method for each in sandbox_registry.server.exchanges}
        assert methods == {"GET", "POST"}

    def test_an_answer_that_says_nothing_is_told_and_the_push_tried(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        sandbox_registry.server.faults.add(Fault("status", "POST", UPLOADS, status=418, body="tea"))

        world.push(archive=world.archives())

        assert any("is unknown" in line for line in world.step.lines)
        assert "418" in world.step.summaries[0]

    def test_every_repository_is_asked_about_once(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        world.push(archive=world.archives())

        probes = [
            each for each in sandbox_registry.server.exchanges if each.request.method == "DELETE"
        ]
        assert len(probes) == 1


class TestTrouble:
    def test_passing_trouble_is_repeated_and_told(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        world.components = ("core",)
        sandbox_registry.server.faults.add(Fault("status", "PUT", status=503, times=2))

        outputs = world.push(archive=world.archives(), retries="3")

        assert outputs.digests["core"] == world.digest("core")
        assert any("Trying again" in line for line in world.step.lines)

    def test_what_was_pushed_is_known_when_another_component_fails(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        sandbox_registry.server.faults.add(
            Fault("status", "PUT", r".*/manifests/batch-stage-1", status=400, body="broken")
        )

        with pytest.raises(ActionError) as caught:
            world.push(archive=world.archives())

        assert caught.value.outputs["digests"] == {"core": world.digest("core")}
        assert caught.value.outputs["registry"] == world.registry.host
        assert world.stages == [("push", "failure")]

    def test_several_failures_are_one_report(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        sandbox_registry.server.faults.add(
            Fault("status", "PUT", ".*/manifests/.*", status=400, body="broken", times=None)
        )

        with pytest.raises(ActionError, match="core, batch could not be pushed"):
            world.push(archive=world.archives())

    def test_a_tag_that_serves_something_else_is_not_called_pushed(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        world.components = ("core",)
        headers = {"Docker-Content-Digest": f"sha256:{'f' * 64}"}
        sandbox_registry.server.faults.add(
            Fault("status-after", "PUT", ".*/manifests/.*", status=201, headers=headers)
        )

        with pytest.raises(ActionError, match="is not what was pushed"):
            world.push(archive=world.archives())

    def test_a_registry_that_is_down_is_unreachable(self, world: PushWorld) -> None:
        images = json.dumps({"core": "127.0.0.1:9/xiilab/core:1", "batch": "127.0.0.1:9/b:1"})

        with pytest.raises(Unreachable):
            world.push(archive=world.archives(), images=images)


class TestFallback:
    @pytest.fixture
    def other(self) -> Iterator[tuple[str, Registry]]:
        registry = Registry()
        registry.add_token("dckr_pat_token", {"*": "write"})
        with LoopbackServer(registry) as server:
            yield server.url.removeprefix("http://"), registry

    def test_without_one_a_refusal_is_an_error(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        sandbox_registry.registry.add_token("ghs_readonly", {"xiilab/*": "read"})

        with pytest.raises(AccessDenied):
            world.push(archive=world.archives(), token="ghs_readonly")

    def test_everything_goes_to_the_fallback_and_the_outputs_say_so(
        self, world: PushWorld, sandbox_registry: SandboxRegistry, other: tuple[str, Registry]
    ) -> None:
        host, registry = other
        sandbox_registry.registry.add_token("ghs_readonly", {"xiilab/*": "read"})

        outputs = world.push(
            archive=world.archives(),
            token="ghs_readonly",
            fallback_registry=host,
            fallback_token="dckr_pat_token",
        )

        assert outputs.registry == host
        assert outputs.images["core"] == f"{host}/xiilab/astrago-backend:core-stage-1"
        assert outputs.digests["core"] == registry.digest_of(world.repository, "core-stage-1")
        assert world.digest("core") is None
        assert any(host in warning for warning in world.step.warnings)
        assert f"### Images in {host}" in world.step.summaries[0]
        assert "did not take the images" in world.step.summaries[0]

    def test_a_push_that_breaks_half_way_takes_all_components_along(
        self, world: PushWorld, sandbox_registry: SandboxRegistry, other: tuple[str, Registry]
    ) -> None:
        host, registry = other
        sandbox_registry.server.faults.add(
            Fault("status", "PUT", ".*/manifests/batch.*", status=503, times=None)
        )

        outputs = world.push(
            archive=world.archives(),
            fallback_registry=f"{host}/backup",
            fallback_token="dckr_pat_token",
        )

        assert registry.tags("backup/astrago-backend") == ["batch-stage-1", "core-stage-1"]
        assert outputs.images["core"] == f"{host}/backup/astrago-backend:core-stage-1"

    def test_a_tag_that_is_taken_is_no_reason_for_the_fallback(
        self, world: PushWorld, other: tuple[str, Registry]
    ) -> None:
        host, registry = other
        world.push(archive=world.archives(OTHER_COMMIT))

        with pytest.raises(ActionError, match="tags exist already"):
            world.push(
                archive=world.archives(), fallback_registry=host, fallback_token="dckr_pat_token"
            )

        assert registry.tags(world.repository) == []


class TestBudget:
    def test_an_archive_that_is_too_large_is_not_pushed(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        with pytest.raises(ActionError, match="2 images are too large") as caught:
            world.push(archive=world.archives(filling=1_000_000), max_size="1kB")

        assert "Nothing was pushed" in caught.value.detail
        assert sandbox_registry.registry.tags(world.repository) == []

    def test_an_archive_within_the_budget_is_pushed(self, world: PushWorld) -> None:
        assert world.push(archive=world.archives(), max_size="1MB").digests


class TestDryRun:
    def test_it_says_what_would_be_done_and_only_reads(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        world.push(archive=world.archives(), components="core")
        before = len(sandbox_registry.server.exchanges)

        outputs = world.push(archive="{component}.tar", dry_run="true")

        sent = sandbox_registry.server.exchanges[before:]
        assert {each.request.method for each in sent} <= {"GET", "HEAD"}
        assert outputs.skipped == ["core"]
        assert outputs.images == {name: world.image(name) for name in world.components}
        assert "core: would skip" in "\n".join(world.step.lines)
        assert "batch: would push `batch.tar`" in "\n".join(world.step.lines)
        assert "Nothing was changed" in world.step.summaries[0]


class TestComponents:
    def test_only_the_named_components_are_pushed(self, world: PushWorld) -> None:
        outputs = world.push(archive=world.archives(), components='["batch"]')

        assert set(outputs.images) == {"batch"}

    def test_an_empty_list_of_changed_components_pushes_nothing(self, world: PushWorld) -> None:
        outputs = world.push(archive=world.archives(), components="[]")

        assert outputs.images == {}

    def test_the_registry_input_moves_the_images(self, world: PushWorld) -> None:
        images = json.dumps({"core": "ghcr.io/xiilab/core:1", "batch": "ghcr.io/xiilab/batch:1"})

        outputs = world.push(
            archive=world.archives(), images=images, registry=f"{world.registry.host}/xiilab/all"
        )

        assert outputs.images["core"] == f"{world.registry.host}/xiilab/all/core:1"


class TestWrongInputs:
    def test_all_mistakes_are_named_at_once_and_nothing_is_sent(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        images = json.dumps({"core": "ghcr.io/Xiilab/core:1", "web": "web:1", "ok": "ghcr.io/a/b"})

        with pytest.raises(InputErrors) as caught:
            world.push(
                images=images,
                components="core, nobody",
                if_exists="maybe",
                max_size="huge",
                retries="-1",
                dry_run="perhaps",
                secrets="no-separator-but-secret",
                registry="not a registry",
                cache="everywhere",
            )

        named_inputs = {each.input_name for each in caught.value.mistakes}
        assert named_inputs >= {
            "images",
            "components",
            "if-exists",
            "max-size",
            "retries",
            "dry-run",
            "secrets",
            "registry",
            "cache",
        }
        assert "no-separator-but-secret" not in str(caught.value)
        assert sandbox_registry.server.exchanges == []

    @pytest.mark.parametrize(
        ("inputs", "input_name", "message"),
        [
            ({"images": ""}, "images", "is required"),
            ({"images": "{"}, "images", "is not valid JSON"),
            ({"images": "core=ghcr.io/a/b:1\nbatch=docker.io/a/b:1"}, "images", "one registry"),
            ({"images": "core=ghcr.io/a/b"}, "images", "must end in a tag"),
            ({"images": "core=ghcr.io/a/b:-x"}, "images", "begins with `-`"),
            ({"images": "core=ghcr.io/a/b:1\nbatch=ghcr.io/a/b:1"}, "images", "more than one"),
            ({"images": "core=ghcr.io/a/b:1", "token": ""}, "token", "is required to push to"),
            ({"images": "core=ghcr.io/a/b:1", "token": "github_pat_1"}, "token", "fine-grained"),
            ({"archive": "out/{component}.tar"}, "archive", "`out/core.tar` of `core`"),
            ({"context": "server-{component}"}, "context", "`server-core` of `core` is not"),
            ({"context": "."}, "dockerfile", "`./Dockerfile` of `core` does not exist"),
            ({"components": "web"}, "components", "`web` is not in `images`"),
            ({"components": '{"core": {"contxt": "x"}}'}, "components", "key `contxt`"),
            ({"secrets": "npm=env:NO_SUCH_VARIABLE"}, "secrets", "NO_SUCH_VARIABLE"),
            ({"build-args": "NAME"}, "build-args", "is not name=value"),
            ({"fallback-registry": "docker.io/xiilab"}, "fallback-token", "docker.io"),
        ],
    )
    def test_a_mistake_is_named_with_its_input(
        self,
        world: PushWorld,
        monkeypatch: pytest.MonkeyPatch,
        inputs: dict[str, str],
        input_name: str,
        message: str,
    ) -> None:
        monkeypatch.setenv("DOCKER_CONFIG", str(world.workspace))

        with pytest.raises(InputErrors) as caught:
            world.push(**inputs)

        found = [each.message for each in caught.value.mistakes if each.input_name == input_name]
        assert any(message in each for each in found), caught.value.mistakes

    def test_each_mistake_is_named_once(self, world: PushWorld) -> None:
        with pytest.raises(InputErrors) as caught:
            world.push(archive=world.archives(), build_args="NAME", dry_run="perhaps")

        assert len(caught.value.mistakes) == 2

    def test_a_dockerfile_beside_the_context_is_pointed_out(self, world: PushWorld) -> None:
        context = world.dockerfiles()

        with pytest.raises(InputErrors, match="did you mean `server-core/Dockerfile`"):
            world.push(context=context, dockerfile="Dockerfile")

    def test_a_fine_grained_token_may_be_tried_on_request(
        self, world: PushWorld, sandbox_registry: SandboxRegistry
    ) -> None:
        """Elsewhere the prefix says nothing, so only the registry's own answer counts."""
        sandbox_registry.registry.add_token("github_pat_x", {"xiilab/*": "write"})

        with pytest.raises(AccessDenied, match="fine-grained"):
            world.push(archive=world.archives(), token="github_pat_x")

    def test_a_login_left_by_an_earlier_step_is_used(
        self, world: PushWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        pair = base64.b64encode(f"octocat:{CLASSIC_TOKEN}".encode()).decode()
        config = {"auths": {world.registry.host: {"auth": pair}}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

        assert world.push(archive=world.archives(), token="").digests

    def test_labels_always_hold_the_commit(self, world: PushWorld) -> None:
        run = WorkflowRun(repository="xiilab/core", sha=COMMIT, workspace=world.workspace)
        labels = json.dumps({"core": {"org.opencontainers.image.title": "core"}})

        read = ghcr_push.read(InputReader(world.given(labels=labels)), run)

        assert read.parts[0].labels == {
            "org.opencontainers.image.title": "core",
            "org.opencontainers.image.source": "https://github.com/xiilab/core",
            REVISION: COMMIT,
        }
