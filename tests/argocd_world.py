"""An Argo CD on loopback with one application, virtual time, and a way to wait in it."""

from __future__ import annotations

from typing import Any

from astrago_actions.actions import argocd_wait
from astrago_actions.actions.argocd_wait import Inputs, Outputs
from astrago_actions.clients.ancestry import Compare
from astrago_actions.clock import Clock
from astrago_actions.context import Context
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.argocd import ArgoCD
from astrago_actions.sandbox.argocd.memory import MemoryGit, MemoryRegistry
from astrago_actions.sandbox.server import LoopbackServer
from astrago_actions.sandbox.virtual_clock import VirtualClock
from astrago_actions.workflow_run import WorkflowRun
from tests.recording_step import RecordingStep

REPOSITORY = "xiilab/astrago-deployment"
BRANCH = "stabilize/1.0"
TOKEN = "a-token-for-the-tests"
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: {{ .Values.NAME.replicas | default "2" }}
  template:
    spec:
      containers:
        - name: main
          image: "ghcr.io/xiilab/IMAGE:{{ .Values.NAME.tag }}"
"""


def template(name: str, image: str = "") -> str:
    """A Deployment whose tag is `<name>.tag` of the values."""
    return DEPLOYMENT.replace("NAME", name).replace("IMAGE", image or name)


def application(name: str = "web", **changes: Any) -> dict[str, Any]:
    """An Application manifest; `changes` replace keys of its spec."""
    spec: dict[str, Any] = {
        "project": "default",
        "source": {
            "repoURL": f"https://github.com/{REPOSITORY}.git",
            "path": f"charts/{name}",
            "targetRevision": BRANCH,
        },
        "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
        "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
    }
    return {"metadata": {"name": name, "namespace": "argocd"}, "spec": {**spec, **changes}}


class World:
    """Git, a registry and an Argo CD, with virtual time unless a clock is given.

    Use it as a context manager.
    """

    def __init__(self, clock: Clock | None = None, **options: Any) -> None:
        self.clock = VirtualClock()
        self.git = MemoryGit()
        self.registry = MemoryRegistry()
        self.argocd = ArgoCD(self.git, self.registry, clock or self.clock, **options)
        self.argocd.add_token(TOKEN)
        self.server = LoopbackServer(self.argocd)
        self.step = RecordingStep()
        self.context = Context(self.step, WorkflowRun(), self.clock)
        self.compare: Compare = self.git.compare

    def __enter__(self) -> World:
        self.server.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.server.stop()

    def deploy(self, name: str = "web", tag: str = "", **behaviour: Any) -> str:
        """An application that has been running this tag for long; returns its commit."""
        tag = tag or f"{name}-stage-11111111"
        sha = self.git.commit(
            REPOSITORY,
            BRANCH,
            {
                f"charts/{name}/Chart.yaml": f"name: {name}\n",
                f"charts/{name}/templates/{name}.yaml": template(name),
                f"charts/{name}/values.yaml": f"{name}:\n  tag: {tag}\n",
            },
        )
        self.argocd.add_application(application(name), **behaviour)
        return sha

    def bump(self, *names: str, tag: str = "") -> str:
        """Change the tags of these components (`web`) in git, in one commit; returns it."""
        values = {
            f"charts/{name}/values.yaml": f"{name}:\n  tag: {tag or f'{name}-stage-22222222'}\n"
            for name in names or ("web",)
        }
        return self.git.commit(REPOSITORY, BRANCH, values)

    def given(self, revision: str, **given: str) -> dict[str, str]:
        """Inputs for waiting for `revision`; underscores in names stand for hyphens."""
        usual = {
            "server": self.server.url,
            "token": TOKEN,
            "application": "web",
            "revision": revision,
            "event-stream": "false",
        }
        return {**usual, **{name.replace("_", "-"): value for name, value in given.items()}}

    def inputs(self, revision: str, **given: str) -> Inputs:
        """The inputs as the action reads them; raises InputErrors."""
        reader = InputReader(self.given(revision, **given), mask=self.step.mask)
        inputs = argocd_wait.read(reader, self.context.run)
        reader.check()
        return inputs

    def wait(self, revision: str, **given: str) -> Outputs:
        """Wait as the action does, in virtual time; raises ActionError."""
        inputs = self.inputs(revision, **given)
        return argocd_wait.wait(inputs, self.context, lambda task: task(), self.compare)

    def requests(self, path_end: str = "", **query: str) -> int:
        """How many requests ended in this path and had this query."""
        return sum(
            each.request.path.endswith(path_end)
            and all(each.request.query.get(name) == value for name, value in query.items())
            for each in self.server.exchanges
        )
