"""Argo CD's three services and Redis beside a cluster, with an admin, a robot and two projects."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from bench.real_argocd.cluster import Cluster, read_manifest
from bench.real_argocd.processes import Processes, free_port, wait_until

NAMESPACE = "argocd"
PASSWORD = "a-password-for-the-tests"
# bcrypt of PASSWORD, so that nothing here needs a library for it.
_PASSWORD_HASH = "$2b$10$QVJ6iYodX40SHp5hml/a8u./hXfxUykOVuJuuES7fGRcZN0R3G6iS"
_RIGHTS = "g, ci, role:admin\np, reader, applications, get, */*, allow\n"
_SETTINGS = "/api/v1/namespaces/argocd/configmaps"
_PROGRAMS = {
    "argocd-repo-server": (),
    "argocd-application-controller": (),
    "argocd-server": ("--insecure", "--dex-server", "http://127.0.0.1:1"),
}


class RealArgoCD:
    """An Argo CD at `url`.

    `token` belongs to the account `ci`, which may do everything; `reader` may see applications,
    `nobody` may do nothing.
    """

    def __init__(self, processes: Processes, cluster: Cluster, manifests: Path) -> None:
        self._processes = processes
        self._cluster = cluster
        self._manifests = manifests
        self._ports = {name: free_port() for name in ("redis", *_PROGRAMS)}
        self.url = f"http://127.0.0.1:{self._ports['argocd-server']}"
        self.token = ""

    def start(self) -> None:
        """Install what Argo CD reads from the cluster, start it, and log in."""
        self._install()
        self._processes.start(
            "redis-server", "--port", str(self._ports["redis"]), "--bind", "127.0.0.1", "--save", ""
        )
        for name, options in _PROGRAMS.items():
            self._start_service(name, options)
        wait_until("Argo CD answers", lambda: requests.get(f"{self.url}/healthz", timeout=2).ok)
        self.token = self.new_token("ci")

    def log_in(self, username: str, password: str) -> str:
        """A session's token."""
        body = {"username": username, "password": password}
        answer = requests.post(f"{self.url}/api/v1/session", json=body, timeout=20)
        answer.raise_for_status()
        return str(answer.json()["token"])

    def new_token(self, account: str, seconds: int = 0) -> str:
        """A token of one of the accounts that is valid for so long, or for ever."""
        answer = requests.post(
            f"{self.url}/api/v1/account/{account}/token",
            json={"name": account, "expiresIn": seconds},
            headers={"Authorization": f"Bearer {self.log_in('admin', PASSWORD)}"},
            timeout=10,
        )
        answer.raise_for_status()
        return str(answer.json()["token"])

    def _start_service(self, name: str, options: tuple[str, ...]) -> None:
        address = ["--redis", f"127.0.0.1:{self._ports['redis']}"]
        if name != "argocd-repo-server":
            address += ["--repo-server", f"127.0.0.1:{self._ports['argocd-repo-server']}"]
            address += ["--kubeconfig", str(self._cluster.kubeconfig)]
        if name == "argocd-application-controller":
            address += ["--metrics-port", str(self._ports[name])]
        else:
            address += ["--port", str(self._ports[name]), "--metrics-port", str(free_port())]
        self._processes.start(name, *address, *options, environment=self._environment())

    def _environment(self) -> Mapping[str, str]:
        folder = self._processes.folder
        for each in ("tls", "ssh", "gpg", "plugins"):
            (folder / each).mkdir(exist_ok=True)
        return {
            "KUBECONFIG": str(self._cluster.kubeconfig),
            "ARGOCD_FAKE_IN_CLUSTER": "true",
            "ARGOCD_TLS_DATA_PATH": str(folder / "tls"),
            "ARGOCD_SSH_DATA_PATH": str(folder / "ssh"),
            "ARGOCD_GPG_ENABLED": "false",
            "ARGOCD_PLUGINSOCKFILEPATH": str(folder / "plugins"),
        }

    def _install(self) -> None:
        self._cluster.namespace(NAMESPACE)
        definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        for name in ("application", "appproject", "applicationset"):
            manifest = read_manifest(self._manifests / "crds" / f"{name}-crd.yaml")
            self._cluster.create(definitions, manifest)
        accounts = {f"accounts.{name}": "apiKey" for name in ("nobody", "reader")}
        accounts["accounts.ci"] = "apiKey, login"
        self._setting("argocd-cm", {**accounts, "timeout.reconciliation": "60s"})
        self._setting("argocd-rbac-cm", {"policy.csv": _RIGHTS})
        for name in ("cmd-params", "tls-certs", "ssh-known-hosts", "gpg-keys"):
            self._setting(f"argocd-{name}-cm", {})
        self._secret(
            "argocd-secret",
            {
                "server.secretkey": secrets.token_hex(16),
                "admin.password": _PASSWORD_HASH,
                "admin.passwordMtime": "2026-01-01T00:00:00Z",
                "accounts.ci.password": _PASSWORD_HASH,
                "accounts.ci.passwordMtime": "2026-01-01T00:00:00Z",
            },
        )
        ready = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects"
        wait_until("Argo CD's kinds are served", lambda: self._cluster.get(ready).ok)

    def _setting(self, name: str, content: Mapping[str, str]) -> None:
        labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
        body = {"metadata": {"name": name, "labels": labels}, "data": dict(content)}
        self._cluster.create(_SETTINGS, body)

    def _secret(
        self, name: str, content: Mapping[str, str], labels: Mapping[str, str] | None = None
    ) -> None:
        usual = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
        encoded = {key: base64.b64encode(text.encode()).decode() for key, text in content.items()}
        metadata = {"name": name, "labels": usual | dict(labels or {})}
        self._cluster.create(
            f"/api/v1/namespaces/{NAMESPACE}/secrets", {"metadata": metadata, "data": encoded}
        )

    def add_repository(self, url: str, password: str) -> None:
        """Let it read a git repository."""
        content = {"type": "git", "url": url, "username": "git", "password": password}
        labels = {"argocd.argoproj.io/secret-type": "repository"}
        self._secret(f"repository-{secrets.token_hex(4)}", content, labels)

    def add_project(self, name: str, **spec: Any) -> None:
        """A project that allows everything but what `spec` says."""
        anything: dict[str, Any] = {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
        }
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/appprojects"
        body = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {**anything, **spec},
        }
        self._cluster.create(path, body)

    def add_application(self, manifest: Mapping[str, Any]) -> None:
        """Make an Application."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications"
        usual = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"}
        self._cluster.create(path, {**usual, **manifest})

    def remove_application(self, name: str) -> None:
        """Delete an Application; its objects stay."""
        path = f"/apis/argoproj.io/v1alpha1/namespaces/{NAMESPACE}/applications/{name}"
        self._cluster.delete(path)

    def get(self, path: str, token: str = "", **query: str) -> requests.Response:
        """The answer to a GET, with `ci`'s token unless another is given."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return requests.get(self.url + path, params=query, headers=headers, timeout=60)
