"""`python -m bench.real_argocd.record FOLDER`: write down what a real Argo CD answers.

One file per answer, named for the situation; tests/contracts/argocd reads them.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from astrago_actions.clients.argocd_stream import FIELDS
from astrago_actions.sandbox.world import BRANCH
from bench.real_argocd.argocd import PASSWORD
from bench.real_argocd.processes import wait_until
from bench.real_argocd.world import HOOK, RealWorld

_TOKEN = re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_NEVER = "a.b.c"
_LISTED = "items.metadata.name,items.metadata.deletionTimestamp"
_EVENT_KEYS = ("resourceNamespace", "resourceName", "resourceUID")
_SUSPENDED = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  suspend: true
  schedule: "0 0 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: main, image: "ghcr.io/xiilab/nightly:v1-job"}]
"""


@dataclass
class Recorder:
    """Asks, and writes each answer to `folder`."""

    world: RealWorld
    folder: Path

    def __post_init__(self) -> None:
        """Learn which version answers."""
        version = requests.get(f"{self.world.argocd.url}/api/version", timeout=5).json()["Version"]
        self.version = str(version).partition("+")[0]

    def get(self, name: str, path: str, token: str = "", **query: str) -> requests.Response:
        """Record the answer to a GET."""
        return self.ask(name, "GET", path, token=token, query=query)

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        *,
        token: str = "",
        query: Mapping[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Record the answer to any request; `token` "-" sends none."""
        bearer = {"Authorization": f"Bearer {token or self.world.argocd.token}"}
        headers = {**({} if token == "-" else bearer), **options.pop("headers", {})}
        answer = requests.request(
            method,
            self.world.argocd.url + path,
            params=query,
            headers=headers,
            timeout=60,
            **options,
        )
        asked = {"method": method, "path": path, "query": dict(query or {})}
        asked |= {"body": options["json"]} if "json" in options else {}
        self._write(name, asked, answer, answer.content)
        return answer

    def stream(self, name: str, accept: str, query: Mapping[str, str]) -> None:
        """Record the first frame of the event stream."""
        path = "/api/v1/stream/applications"
        headers = {"Authorization": f"Bearer {self.world.argocd.token}", "Accept": accept}
        url, lines = self.world.argocd.url + path, []
        with requests.get(url, params=query, headers=headers, stream=True, timeout=60) as answer:
            for line in answer.iter_lines(chunk_size=1):
                lines.append(line)
                if line:
                    break
            asked = {"method": "GET", "path": path, "query": dict(query), "accept": accept}
            self._write(name, asked, answer, b"\n".join(lines) + b"\n")

    def _write(
        self, name: str, asked: Mapping[str, Any], answer: requests.Response, content: bytes
    ) -> None:
        record: dict[str, Any] = {
            "argocd": self.version,
            "request": asked,
            "status": answer.status_code,
            "content-type": answer.headers.get("Content-Type", ""),
        }
        try:
            record["body"] = _without_bookkeeping(json.loads(content))
        except ValueError:
            record["lines"] = content.decode().split("\n")
        text = json.dumps(record, indent=1, ensure_ascii=False)
        (self.folder / f"{name}.json").write_text(f"{_scrubbed(text)}\n", encoding="utf-8")


def _without_bookkeeping(value: Any) -> Any:
    """Without `managedFields`, which nobody reads and which are most of every live object."""
    if isinstance(value, dict):
        kept = {key: each for key, each in value.items() if key != "managedFields"}
        return {key: _without_bookkeeping(each) for key, each in kept.items()}
    if isinstance(value, list):
        return [_without_bookkeeping(each) for each in value]
    if isinstance(value, str) and value.startswith("{"):
        return json.dumps(_without_bookkeeping(json.loads(value)), separators=(",", ":"))
    return value


def _scrubbed(text: str) -> str:
    """Without tokens and the addresses of one run."""
    return _ADDRESS.sub("https://github.example.com", _TOKEN.sub("eyJ0.eyJ0.c2ln", text))


def _sessions(record: Recorder) -> None:
    """Who we are, and how it is told that we are nobody."""
    argocd, about = record.world.argocd, "/api/v1/session/userinfo"
    log_in = partial(record.ask, method="POST", path="/api/v1/session", token="-")
    record.get("version", "/api/version", token="-")
    record.get("userinfo", about)
    record.get("userinfo-of-nobody", about, token="-")
    record.get("userinfo-with-a-wrong-token", about, token=_NEVER)
    log_in("session", json={"username": "ci", "password": PASSWORD})
    log_in("session-refused", json={"username": "ci", "password": "wrong"})
    expired = argocd.new_token("ci", seconds=1)
    time.sleep(2)
    record.get("userinfo-with-an-expired-token", about, token=expired)
    record.get("refused-with-a-token-of-no-shape", "/api/v1/applications/web", token="nonsense")
    record.get("refused-without-a-token", "/api/v1/applications/web", token="-")
    record.get("refused-with-a-wrong-token", "/api/v1/applications/web", token=_NEVER)
    record.get("refused-with-an-expired-token", "/api/v1/applications/web", token=expired)


def _refusals(record: Recorder) -> None:
    """Ways of saying no."""
    path, nobody = "/api/v1/applications/web", record.world.argocd.new_token("nobody")
    record.get("missing-application", "/api/v1/applications/gone")
    record.get("missing-application-of-a-project", "/api/v1/applications/gone", project="default")
    record.get("application-of-another-project", path, project="other")
    record.get("hidden-application", path, token=nobody)
    record.get("hidden-application-of-a-project", path, token=nobody, project="default")
    record.get("hidden-list", "/api/v1/applications", token=nobody)
    record.get("unknown-path", f"{path}/no-such-call")
    record.get("events-of-nothing", f"{path}/events", resourceName="web")
    record.get("resource-of-nothing", f"{path}/resource", **_pod({"name": "gone"}))
    reader = record.world.argocd.new_token("reader")
    record.ask("sync-forbidden", "POST", f"{path}/sync", token=reader, json={"prune": True})
    record.get("logs-forbidden", f"{path}/logs", token=reader, podName="web", namespace="web")
    foreign = {"revision": "0" * 40}
    record.ask("sync-of-a-revision-refused", "POST", f"{path}/sync", json=foreign)
    as_json = {"Content-Type": "application/json"}
    record.ask("terminate-nothing", "DELETE", f"{path}/operation", headers=as_json)
    record.ask("no-content-type", "DELETE", f"{path}/operation")
    wrong = {"Content-Type": "application/json; charset=utf-8"}
    record.ask("wrong-content-type", "POST", f"{path}/sync", headers=wrong, data="{}")


def _healthy(record: Recorder) -> None:
    """An application that runs, and everything that is asked about it."""
    path = "/api/v1/applications/web"
    sha = record.get("application", path).json()["status"]["sync"]["revision"]
    record.get("list", "/api/v1/applications", selector="team=core", fields=_LISTED)
    record.get("list-of-nothing", "/api/v1/applications", selector="team=none", fields=_LISTED)
    record.get("tree", f"{path}/resource-tree")
    record.get("managed-resources", f"{path}/managed-resources")
    record.get("desired-images", f"{path}/managed-resources", fields="items.targetState")
    record.get("events", f"{path}/events")
    record.get("no-windows", f"{path}/syncwindows")
    record.get("revision-metadata", f"{path}/revisions/{sha}/metadata")
    record.get("revision-metadata-of-nothing", f"{path}/revisions/{'0' * 40}/metadata")
    record.stream("stream", "text/event-stream", {"name": "web", "fields": FIELDS})
    record.stream("stream-of-lines", "*/*", {"name": "web", "fields": FIELDS})
    record.stream("stream-of-whole-documents", "text/event-stream", {"name": "web"})


def _changes(record: Recorder) -> None:
    """A new commit: refresh, sync, rollout."""
    path = "/api/v1/applications/by-hand"
    record.get("application-out-of-sync", path, refresh="normal")
    record.ask("sync", "POST", f"{path}/sync", json={"prune": True, "project": "default"})
    record.ask("sync-while-one-runs", "POST", f"{path}/sync", json={"prune": True})
    record.get("application-syncing", path)
    wait_until("by-hand is live", lambda: record.world.is_live("by-hand"))
    record.get("application-synced-by-hand", path)


def _trouble(record: Recorder, name: str, reason: str, *, logs: bool) -> None:
    """A new pod that does not come up; it is looked at when its reason is `reason`."""
    path = f"/api/v1/applications/{name}"

    def pod() -> dict[str, Any]:
        tree = record.world.argocd.get(f"{path}/resource-tree").json()
        return next((each for each in tree["nodes"] if _has_reason(each, reason)), {})

    wait_until(f"{name} is in trouble", lambda: bool(pod()))
    found = pod()
    record.get(f"application-{name}", path)
    record.get(f"tree-{name}", f"{path}/resource-tree")
    record.get(f"pod-{name}", f"{path}/resource", **_pod(found))
    of_pod = {key: found.get(key.removeprefix("resource").lower(), "") for key in _EVENT_KEYS}
    record.get(f"events-{name}", f"{path}/events", **of_pod)
    if logs:
        asked = {"namespace": name, "podName": found["name"], "tailLines": "2"}
        record.get(f"logs-{name}", f"{path}/logs", **asked, previous="false")


def _has_reason(node: Mapping[str, Any], reason: str) -> bool:
    facts = {each["name"]: each.get("value") for each in node.get("info") or []}
    return node["kind"] == "Pod" and facts.get("Status Reason") == reason


def _pod(node: Mapping[str, Any]) -> dict[str, str]:
    place = {"namespace": node.get("namespace", "web"), "resourceName": node["name"]}
    return {**place, "version": "v1", "group": "", "kind": "Pod"}


def _settled(record: Recorder, name: str, *phases: str) -> None:
    """An application whose last operation ended like this."""
    path = f"/api/v1/applications/{name}"

    def phase() -> str:
        state = record.world.argocd.get(path).json().get("status", {}).get("operationState", {})
        return str(state.get("phase", ""))

    wait_until(f"{name} has failed", lambda: phase() in phases)
    record.get(f"application-{name}", path)
    record.get(f"tree-{name}", f"{path}/resource-tree")


def _deleting(record: Recorder) -> None:
    """An application that a finalizer keeps while it is being deleted."""
    objects = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web"
    record.world.cluster.patch(objects, {"metadata": {"finalizers": ["example.com/kept"]}})
    record.world.cluster.delete(objects)
    record.get("application-deleting", "/api/v1/applications/web")


def _prepare(world: RealWorld) -> None:
    """Applications in every situation that is recorded."""
    world.argocd.add_project("other")
    denied = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "applications": ["*"]}
    world.argocd.add_project("closed", syncWindows=[denied])
    world.argocd.add_project("narrow", sourceRepos=["https://github.com/xiilab/other"])
    world.deploy("web", "v1")
    world.begin("by-hand", "v1", syncPolicy={})
    world.begin("window", "v1", project="closed")
    world.begin("spec-error", "v1", project="narrow")
    for name, tag in {"no-image": "v2-missing", "crash-loop": "v2-crash"}.items():
        world.begin(name, tag)
    world.begin("no-node", "v2-unschedulable")
    once = {"automated": {}, "retry": {"limit": 0}}
    world.begin("failed-hook", "v1-fails", {"templates/hook.yaml": HOOK}, syncPolicy=once)
    unknown = {
        "templates/nothing.yaml": "apiVersion: x.example.com/v1\nkind: X\nmetadata: {name: x}\n"
    }
    world.begin("failed-sync", "v1", unknown, syncPolicy=once)
    world.begin("retrying", "v1", unknown, syncPolicy={"automated": {}})
    world.begin("suspended", "v1", {"templates/nightly.yaml": _SUSPENDED})
    world.begin("manifest-error", "v1", {"templates/fail.yaml": "{{ fail `no such key` }}\n"})
    chart: dict[str, Any] = {
        "repoURL": world.repository,
        "path": "two-sources",
        "targetRevision": BRANCH,
    }
    chart |= {"targetRevision": BRANCH, "helm": {"valueFiles": ["$values/two-sources/values.yaml"]}}
    values = {"repoURL": world.repository, "targetRevision": BRANCH, "ref": "values"}
    world.begin("two-sources", "v1", source=None, sources=[chart, values])


def main() -> None:
    """Bring everything up, and record into the given folder."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, RealWorld(Path(temporary)) as world:
        _prepare(world)
        record = Recorder(world, folder)
        _sessions(record)
        _healthy(record)
        _refusals(record)
        _changes(record)
        _trouble(record, "no-image", "ImagePullBackOff", logs=True)
        _trouble(record, "crash-loop", "CrashLoopBackOff", logs=True)
        _trouble(record, "no-node", "Pending", logs=False)
        _settled(record, "failed-hook", "Failed")
        _settled(record, "failed-sync", "Failed")
        _deleting(record)
        for name in (
            "suspended",
            "window",
            "spec-error",
            "manifest-error",
            "two-sources",
            "retrying",
        ):
            path = f"/api/v1/applications/{name}"
            record.get(f"application-{name}", path, refresh="normal")
        record.get("deny-window", "/api/v1/applications/window/syncwindows")
        record.ask("sync-in-a-window", "POST", "/api/v1/applications/window/sync", json={})


if __name__ == "__main__":
    main()
