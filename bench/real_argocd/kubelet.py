"""One node that runs no containers: it reports pods as a kubelet would, by words in their tags.

| tag holds | the pod |
|---|---|
| `missing` | cannot pull its image |
| `crash` | ends soon after each start |
| `config` | asks for a ConfigMap that is not there |
| `unready` | runs and never becomes ready |
| `fails` | ends with exit code 1 (of Jobs) |
| `job` | ends with exit code 0 |
| anything else | runs and is ready after a second |
"""

from __future__ import annotations

import ssl
import subprocess
import threading
import time
from contextlib import suppress
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from bench.real_argocd.cluster import Cluster

NODE = "node-1"
_LOOK_EVERY = 0.3
_START_SECONDS = 1.0
_CRASH_EVERY = 6.0
LOG = ("starting", "cannot connect to the database", "giving up")


class Kubelet:
    """Binds pods to its node, reports on them, and serves their logs."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self._cluster = cluster
        self._stopped = threading.Event()
        self._server = _log_server(folder)
        self._steps: dict[str, int] = {}

    def start(self) -> None:
        """Join the cluster and look after its pods from a thread."""
        self._cluster.create("/api/v1/nodes", {"metadata": {"name": NODE}})
        port = self._server.server_address[1]
        self._cluster.patch(
            f"/api/v1/nodes/{NODE}/status",
            {
                "status": {
                    "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
                    "conditions": [{"type": "Ready", "status": "True"}],
                }
            },
        )
        self._cluster.patch(f"/api/v1/nodes/{NODE}", {"spec": {"taints": None}})
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        threading.Thread(target=self._run, daemon=True).start()

    def stop(self) -> None:
        """Look after nothing any more."""
        self._stopped.set()
        self._server.shutdown()

    def _run(self) -> None:
        while not self._stopped.wait(_LOOK_EVERY):
            with suppress(requests.RequestException):
                for pod in self._cluster.items("/api/v1/pods"):
                    self._look_after(pod)

    def _look_after(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if metadata.get("deletionTimestamp"):
            self._cluster.delete(path, gracePeriodSeconds=0)
        elif not pod["spec"].get("nodeName"):
            self._bind(pod, path)
        elif pod["status"].get("phase") in {"Pending", "Running"}:
            self._report(pod, path)

    def _bind(self, pod: dict[str, Any], path: str) -> None:
        if "unschedulable" in _image(pod).rpartition(":")[2]:
            said = "0/1 nodes are available: 1 Insufficient memory."
            condition = _condition("PodScheduled", "False", "Unschedulable", said)
            self._once(pod, 0, {"conditions": [condition]}, path)
            return
        target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
        self._cluster.create(
            f"{path}/binding", {"metadata": {"name": pod["metadata"]["name"]}, "target": target}
        )

    def _report(self, pod: dict[str, Any], path: str) -> None:
        age = time.time() - _seconds(pod["metadata"]["creationTimestamp"])
        if age < _START_SECONDS:
            self._once(pod, 0, _status(pod, _waiting("ContainerCreating")), path)
            return
        tag = _image(pod).rpartition(":")[2]
        if "missing" in tag:
            self._fail_to_pull(pod, path, age)
        elif "config" in tag:
            said = 'configmap "settings" not found'
            state = _waiting("CreateContainerConfigError", said)
            self._once(pod, 1, _status(pod, state), path, ("Failed", f"Error: {said}"))
        elif "crash" in tag:
            self._crash(pod, path, age)
        elif "fails" in tag or "job" in tag:
            self._end(pod, path, 1 if "fails" in tag else 0)
        else:
            ready = "unready" not in tag
            state = {"running": {"startedAt": _now()}}
            self._once(pod, 1, _status(pod, state, ready=ready, phase="Running"), path)

    def _fail_to_pull(self, pod: dict[str, Any], path: str, age: float) -> None:
        image = _image(pod)
        if int(age) % 20 < 5:
            said = (
                f'failed to pull and unpack image "{image}": failed to resolve reference '
                f'"{image}": {image}: not found'
            )
            happened = ("Failed", f'Failed to pull image "{image}": {said}')
            state = _waiting("ErrImagePull", said)
            self._once(pod, 1 + 2 * int(age // 20), _status(pod, state), path, happened)
        else:
            said = f'Back-off pulling image "{image}"'
            state = _waiting("ImagePullBackOff", said)
            step = 2 + 2 * int(age // 20)
            self._once(pod, step, _status(pod, state), path, ("BackOff", said))

    def _crash(self, pod: dict[str, Any], path: str, age: float) -> None:
        restarts = int(age // _CRASH_EVERY)
        ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": _now()}}
        said = f"back-off 10s restarting failed container=main pod={pod['metadata']['name']}"
        state = _waiting("CrashLoopBackOff", said) if restarts else ended
        status = _status(pod, state, phase="Running", restarts=restarts, last=ended)
        happened = ("BackOff", "Back-off restarting failed container main")
        self._once(pod, 1 + restarts, status, path, happened)

    def _end(self, pod: dict[str, Any], path: str, code: int) -> None:
        reason = "Error" if code else "Completed"
        state = {"terminated": {"exitCode": code, "reason": reason, "finishedAt": _now()}}
        phase = "Failed" if code else "Succeeded"
        self._once(pod, 9, _status(pod, state, phase=phase), path)

    def _once(
        self,
        pod: dict[str, Any],
        step: int,
        status: dict[str, Any],
        path: str,
        happened: tuple[str, str] | None = None,
    ) -> None:
        """Report a step of a pod's life when it is new, with an event where one is due."""
        uid = pod["metadata"]["uid"]
        if self._steps.get(uid) == step:
            return
        if self._cluster.patch(f"{path}/status", {"status": status}).ok:
            self._steps[uid] = step
            if happened is not None:
                self._tell(pod, *happened)

    def _tell(self, pod: dict[str, Any], reason: str, message: str) -> None:
        metadata, now = pod["metadata"], _now()
        involved = {"apiVersion": "v1", "kind": "Pod", "fieldPath": "spec.containers{main}"}
        involved |= {key: metadata[key] for key in ("name", "namespace", "uid")}
        event = {
            "metadata": {
                "generateName": f"{metadata['name']}.",
                "namespace": metadata["namespace"],
            },
            "type": "Warning",
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": "kubelet", "host": NODE},
            "involvedObject": involved,
        }
        self._cluster.create(f"/api/v1/namespaces/{metadata['namespace']}/events", event)


def _status(
    pod: dict[str, Any],
    state: dict[str, Any],
    *,
    ready: bool = False,
    phase: str = "Pending",
    restarts: int = 0,
    last: dict[str, Any] | None = None,
) -> dict[str, Any]:
    truth = "True" if ready else "False"
    container = {
        "name": pod["spec"]["containers"][0]["name"],
        "image": _image(pod),
        "imageID": "",
        "ready": ready,
        "restartCount": restarts,
        "state": state,
        "lastState": last or {},
    }
    return {
        "phase": phase,
        "hostIP": "127.0.0.1",
        "startTime": pod["metadata"]["creationTimestamp"],
        "containerStatuses": [container],
        "conditions": [
            _condition("PodScheduled", "True"),
            _condition("Initialized", "True"),
            _condition("ContainersReady", truth),
            _condition("Ready", truth),
        ],
    }


def _condition(kind: str, truth: str, reason: str = "", message: str = "") -> dict[str, Any]:
    found = {"type": kind, "status": truth, "lastTransitionTime": _now()}
    return found | ({"reason": reason, "message": message} if reason else {})


def _waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def _image(pod: dict[str, Any]) -> str:
    return str(pod["spec"]["containers"][0]["image"])


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class _Logs(BaseHTTPRequestHandler):
    """`GET /containerLogs/{namespace}/{pod}/{container}` of the kubelet's API."""

    def do_GET(self) -> None:
        query = parse_qs(urlsplit(self.path).query)
        lines = LOG[-int(query.get("tailLines", ["100"])[0]) :]
        stamps = "timestamps" in query
        body = "".join(f"{_now() + ' ' if stamps else ''}{line}\n" for line in lines).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the standard library names it so
        """Say nothing."""


def _log_server(folder: Path) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Logs)
    key, certificate = folder / "kubelet.key", folder / "kubelet.crt"
    how = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    where = ["-keyout", str(key), "-out", str(certificate), "-subj", f"/CN={NODE}"]
    subprocess.run(["openssl", "req", *how, *where], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server
