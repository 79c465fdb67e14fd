"""A deployment repository on a loopback GitHub, and bumps of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from astrago_actions.actions import bump_image_tag
from astrago_actions.actions.bump_image_tag import Outputs
from astrago_actions.clock import Clock
from astrago_actions.context import Context
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.github import GitHub
from astrago_actions.sandbox.server import Application, LoopbackServer, Request, Response
from astrago_actions.step import ShellStep, Step
from astrago_actions.workflow_run import WorkflowRun
from tests.manual_clock import ManualClock

DEPLOYMENT = "xiilab/astrago-deployment"
SOURCE = "xiilab/astrago-backend"
BRANCH = "stabilize/1.0"
FILE = "helmfile/environments/customers/xiilab/values.yaml"
TOKEN = "github_pat_deployment_token"
SOURCE_TOKEN = "ghs_source_token"
VALUES = (
    "# 배포 값\n"
    "astrago:\n"
    "  core:\n"
    '    imageTag: "core-stage-00000001"   # 코어\n'
    "  batch:\n"
    '    imageTag: "batch-stage-00000001"'
)


class World:
    """A GitHub with a deployment repository and a service's repository in it.

    In memory, or on disk below `folder`, where git itself can be asked what it holds.
    """

    def __init__(
        self,
        folder: Path | None = None,
        serve: Callable[[Application], LoopbackServer] = LoopbackServer,
        clock: Clock | None = None,
    ) -> None:
        self.github = github = GitHub(folder, clock)
        self.server = serve(self)
        self.interruption: Callable[[], object] | None = None
        self.clock = ManualClock()
        self.step: Step = ShellStep()
        self.start = github.create_repository(DEPLOYMENT, {FILE: VALUES.encode()}, BRANCH)
        self.first = github.create_repository(SOURCE, {"a": b"1"}, BRANCH)
        self.second = github.commit(SOURCE, BRANCH, {"a": b"2"}, "second")
        github.add_token(TOKEN, {DEPLOYMENT: {"contents": "write", "pull_requests": "write"}})
        github.add_token(SOURCE_TOKEN, {SOURCE: {"contents": "read"}}, kind="installation")

    def respond(self, request: Request) -> Response:
        """Answer as GitHub does, after whatever is to happen before our first commit arrives."""
        interruption = self.interruption
        if interruption and b"createCommitOnBranch" in request.body:
            self.interruption = None
            interruption()
        return self.github.respond(request)

    def before_our_commit(self, happens: Callable[[], object]) -> None:
        """Let something happen between our read and our write."""
        self.interruption = happens

    def outside_commit(self, values: str) -> str:
        """Somebody else commits the values file."""
        return self.github.commit(DEPLOYMENT, BRANCH, {FILE: values.encode()}, "by hand")

    def given(self, **inputs: str) -> dict[str, str]:
        """The inputs of an ordinary bump of two components, with some of them changed."""
        tags = {"core": f"core-stage-{self.second[:8]}", "batch": f"batch-stage-{self.second[:8]}"}
        usual = {
            "repository": DEPLOYMENT,
            "branch": BRANCH,
            "file": FILE,
            "key": "astrago.{component}.imageTag",
            "tags": json.dumps(tags),
            "environment": "stage",
            "token": TOKEN,
            "source-token": SOURCE_TOKEN,
        }
        return usual | {name.replace("_", "-"): value for name, value in inputs.items()}

    def run_of(self, sha: str, run_id: int = 7) -> WorkflowRun:
        """A workflow run of the service's repository for this commit."""
        return WorkflowRun(
            repository=SOURCE,
            sha=sha,
            branch=BRANCH,
            run_id=run_id,
            api_url=f"{self.server.url}/api/v3",
            server_url=self.server.url,
        )

    def bump(self, sha: str = "", **inputs: str) -> Outputs:
        """Run the action for the source commit `sha` (the second one, unless it is given)."""
        context = Context(self.step, self.run_of(sha or self.second), self.clock)
        return self.bump_in(context, **inputs)

    def bump_in(self, context: Context, **inputs: str) -> Outputs:
        """Run the action with a step, a run and a clock of its own."""
        reader = InputReader(self.given(**inputs), mask=context.step.mask)
        read = bump_image_tag.read(reader, context.run)
        reader.check()
        return bump_image_tag.run(read, context)

    def values(self) -> str:
        """The values file as it is now."""
        return self.github.read(DEPLOYMENT, BRANCH, FILE).decode()

    def commits(self) -> int:
        """How many commits the deployment branch has beyond its first."""
        return len(self.github.log(DEPLOYMENT, BRANCH)) - 1
