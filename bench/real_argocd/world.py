"""A real Argo CD, its cluster, and the sandbox's GitHub that holds what it deploys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from astrago_actions.actions import argocd_wait, bump_image_tag
from astrago_actions.actions.argocd_wait import Outputs
from astrago_actions.clock import SystemClock
from astrago_actions.context import Context
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.world import BACKEND, BRANCH, DEPLOYMENT, World
from astrago_actions.step import Step
from astrago_actions.workflow_run import WorkflowRun
from bench.real_argocd.argocd import RealArgoCD
from bench.real_argocd.cluster import Cluster
from bench.real_argocd.kubelet import Kubelet
from bench.real_argocd.processes import Processes, wait_until

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("REAL_ARGOCD_BINARIES", ROOT / ".cache" / "real-argocd" / "bin"))

DEPLOYMENT_TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: NAME
spec:
  replicas: 2
  selector:
    matchLabels: {app: NAME}
  template:
    metadata:
      labels: {app: NAME}
    spec:
      containers:
        - name: main
          image: "ghcr.io/xiilab/NAME:{{ .Values.tag }}"
"""

HOOK = """\
apiVersion: batch/v1
kind: Job
metadata:
  generateName: migrate-
  annotations:
    argocd.argoproj.io/hook: PreSync
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: main, image: "ghcr.io/xiilab/migrate:{{ .Values.tag }}-job"}]
"""


class RealWorld:
    """Everything below `folder`; use as a context manager."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._open = ExitStack()
        self._processes = Processes(folder, BINARIES)
        self.github = World(folder)
        self.cluster = Cluster(self._processes)
        self.kubelet = Kubelet(self.cluster, folder)
        self.argocd = RealArgoCD(self._processes, self.cluster, BINARIES.parent / "manifests")

    def __enter__(self) -> RealWorld:
        self._open.callback(self._processes.stop)
        try:
            self._open.enter_context(self.github)
            self.github.github.create_repository(DEPLOYMENT, {"README.md": b"charts\n"}, BRANCH)
            self.cluster.start()
            self._open.callback(self.kubelet.stop)
            self.kubelet.start()
            self.argocd.start()
            self.argocd.add_repository(self.repository, self.github.tokens.developer)
            self.argocd.add_project("default")
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._open.close()

    @property
    def repository(self) -> str:
        """The deployment repository's address."""
        return f"{self.github.github_server.url}/{DEPLOYMENT}.git"

    def deploy(
        self, name: str, tag: str, extra: Mapping[str, str] | None = None, **spec: Any
    ) -> str:
        """An application that runs this tag and is healthy; returns its commit."""
        sha = self.begin(name, tag, extra, **spec)
        if "automated" in self.application(name, **spec)["spec"]["syncPolicy"]:
            wait_until(f"{name} is healthy", lambda: self.is_live(name))
        return sha

    def begin(
        self, name: str, tag: str, extra: Mapping[str, str] | None = None, **spec: Any
    ) -> str:
        """An application whose chart wants this tag; returns its commit."""
        chart = _chart(name, tag, extra)
        sha = self.commit({f"{name}/{path}": text for path, text in chart.items()})
        self.cluster.namespace(name)
        self.argocd.add_application(self.application(name, **spec))
        return sha

    def application(self, name: str, **spec: Any) -> dict[str, Any]:
        """An Application manifest; `spec` replaces keys of its spec."""
        usual: dict[str, Any] = {
            "project": "default",
            "source": {"repoURL": self.repository, "path": name, "targetRevision": BRANCH},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        }
        kept = {key: value for key, value in {**usual, **spec}.items() if value is not None}
        metadata = {"name": name, "namespace": "argocd", "labels": {"team": "core"}}
        return {"metadata": metadata, "spec": kept}

    def is_live(self, name: str) -> bool:
        """Whether Argo CD says that the application is synced and healthy."""
        status = self.argocd.get(f"/api/v1/applications/{name}").json().get("status") or {}
        sync, health = status.get("sync") or {}, status.get("health") or {}
        return (sync.get("status"), health.get("status")) == ("Synced", "Healthy")

    def commit(self, files: Mapping[str, str | None], message: str = "Change") -> str:
        """Commit files to the deployment branch; returns the commit."""
        written = {path: text if text is None else text.encode() for path, text in files.items()}
        return self.github.github.commit(DEPLOYMENT, BRANCH, written, message)

    def bump(self, name: str, tag: str) -> str:
        """Change the tag of an application in git; returns the commit."""
        return self.commit({f"{name}/values.yaml": f"tag: {tag}\n"}, f"Deploy {name} {tag}")

    def bump_by_action(self, step: Step, name: str, tag: str) -> str:
        """Change the tag as bump-image-tag does, with all that a rollback reads; the commit."""
        given = {
            "repository": DEPLOYMENT,
            "branch": BRANCH,
            "updates": f"{name}/values.yaml:tag={tag}",
            "token": self.github.tokens.deploy,
        }
        reader = InputReader(given, mask=step.mask)
        inputs = bump_image_tag.read(reader, self._run)
        reader.check()
        return bump_image_tag.run(inputs, Context(step, self._run, SystemClock())).commit_sha

    def wait(self, step: Step, name: str, revision: str, **given: str) -> Outputs:
        """Wait as the action does; raises ActionError."""
        reader = InputReader(self._inputs(name, revision, given), mask=step.mask)
        inputs = argocd_wait.read(reader, self._run)
        reader.check()
        return argocd_wait.run(inputs, Context(step, self._run, SystemClock()))

    @property
    def _run(self) -> WorkflowRun:
        github = self.github.runner_environment
        return WorkflowRun(
            repository=BACKEND,
            server_url=github["GITHUB_SERVER_URL"],
            api_url=github["GITHUB_API_URL"],
            temporary=self._processes.folder,
        )

    def _inputs(self, name: str, revision: str, given: Mapping[str, str]) -> dict[str, str]:
        usual = {
            "server": self.argocd.url,
            "token": self.argocd.token,
            "application": name,
            "revision": revision,
            "deployment-token": self.github.tokens.developer,
            "settle": "2",
            "timeout": "150",
        }
        return {**usual, **{key.replace("_", "-"): value for key, value in given.items()}}

    def description(self) -> dict[str, Any]:
        """Addresses and tokens."""
        return {
            "argocd": self.argocd.url,
            "token": self.argocd.token,
            "kubeconfig": str(self.cluster.kubeconfig),
            "github": self.github.description(),
        }


def _chart(name: str, tag: str, extra: Mapping[str, str] | None) -> dict[str, str]:
    return {
        "Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: 0.1.0\n",
        "values.yaml": f"tag: {tag}\n",
        "templates/deployment.yaml": DEPLOYMENT_TEMPLATE.replace("NAME", name),
        **(extra or {}),
    }
