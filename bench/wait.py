"""How soon argocd-wait notices, how much it asks, and what it takes for many applications.

`python -m bench.wait` runs the action against the sandbox's Argo CD on loopback and prints

- the time from the server's own healthy event to the action's return (settle 0), with the event
  stream and by polling alone;
- the requests a minute while a long rollout is waited for, in virtual time;
- memory and requests for 50 applications in one process;
- how the situations end in which other ways of waiting go wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from astrago_actions.actions import argocd_wait
from astrago_actions.clients.argocd_inquiry import in_thread
from astrago_actions.clock import Clock, SystemClock
from astrago_actions.context import Context
from astrago_actions.errors import ActionError
from astrago_actions.inputs import InputReader
from astrago_actions.sandbox.argocd import ArgoCD
from astrago_actions.sandbox.argocd.application import ApplicationState
from astrago_actions.sandbox.argocd.memory import MemoryGit, MemoryRegistry
from astrago_actions.sandbox.server import (
    Fault,
    LoopbackServer,
    Request,
    Response,
    json_response,
)
from astrago_actions.sandbox.virtual_clock import VirtualClock
from astrago_actions.workflow_run import WorkflowRun

REPOSITORY, BRANCH, TOKEN = "xiilab/astrago-deployment", "stabilize/1.0", "token-of-the-bench"
OLD, NEW, NEWER = "11111111", "22222222", "33333333"
GOALS = {"stream": 1.0, "polling": 2.5}
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  template:
    spec:
      containers:
        - {name: main, image: "ghcr.io/xiilab/web:web-stage-{{ .Values.tag }}"}
"""
CHART = {"charts/web/Chart.yaml": "name: web\n", "charts/web/templates/web.yaml": TEMPLATE}


class Silence:
    """A step that prints nothing."""

    def __getattr__(self, _: str) -> Callable[..., Silence]:
        return lambda *_a, **_k: self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class Comparisons:
    """GitHub's comparison of two commits, served from the sandbox's git."""

    def __init__(self, git: MemoryGit) -> None:
        self._git = git

    def respond(self, request: Request) -> Response:
        """Answer `GET /repos/{owner}/{name}/compare/{base}...{head}`."""
        base, _, head = request.path.rpartition("/compare/")[2].partition("...")
        return json_response(200, {"status": self._git.compare(base, head)})


class Sandbox:
    """An Argo CD with applications of one chart; use as a context manager."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.git = MemoryGit()
        self.registry = MemoryRegistry()
        self.argocd = ArgoCD(self.git, self.registry, clock)
        self.argocd.add_token(TOKEN)
        self.server = LoopbackServer(self.argocd)
        self.commit(OLD, CHART)

    def __enter__(self) -> Sandbox:
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()

    def commit(self, tag: str, more: dict[str, str] | None = None) -> str:
        """Set the tag of all applications."""
        values = {"charts/web/values.yaml": f"tag: '{tag}'\n"}
        return self.git.commit(REPOSITORY, BRANCH, {**values, **(more or {})})

    def add(self, name: str, **behaviour: Any) -> None:
        """An application that has been running the old tag for long."""
        source = {
            "repoURL": f"https://github.com/{REPOSITORY}.git",
            "path": "charts/web",
            "targetRevision": BRANCH,
        }
        spec = {
            "source": source,
            "destination": {"namespace": name},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        }
        self.argocd.add_application({"metadata": {"name": name}, "spec": spec}, **behaviour)

    def wait(self, revision: str, **given: str) -> argocd_wait.Outputs:
        """Run the action; raises ActionError."""
        usual = {
            "server": self.server.url,
            "token": TOKEN,
            "application": "web",
            "revision": revision,
            "images": f"ghcr.io/xiilab/web:web-stage-{NEW}",
            "settle": "0",
        }
        reader = InputReader({**usual, **{key.replace("_", "-"): v for key, v in given.items()}})
        inputs = argocd_wait.read(reader, WorkflowRun())
        reader.check()
        context = Context(Silence(), WorkflowRun(), self.clock)  # type: ignore[arg-type] # says less
        virtual = isinstance(self.clock, VirtualClock)
        hangs = any(
            each.behaviour.refresh_hangs for each in self.argocd.fleet.applications.values()
        )
        background = (lambda task: task()) if virtual and not hangs else in_thread
        return argocd_wait.wait(inputs, context, background, self.git.compare)


def measure_notice(runs: int, *, stream: bool) -> list[float]:
    """Seconds from the server's healthy event to the action's return, for each application."""
    sandbox = Sandbox(SystemClock())
    healthy: dict[str, float] = {}
    ours = ""

    def note(application: ApplicationState) -> None:
        comparison = application.comparison
        live = comparison.revisions == (ours,) and comparison.sync["status"] == "Synced"
        if live and comparison.health["status"] == "Healthy" and application.cluster.pods():
            healthy.setdefault(application.name, sandbox.argocd.agenda.moment)

    names = [f"web-{number}" for number in range(runs)]
    for name in names:
        sandbox.add(name, rollout_seconds=random.uniform(4, 12))
    ours = sandbox.commit(NEW)
    sandbox.argocd.on_change(note)
    took: list[float] = []

    def wait(name: str) -> None:
        sandbox.wait(ours, application=name, event_stream=str(stream).lower())
        took.append(time.monotonic() - healthy[name])

    with sandbox, ThreadPoolExecutor(runs) as pool:
        list(pool.map(wait, names))
    return took


def requests_a_minute(minutes: int) -> tuple[float, Counter[str]]:
    """Requests a minute while a rollout takes `minutes`, and which they are."""
    with Sandbox(VirtualClock()) as sandbox:
        sandbox.add("web", rollout_seconds=minutes * 60.0, progress_deadline_seconds=36_000.0)
        sandbox.wait(sandbox.commit(NEW), event_stream="false", timeout="2h")
        sent = Counter(_kind(each.request) for each in sandbox.server.exchanges)
        took = sandbox.clock.monotonic() / 60
    return sum(sent.values()) / took, sent


def _kind(request: Request) -> str:
    """What a request asks for, whichever application it is about."""
    if request.path.startswith("/api/v1/stream/"):
        return "event stream"
    if "refresh" in request.query:
        return "refresh"
    if not request.path.startswith("/api/v1/applications/"):
        return request.path.rpartition("/")[2]
    return request.path.removeprefix("/api/v1/applications/").partition("/")[2] or "document"


def many_applications(count: int) -> str:
    """Memory and requests of one process that waits for many applications at once."""
    with Sandbox(SystemClock()) as sandbox, LoopbackServer(Comparisons(sandbox.git)) as github:
        for number in range(count):
            sandbox.add(f"web-{number}", rollout_seconds=10.0)
        ours = sandbox.commit(NEW)
        arguments = ["--child", sandbox.server.url, github.url, ours, str(count)]
        command = [sys.executable, "-m", "bench.wait", *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        sent = Counter(_kind(each.request) for each in sandbox.server.exchanges)
        comparisons = len(github.exchanges)
    told = json.loads(done.stdout)
    streams = sent.pop("event stream")
    once = {kind: sent.pop(kind) for kind in ("version", "userinfo") if kind in sent}
    in_all = sum(sent.values())
    return (
        f"{told['result']} in {told['seconds']:.1f} s, {told['megabytes']:.0f} MB, "
        f"{in_all / told['looks']:.2f} requests per application and look (goals: 60 MB, 1.00)\n"
        f"  {in_all / count:.1f} requests for each application: {in_all} in {told['looks']} looks "
        f"({_listed(sent)})\n"
        f"  beside them once for all: {_listed(once)}; event streams {streams}; "
        f"comparisons at GitHub {comparisons}"
    )


def _listed(counts: Mapping[str, int]) -> str:
    ordered = sorted(counts.items(), key=lambda each: -each[1])
    return ", ".join(f"{kind} {count}" for kind, count in ordered)


def child(url: str, github: str, revision: str, count: str) -> None:
    """The process that is measured: the action as a step runs it."""
    names = ",".join(f"web-{number}" for number in range(int(count)))
    given = {
        "server": url,
        "token": TOKEN,
        "application": names,
        "revision": revision,
        "settle": "0",
        "images": f"ghcr.io/xiilab/web:web-stage-{NEW}",
    }
    reader = InputReader(given)
    run = WorkflowRun(api_url=github)
    inputs = argocd_wait.read(reader, run)
    reader.check()
    began = time.monotonic()
    outputs = argocd_wait.run(inputs, Context(Silence(), run, SystemClock()))  # type: ignore[arg-type] # says less
    told = {
        "result": outputs.result,
        "seconds": time.monotonic() - began,
        "megabytes": _peak_megabytes(),
        "looks": sum(int(str(each["looks"])) for each in outputs.applications),
    }
    print(json.dumps(told))


def _peak_megabytes() -> float:
    """Linux gives kilobytes; what the parent had before `exec` is not counted by VmHWM."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@dataclass(frozen=True)
class Situation:
    """Something in which other ways of waiting go wrong: how to make it, how it has to end."""

    name: str
    expected: str
    prepare: Callable[[Sandbox], str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    virtual: bool = True


def _stale(sandbox: Sandbox) -> str:
    sandbox.add("web", poll_seconds=10_000.0)
    return sandbox.commit(NEW)


def _superseded(sandbox: Sandbox) -> str:
    sandbox.add("web")
    ours = sandbox.commit(NEW)
    sandbox.commit(NEWER)
    return ours


def _rewritten(sandbox: Sandbox) -> str:
    sandbox.add("web")
    before = sandbox.git.head(REPOSITORY, BRANCH)
    ours = sandbox.commit(NEW)
    values = {"charts/web/values.yaml": f"tag: '{NEWER}'\n"}
    sandbox.git.rewrite(REPOSITORY, BRANCH, before, values)
    return ours


def _slow(sandbox: Sandbox) -> str:
    sandbox.add("web", rollout_seconds=120.0)
    sandbox.argocd.add_user("ci", "password", session_seconds=30.0)
    sandbox.argocd.add_token("short", seconds=30.0)
    return sandbox.commit(NEW)


def _cut_stream(sandbox: Sandbox) -> str:
    fault = Fault("cut", path=".*/stream/.*", seconds=3.0, times=None)
    sandbox.server.faults.add(fault)
    sandbox.add("web", rollout_seconds=8.0)
    return sandbox.commit(NEW)


def _hanging_refresh(sandbox: Sandbox) -> str:
    sandbox.add("web", poll_seconds=100.0, refresh_hangs=True)
    return sandbox.commit(NEW)


def _errors(sandbox: Sandbox) -> str:
    sandbox.add("web")
    if isinstance(sandbox.clock, VirtualClock):
        fault = Fault("status", path="/api/v1/.*", status=503, times=None)
        sandbox.clock.at(1.0, lambda: sandbox.server.faults.add(fault))
        sandbox.clock.at(121.0, sandbox.server.faults.clear)
    return sandbox.commit(NEW)


PASSWORD = {"token": "", "username": "ci", "password": "password"}
SITUATIONS = (
    Situation("healthy on the old commit at the start", "deployed", _stale),
    Situation("a newer commit replaced our tag", "superseded", _superseded),
    Situation("the branch was rewritten without our commit", "rewritten", _rewritten),
    Situation("the session ends in mid-wait, with a password", "deployed", _slow, PASSWORD),
    Situation("the token ends in mid-wait", "auth", _slow, {"token": "short"}),
    Situation("the event stream is cut every 3 s", "deployed", _cut_stream, virtual=False),
    Situation("the refresh is never answered", "deployed", _hanging_refresh),
    Situation("server errors for two minutes", "deployed", _errors),
)


def end_of(situation: Situation) -> tuple[str, float]:
    """The result, and after how many (virtual) seconds it came."""
    with Sandbox(VirtualClock() if situation.virtual else SystemClock()) as sandbox:
        ours = situation.prepare(sandbox)
        began = sandbox.clock.monotonic()
        stream = "false" if situation.virtual else "true"
        given = {"event_stream": stream, **situation.inputs}
        try:
            result = sandbox.wait(ours, **given).result
        except ActionError as error:
            result = str(error.outputs["result"])
        return result, sandbox.clock.monotonic() - began


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--child", nargs=4, default=None, help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    for name, stream in (("stream", True), ("polling", False)):
        took = measure_notice(given.runs, stream=stream)
        print(
            f"healthy to return, {name:8} median {statistics.median(took):.2f} s, "
            f"worst {max(took):.2f} s of {len(took)} (goal {GOALS[name]} s)"
        )
    rate, sent = requests_a_minute(10)
    print(f"requests during a rollout of 10 min: {rate:.1f} a minute ({_listed(sent)})")
    print(f"50 applications: {many_applications(50)}")
    for situation in SITUATIONS:
        result, seconds = end_of(situation)
        verdict = "as it should" if result == situation.expected else f"NOT {situation.expected}"
        print(f"{situation.name:46} {result:11} after {seconds:5.1f} s, {verdict}")


if __name__ == "__main__":
    main()
