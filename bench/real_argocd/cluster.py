"""Kubernetes without nodes: etcd, the API server and its controllers, on loopback."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any

import requests
from urllib3 import disable_warnings
from urllib3.exceptions import InsecureRequestWarning

from bench.real_argocd.processes import Processes, free_port, wait_until

_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "statefulset-controller",
    "job-controller",
    "namespace-controller",
    "garbage-collector-controller",
)


class Cluster:
    """An API server and a token that may do everything."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._folder = processes.folder
        self._port = free_port()
        self._token = secrets.token_hex(16)
        self.url = f"https://127.0.0.1:{self._port}"
        self.kubeconfig = self._folder / "kubeconfig"
        self._session = requests.Session()
        # The environment's own authorities would be asked in spite of `verify`.
        self._session.trust_env = False
        self._session.verify = False
        self._session.headers["Authorization"] = f"Bearer {self._token}"
        disable_warnings(InsecureRequestWarning)

    def start(self) -> None:
        """Start all of it; returns when the API server is ready."""
        self.kubeconfig.write_text(json.dumps(self._configuration()))
        self._start_api_server(self._start_etcd())
        self._processes.start(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--leader-elect=false",
            f"--secure-port={free_port()}",
            "--bind-address=127.0.0.1",
            f"--cert-dir={self._folder}",
        )

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self._processes.start(
            "etcd",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )
        wait_until("etcd answers", lambda: requests.get(f"{client}/health", timeout=2).ok)
        return client

    def _start_api_server(self, etcd: str) -> None:
        key = self._folder / "accounts.key"
        subprocess.run(
            ["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True
        )
        tokens = self._folder / "tokens.csv"
        tokens.write_text(f'{self._token},admin,admin,"system:masters"\n')
        self._processes.start(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            f"--secure-port={self._port}",
            "--bind-address=127.0.0.1",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--cert-dir={self._folder}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=AlwaysAllow",
            # Pods need no identity here, and nothing makes the default service accounts.
            "--disable-admission-plugins=ServiceAccount",
            "--kubelet-preferred-address-types=InternalIP",
        )
        wait_until("Kubernetes is ready", lambda: self.get("/readyz").ok)

    def get(self, path: str, **query: str) -> requests.Response:
        """The answer to a GET."""
        return self._session.get(self.url + path, params=query, timeout=10)

    def items(self, path: str) -> list[dict[str, Any]]:
        """The objects of a list."""
        answer = self.get(path)
        answer.raise_for_status()
        return list(answer.json().get("items") or [])

    def create(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Create an object; an existing one stays as it is."""
        answer = self._session.post(self.url + path, json=body, timeout=30)
        if answer.status_code != 409 and not answer.ok:
            raise RuntimeError(f"POST {path}: {answer.status_code} {answer.text[:2000]}")
        return answer

    def patch(self, path: str, body: Any) -> requests.Response:
        """Merge into an object; None for a key removes it."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return self._session.patch(
            self.url + path, data=json.dumps(body), headers=headers, timeout=10
        )

    def delete(self, path: str, **options: Any) -> requests.Response:
        """Delete an object."""
        return self._session.delete(self.url + path, json=options or None, timeout=10)

    def namespace(self, name: str) -> None:
        """Make a namespace where there is none."""
        self.create("/api/v1/namespaces", {"metadata": {"name": name}})

    def _configuration(self) -> dict[str, Any]:
        here = {"server": self.url, "insecure-skip-tls-verify": True}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "here", "cluster": here}],
            "users": [{"name": "admin", "user": {"token": self._token}}],
            "contexts": [
                {
                    "name": "here",
                    "context": {"cluster": "here", "user": "admin", "namespace": "argocd"},
                }
            ],
        }


def read_manifest(path: Path) -> dict[str, Any]:
    """A manifest from a YAML file."""
    from ruamel.yaml import YAML

    found: dict[str, Any] = YAML(typ="safe", pure=True).load(path)
    return found
