"""Workflows on this machine through act, the executor that needs neither GitHub nor Docker.

act's JSON log is read line by line into events, so that a person can watch a run and a test can
look at what its steps said. The raw log is kept nowhere: it holds secrets unmasked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from astrago_actions.errors import ActionError

LIBRARY = "xiilab/astrago-actions"

Kind = Literal["started", "finished", "printed", "annotated", "summary", "output", "job"]


@dataclass(frozen=True)
class WorkflowCall:
    """A workflow to run, and what GitHub would give it.

    `checkout` is the commit's work tree, `library` stands for `xiilab/astrago-actions@v1`, `state`
    keeps act's own files and `tool_cache` is the runner's folder for what jobs install.
    `environment` is what the runner would set (`GITHUB_API_URL`).
    """

    checkout: Path
    library: Path
    state: Path
    tool_cache: Path
    repository: str
    workflow: str = ".github/workflows/ci-cd.yml"
    event: str = "push"
    payload: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happened in a run at `moment` (seconds since the epoch).

    `step` is the step's id in its job, empty for the job itself. `name` is the step's, annotation's
    or output's name, `text` what was printed, annotated, summarised or output, `result` how a step
    or job ended.
    """

    kind: Kind
    job: str
    step: str
    moment: float
    name: str = ""
    text: str = ""
    result: str = ""


@dataclass(frozen=True)
class StepRecord:
    """A top-level step that ran; times are seconds since the epoch."""

    job: str
    step: str
    name: str
    result: str
    started_at: float
    finished_at: float
    log: str
    errors: tuple[str, ...]
    summary: str
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class WorkflowResult:
    """How a run ended; `trouble` is what act itself said when it could not go on."""

    succeeded: bool
    steps: tuple[StepRecord, ...]
    trouble: str
    started_at: float
    finished_at: float

    def step(self, name: str) -> StepRecord:
        """The one step with this id or name; raises KeyError when none ran."""
        for each in self.steps:
            if name in (each.step, each.name):
                return each
        raise KeyError(f"no step {name} ran; act said: {self.trouble}")

    @property
    def log(self) -> str:
        """Everything that all steps printed, annotations included."""
        return "\n".join(line for each in self.steps for line in (each.log, *each.errors))


def run_workflow(
    call: WorkflowCall, listen: Callable[[Event], None] = lambda _: None
) -> WorkflowResult:
    """Run the workflow to its end; `listen` hears every event as it happens."""
    started_at = time.time()
    events: list[Event] = []
    _prepare(call)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as trouble:
        with subprocess.Popen(
            _command(call),
            cwd=call.checkout,
            env=_process_environment(call),
            stdout=subprocess.PIPE,
            stderr=trouble,
            text=True,
            encoding="utf-8",
        ) as process:
            for event in read_events(process.stdout or ()):
                events.append(event)
                listen(event)
        trouble.seek(0)
        said = [line for line in trouble.read().splitlines() if not line.startswith("{")]
    return WorkflowResult(
        succeeded=process.returncode == 0,
        steps=tuple(step_records(events)),
        trouble="\n".join(said),
        started_at=started_at,
        finished_at=time.time(),
    )


def short_name(step: str) -> str:
    """`bump-image-tag` for `xiilab/astrago-actions/bump-image-tag@v1`; other names as they are."""
    return step.partition("@")[0].rpartition("/")[2] if "@" in step else step


def act_program() -> Path:
    """The act that was installed beside this interpreter; raises `ActionError` without one."""
    program = Path(sys.executable).parent / "act"
    if not program.is_file():
        raise ActionError(
            "act is missing",
            f"{program} runs the workflows, and is not there.",
            "Run `make demo`, which installs the locked development packages first.",
        )
    return program


def _prepare(call: WorkflowCall) -> None:
    """Write what act reads; JSON is YAML, so secrets need no quoting rules of their own.

    act fixes RUNNER_TOOL_CACHE to a folder of its own; a link lets jobs share one nevertheless.
    """
    own_tool_cache = call.state / ".cache" / "act" / "tool_cache"
    own_tool_cache.parent.mkdir(parents=True, exist_ok=True)
    call.tool_cache.mkdir(parents=True, exist_ok=True)
    if not own_tool_cache.exists():
        own_tool_cache.symlink_to(call.tool_cache)
    (call.state / "event.json").write_text(json.dumps(call.payload), encoding="utf-8")
    secrets = call.state / "secrets.yml"
    secrets.touch(mode=0o600)
    secrets.write_text(json.dumps(dict(call.secrets)), encoding="utf-8")


def _command(call: WorkflowCall) -> list[str]:
    """act's command line; secrets are in a file, since argv and environment reach every step."""
    return [
        *(str(act_program()), call.event, "--json", "--pull=false", "--no-cache-server"),
        *("--platform", "ubuntu-latest=-self-hosted"),
        *("--local-repository", f"{LIBRARY}@v1={call.library}"),
        *("--workflows", call.workflow, "--eventpath", str(call.state / "event.json")),
        *("--secret-file", str(call.state / "secrets.yml")),
        *("--env", f"GITHUB_REPOSITORY={call.repository}"),
        *(
            part
            for name, value in call.environment.items()
            for part in ("--env", f"{name}={value}")
        ),
        *(part for name, value in call.variables.items() for part in ("--var", f"{name}={value}")),
        *(part for name, value in call.inputs.items() for part in ("--input", f"{name}={value}")),
    ]


def _process_environment(call: WorkflowCall) -> dict[str, str]:
    passed = {
        name: os.environ[name] for name in ("PATH", "LANG", "DOCKER_HOST") if name in os.environ
    }
    return {**passed, "HOME": str(call.state)}


def read_events(lines: Iterable[str]) -> Iterator[Event]:
    """The events in act's JSON log; what a composite step's inner steps repeat is left out."""
    for line in lines:
        if not line.startswith("{"):
            continue
        entry = json.loads(line)
        event = _event(entry) if "job" in entry else None
        if event is not None:
            yield event


def _event(entry: Mapping[str, Any]) -> Event | None:
    path = [str(part) for part in entry.get("stepID") or ()]
    job, step, message = str(entry["job"]), path[0] if path else "", str(entry.get("msg", ""))

    def event(kind: Kind, name: str = "", text: str = "", result: str = "") -> Event:
        return Event(kind, job, step, time.time(), name, text, result)

    command = entry.get("command")
    if command in ("error", "warning", "notice"):
        title = str((entry.get("kvPairs") or {}).get("title", ""))
        return event("annotated", title, str(entry.get("arg", "")), str(command))
    if entry.get("raw_output"):
        return event("printed", text=message)
    if "jobResult" in entry:
        return event("job", result=str(entry["jobResult"]))
    if entry.get("stage") != "Main" or len(path) != 1:
        return None
    return _step_event(entry, event)


def _step_event(entry: Mapping[str, Any], event: Callable[..., Event]) -> Event | None:
    command, name = entry.get("command"), str(entry.get("step", ""))
    if command == "summary":
        return event("summary", text=str(entry.get("content", "")))
    if command == "set-output":
        return event("output", str(entry.get("name", "")), str(entry.get("arg", "")))
    if "stepResult" in entry:
        return event("finished", name, result=str(entry["stepResult"]))
    if str(entry.get("msg", "")).startswith("⭐ Run Main"):
        return event("started", name)
    return None


def step_records(events: Iterable[Event]) -> Iterator[StepRecord]:
    """The top-level steps in the order in which they ended."""
    open_steps: dict[tuple[str, str], list[Event]] = {}
    closed: dict[tuple[str, str], list[Event]] = {}
    for event in events:
        key = (event.job, event.step)
        open_steps.setdefault(key, []).append(event)
        if event.kind == "finished":
            closed[key] = open_steps[key]
    for said in closed.values():
        yield _record(said)


def _record(events: list[Event]) -> StepRecord:
    first = events[0]
    end = next(each for each in events if each.kind == "finished")
    return StepRecord(
        job=first.job,
        step=first.step,
        name=end.name,
        result=end.result,
        started_at=first.moment,
        finished_at=end.moment,
        log="".join(each.text for each in events if each.kind == "printed"),
        errors=tuple(
            f"{each.name}\n{each.text}"
            for each in events
            if each.kind == "annotated" and each.result == "error"
        ),
        summary="\n".join(each.text for each in events if each.kind == "summary"),
        outputs={each.name: each.text for each in events if each.kind == "output"},
    )
