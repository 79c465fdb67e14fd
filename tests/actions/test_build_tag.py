from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astrago_actions.actions.build_tag import Inputs, Outputs, read, run
from astrago_actions.context import Context
from astrago_actions.errors import InputErrors
from astrago_actions.inputs import InputReader
from astrago_actions.step import RunnerStep, ShellStep
from astrago_actions.workflow_run import PullRequest, WorkflowRun
from tests.manual_clock import ManualClock
from tests.runner import RunnerFiles

OCI_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
SHA = "0123456789abcdef0123456789abcdef01234567"
HEAD = "89abcdef0123456789abcdef0123456789abcdef"
BASE = "fedcba9876543210fedcba9876543210fedcba98"
PUSH = WorkflowRun(
    repository="xiilab/astrago-backend",
    sha=SHA,
    ref="refs/heads/stabilize/1.0",
    branch="stabilize/1.0",
    run_number=42,
)
SEED = {
    "components": "core, batch, monitor",
    "environments": "stabilize/*=stage\nrelease/*=prod",
    "image": "ghcr.io/xiilab/astrago-backend",
}


def inputs_of(given: dict[str, str], run: WorkflowRun = PUSH) -> Inputs:
    """The inputs as build-tag reads them; raises InputErrors."""
    reader = InputReader(given)
    inputs = read(reader, run)
    reader.check()
    return inputs


def outputs_of(given: dict[str, str], workflow_run: WorkflowRun = PUSH) -> Outputs:
    """What build-tag decides."""
    context = Context(ShellStep(), workflow_run, ManualClock())
    return run(inputs_of(given, workflow_run), context)


def mistakes_of(given: dict[str, str], run: WorkflowRun = PUSH) -> list[str]:
    """Every mistake, as `input: message`."""
    with pytest.raises(InputErrors) as caught:
        inputs_of(given, run)
    return [f"{each.input_name}: {each.message}" for each in caught.value.mistakes]


def test_a_push_to_a_stabilize_branch_tags_each_component_for_stage() -> None:
    outputs = outputs_of(SEED)

    assert outputs.tags == {
        "core": "core-stage-01234567",
        "batch": "batch-stage-01234567",
        "monitor": "monitor-stage-01234567",
    }
    assert outputs.images["batch"] == "ghcr.io/xiilab/astrago-backend:batch-stage-01234567"
    assert outputs.changed == ["core", "batch", "monitor"]
    assert outputs.environment == "stage"
    assert outputs.short_sha == "01234567"
    assert (outputs.tag, outputs.image) == ("", "")


def test_one_component_has_a_tag_and_an_image_of_its_own() -> None:
    outputs = outputs_of({**SEED, "components": "frontend"})

    assert outputs.tag == "frontend-stage-01234567"
    assert outputs.image == "ghcr.io/xiilab/astrago-backend:frontend-stage-01234567"


def test_the_matrix_has_what_a_build_job_needs_for_each_changed_component() -> None:
    components = {
        "core": {"context": "server-core", "dockerfile": "server-core/Dockerfile"},
        "batch": {},
    }

    outputs = outputs_of({**SEED, "components": json.dumps(components)})

    assert outputs.matrix == {
        "include": [
            {
                "component": "core",
                "tag": "core-stage-01234567",
                "image": "ghcr.io/xiilab/astrago-backend:core-stage-01234567",
                "context": "server-core",
                "dockerfile": "server-core/Dockerfile",
            },
            {
                "component": "batch",
                "tag": "batch-stage-01234567",
                "image": "ghcr.io/xiilab/astrago-backend:batch-stage-01234567",
            },
        ]
    }


def test_labels_tell_where_each_image_comes_from() -> None:
    assert outputs_of(SEED).labels["core"] == {
        "org.opencontainers.image.title": "core",
        "org.opencontainers.image.version": "core-stage-01234567",
        "org.opencontainers.image.revision": SHA,
        "org.opencontainers.image.source": "https://github.com/xiilab/astrago-backend",
    }


def test_a_pull_request_is_tagged_by_its_head_and_not_by_the_merge_commit() -> None:
    pull_request = WorkflowRun(
        sha=SHA,
        ref="refs/pull/7/merge",
        branch="feature/x",
        pull_request=PullRequest(7, HEAD, "feature/x", BASE, "stabilize/1.0"),
    )
    given = {"components": "core", "template": "{component}-pr{pr}-{sha:8}"}

    assert outputs_of(given, pull_request).tag == "core-pr7-89abcdef"


def test_what_is_given_wins_over_what_the_run_says() -> None:
    given = {**SEED, "components": "core", "environment": "qa", "sha": HEAD.upper(), "branch": "x"}

    assert outputs_of({**given, "template": "{environment}-{branch}-{sha:8}"}).tag == (
        "qa-x-89abcdef"
    )


def test_an_image_may_name_the_component_and_loses_its_capitals() -> None:
    outputs = outputs_of({**SEED, "image": "ghcr.io/Xiilab/Astrago-{component}"})

    assert outputs.images["core"] == "ghcr.io/xiilab/astrago-core:core-stage-01234567"


def test_without_an_image_there_are_tags_alone() -> None:
    outputs = outputs_of({"components": "core", "environment": "stage"})

    assert (outputs.tag, outputs.images, outputs.image) == ("core-stage-01234567", {}, "")


def test_the_summary_shows_every_tag(runner_files: RunnerFiles) -> None:
    context = Context(RunnerStep(), PUSH, ManualClock())

    run(inputs_of(SEED), context)

    assert "### Tags for **stage**" in runner_files.summary()
    assert "| batch | `batch-stage-01234567` | yes |" in runner_files.summary()
    assert [stage.name for stage in context.stages] == ["tag"]


@pytest.mark.parametrize(
    ("template", "branch", "sha", "tag"),
    [
        (
            *("{component}-{environment}-{version}-{sha:8}", "stabilize/1.0", "45eac704"),
            "core-stage-1.0-45eac704",
        ),
        ("{component}-{version}", "v1.4.2", "0" * 8, "core-1.4.2"),
        ("{component}-{branch}-{run_number}", "feature/login", "0" * 8, "core-feature-login-318"),
        ("{component}-pr{pr}-{sha:8}", "x", "1f9a02bc", "core-pr27-1f9a02bc"),
    ],
)
def test_the_readme_shows_what_really_comes_out(
    template: str, branch: str, sha: str, tag: str, repository_root: Path
) -> None:
    sha = sha.ljust(40, "0")
    pull_request = PullRequest(27, sha, branch, BASE, "main") if "{pr}" in template else None
    workflow_run = WorkflowRun(sha=sha, branch=branch, run_number=318, pull_request=pull_request)
    readme = (repository_root / "actions/build-tag/README.md").read_text(encoding="utf-8")

    outputs = outputs_of(
        {"components": "core", "template": template, "environments": "stabilize/*=stage"},
        workflow_run,
    )

    assert outputs.tag == tag
    assert re.search(rf"\| `{re.escape(template)}` \| .* \| `{re.escape(tag)}` \|", readme)


class TestMistakes:
    def test_are_all_told_at_once(self) -> None:
        given = {
            "components": "Core, batch, batch",
            "environments": "stabilize",
            "sha": "HEAD",
            "base": "--output=/etc/passwd",
            "image": "nginx",
        }

        assert mistakes_of(given, WorkflowRun()) == [
            "components: `Core` is not a component name (lower-case letters, digits and . _ - "
            "between them)",
            "components: names `batch` twice",
            "sha: must be a full commit SHA of 40 hex digits; it is `HEAD`",
            "environments: line `stabilize` is not name=value",
            "template: `{environment}` has no value: no environment is known for this branch; set "
            "`environment`, or `branch`",
            "base: must name a commit; it is `--output=/etc/passwd`",
            "image: `nginx` does not begin with a registry such as ghcr.io/",
        ]

    @pytest.mark.parametrize(
        ("components", "mistake"),
        [
            ("", "must name at least one component"),
            (" , \n", "must name at least one component"),
            ("{}", "must name at least one component"),
            ('{"core"', "is not valid JSON"),
            ('["core", 1]', "must be a JSON list of strings"),
            ('{"core": []}', "`core` must be a map with context, dockerfile, paths"),
            ('{"core": {"path": "x"}}', "`core` has the unknown key `path`; known are context"),
            ('{"core": {"context": 1}}', "`context` of `core` must be text"),
            ('{"core": {"paths": ["a", null]}}', "`paths` of `core` must be text"),
            ('{"core": {}, "core": {}}', "it names `core` twice"),
        ],
    )
    def test_in_components(self, components: str, mistake: str) -> None:
        (message,) = mistakes_of({**SEED, "components": components})

        assert message.startswith("components: ")
        assert mistake in message

    @pytest.mark.parametrize(
        ("image", "mistake"),
        [
            ("nginx", "does not begin with a registry"),
            ("ghcr.io/xiilab/{name}", "invalid part"),
            ("ghcr.io/xiilab/x:latest", "must not hold a tag"),
        ],
    )
    def test_in_the_image(self, image: str, mistake: str) -> None:
        (message,) = mistakes_of({**SEED, "image": image})

        assert message.startswith("image: ")
        assert mistake in message

    def test_images_that_would_overwrite_each_other(self) -> None:
        assert mistakes_of({**SEED, "template": "{sha:8}"}) == [
            "image: needs {component} here or in `template`, or all images are one"
        ]

    @pytest.mark.parametrize(
        ("template", "mistake"),
        [
            ("{component}-{tag}", "`{tag}` is unknown"),
            ("-{component}", "begins with `-`"),
            ("{component}/{sha:8}", "has `/` at position 5"),
            ("{component", "begins with `{`"),
            ("{sha}{sha}{sha}{sha}", "registries allow 128"),
            ("{pr}", "this is not a pull request"),
        ],
    )
    def test_in_the_template(self, template: str, mistake: str) -> None:
        assert any(mistake in each for each in mistakes_of({**SEED, "template": template}))

    def test_a_branch_without_an_environment_says_what_to_add(self) -> None:
        elsewhere = WorkflowRun(sha=SHA, branch="main")

        assert mistakes_of(SEED, elsewhere) == [
            "template: `{environment}` has no value: no environment is known for this branch; "
            "add a line `main=<environment>` to `environments`, or set `environment`"
        ]

    def test_outside_a_workflow_run_the_commit_is_asked_for(self) -> None:
        assert mistakes_of({"components": "core", "environment": "x"}, WorkflowRun()) == [
            "sha: is required outside a workflow run (`git rev-parse HEAD` prints it)"
        ]


words = st.sampled_from(
    [
        *("core", "batch", "{component}", "{environment}", "{sha:8}", "{version}", "{branch}"),
        *("{date:%Y}", "{pr}", "-", "_", ".", "/", ":", "stabilize/*=stage", "=", "\n", ","),
        *("ghcr.io/", "Xiilab", "{", "}", "[", '"', SHA, "배포", "\u2028"),
    ]
)
texts = st.lists(words | st.text(max_size=2), max_size=5).map("".join)
NAMES = ("components", "environment", "environments", "template", "image", "sha", "branch", "base")


@given(
    st.dictionaries(st.sampled_from(NAMES), texts)
    | st.fixed_dictionaries({**{name: st.just(text) for name, text in SEED.items()}})
)
def test_every_tag_that_is_given_out_is_one_that_registries_take(given: dict[str, str]) -> None:
    reader = InputReader({**SEED, **given})

    inputs = read(reader, PUSH)

    if not reader.mistakes:
        assert inputs.tags
        assert all(OCI_TAG.fullmatch(tag) for tag in inputs.tags.values())


class TestChanged:
    COMPONENTS = json.dumps(
        {"core": {"paths": ["server-core", "common"]}, "batch": {"paths": "server-batch/"}}
    )

    @pytest.fixture
    def checkout(self, tmp_path: Path) -> Path:
        git(tmp_path, "init", "--quiet")
        commit(tmp_path, "common/a", "1")
        commit(tmp_path, "server-core/메인.java", "2")
        return tmp_path

    def changed(self, checkout: Path, before: str, **more: str) -> list[str]:
        """The changed components of the checkout's newest commit."""
        pushed = WorkflowRun(
            sha=git(checkout, "rev-parse", "HEAD"),
            branch="stabilize/1.0",
            workspace=checkout,
            before=before,
        )
        given = {"components": self.COMPONENTS, "environment": "stage", **more}
        return outputs_of(given, pushed).changed

    def test_components_are_those_whose_files_differ_from_before_the_push(
        self, checkout: Path
    ) -> None:
        assert self.changed(checkout, git(checkout, "rev-parse", "HEAD~1")) == ["core"]

    def test_may_be_none(self, checkout: Path) -> None:
        commit(checkout, "README.md", "3")

        assert self.changed(checkout, git(checkout, "rev-parse", "HEAD~1")) == []

    def test_base_may_name_any_commit(self, checkout: Path) -> None:
        commit(checkout, "server-batch/b", "3")

        assert self.changed(checkout, "", base="HEAD~2") == ["core", "batch"]

    @pytest.mark.parametrize("before", ["", "0" * 40, BASE])
    def test_are_all_where_git_cannot_tell_and_that_is_said(
        self, checkout: Path, before: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert self.changed(checkout, before) == ["core", "batch"]
        said = capsys.readouterr().err
        assert "Every component counts as changed: " in said
        assert ("fetch-depth" in said) == (before == BASE)

    def test_are_all_where_there_is_no_git(
        self, checkout: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        head = git(checkout, "rev-parse", "HEAD")
        monkeypatch.setenv("PATH", "/nowhere")

        pushed = WorkflowRun(sha=head, branch="x", workspace=checkout, before=head)
        given = {"components": self.COMPONENTS, "environment": "stage"}
        assert outputs_of(given, pushed).changed == ["core", "batch"]


def git(checkout: Path, *arguments: str) -> str:
    """What git prints."""
    identity = ("-c", "user.name=Developer", "-c", "user.email=developer@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=checkout, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(checkout: Path, name: str, text: str) -> None:
    """Add one commit that changes one file."""
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_text(text, encoding="utf-8")
    git(checkout, "add", "--all")
    git(checkout, "commit", "--quiet", "--message", name)
