"""What argocd-wait says: while it waits, in its outputs, and at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from astrago_actions.clients.argocd_watch import Watch
from astrago_actions.context import Context
from astrago_actions.domain.rollout.progress import changes, elapsed
from astrago_actions.domain.rollout.report import (
    Evidence,
    event_lines,
    facts,
    log_title,
    markdown,
)
from astrago_actions.domain.rollout.result import (
    EXIT_CODES,
    SUCCESSES,
    SUPERSEDED_EXIT_CODE,
    worst,
)
from astrago_actions.domain.rollout.values import Memory, Verdict
from astrago_actions.domain.rollout.words import short
from astrago_actions.domain.timeline import Passage, cell, gantt, seconds_text
from astrago_actions.errors import ActionError

_MARKS = {"deployed": "✅", "no-change": "✅", "superseded": "↪️"}


@dataclass(frozen=True)
class Outputs:
    """How the wait ended; times are ISO 8601, seconds count from the beginning of the wait."""

    result: str
    sync_status: str
    health_status: str
    revision: str
    synced_at: str
    healthy_at: str
    sync_seconds: str
    healthy_seconds: str
    url: str
    superseded_by: str
    applications: list[dict[str, object]]
    rollback_commit: str = ""
    rollback_result: str = ""


class Reporter:
    """Prints one line per change and a heartbeat; knows what was printed last."""

    def __init__(self, context: Context, server: str, began: float) -> None:
        self._context = context
        self._server = server
        self._began = began
        self._printed: dict[str, tuple[Verdict, Memory]] = {}
        self._notices: set[str] = set()

    def begin(self, watches: Sequence[Watch], timeout: float) -> None:
        """The links and the deadline, before anything is waited for."""
        for watch in watches:
            self._context.step.info(f"{watch.place.name}: {page_of(self._server, watch)}")
        self._context.step.info(f"Waiting for at most {elapsed(timeout)}.")

    def tell(self, watch: Watch, *, alone: bool) -> None:
        """Print what changed with this look."""
        nothing = Verdict("preflight", "not-looked-yet", ""), Memory()
        before, memory = self._printed.get(watch.place.name, nothing)
        if watch.verdict is before:
            return
        revision = ", ".join(watch.application.revisions) if watch.application else ""
        for line in changes(before, watch.verdict, memory, watch.memory, revision):
            self._line(line if alone else f"{watch.place.name}: {line}")
        self._printed[watch.place.name] = (watch.verdict, watch.memory)
        for notice in watch.verdict.notices:
            self._notice(watch.place.name, notice)
        if watch.ancestry_problem:
            self._notice("Ancestry cannot be checked", watch.ancestry_problem)

    def _notice(self, title: str, notice: str) -> None:
        if notice not in self._notices:
            self._notices.add(notice)
            self._context.step.notice(title, notice)

    def beat(self, watches: Sequence[Watch], timeout: float) -> None:
        """Name what is still being waited for, and how long at most."""
        left = max(0.0, timeout - self._elapsed)
        for watch in watches:
            if not watch.verdict.final:
                what = f"{watch.place.name}: {watch.verdict.headline}"
                self._line(f"still waiting ({elapsed(left)} left): {what}")

    def _line(self, text: str) -> None:
        self._context.step.info(f"[{elapsed(self._elapsed):>6}] {text}")

    def cancelled(self, watches: Sequence[Watch]) -> None:
        """Say where everything stands when the job is cancelled."""
        for watch in watches:
            if not watch.verdict.final:
                self._line(f"cancelled while {watch.place.name}: {watch.verdict.headline}")
                self._context.step.info(f"  {page_of(self._server, watch)}")

    @property
    def _elapsed(self) -> float:
        return self._context.clock.monotonic() - self._began


def page_of(server: str, watch: Watch) -> str:
    """The application's page in Argo CD."""
    namespace = watch.place.namespace or (watch.application.namespace if watch.application else "")
    return (
        f"{server}/applications/{namespace}/{watch.place.name}"
        if namespace
        else (f"{server}/applications/{watch.place.name}")
    )


def outputs_of(watches: Sequence[Watch], server: str, began_wall: float) -> Outputs:
    """The outputs: of the application whose result counts, with all of them in `applications`."""
    result = worst(watch.verdict.result for watch in watches)
    leading = next(watch for watch in watches if watch.verdict.result == result)
    application = leading.application
    synced = _latest([watch.memory.synced_at for watch in watches])
    healthy = _latest([watch.memory.healthy_at for watch in watches])
    return Outputs(
        result=result,
        sync_status=application.sync_status if application else "",
        health_status=application.health if application else "",
        revision=_revision(leading),
        synced_at=_moment(began_wall, synced),
        healthy_at=_moment(began_wall, healthy),
        sync_seconds=_number(synced),
        healthy_seconds=_number(healthy),
        url=page_of(server, leading),
        superseded_by=leading.verdict.superseded_by,
        applications=[_described(watch, server, began_wall) for watch in watches],
    )


def _described(watch: Watch, server: str, began_wall: float) -> dict[str, object]:
    application, memory = watch.application, watch.memory
    return {
        "application": watch.place.name,
        "result": watch.verdict.result,
        "reason": watch.verdict.row,
        "headline": watch.verdict.headline,
        "revision": _revision(watch),
        "sync-status": application.sync_status if application else "",
        "health-status": application.health if application else "",
        "images": list(_running(watch)),
        "synced-at": _moment(began_wall, memory.synced_at),
        "healthy-at": _moment(began_wall, memory.healthy_at),
        "sync-seconds": _number(memory.synced_at),
        "healthy-seconds": _number(memory.healthy_at),
        "superseded-by": watch.verdict.superseded_by,
        "looks": watch.looks,
        "url": page_of(server, watch),
    }


def _revision(watch: Watch) -> str:
    return ",".join(watch.application.revisions) if watch.application else ""


def _running(watch: Watch) -> tuple[str, ...]:
    pods = watch.workload.pods if watch.workload else None
    if pods is None:
        return watch.application.images if watch.application else ()
    return tuple(dict.fromkeys(i for pod in pods if not pod.terminating for i in pod.images))


def _latest(times: Sequence[float | None]) -> float | None:
    """The last of the times; None unless all are known."""
    known = [each for each in times if each is not None]
    return max(known) if known and len(known) == len(times) else None


def _moment(began_wall: float, after: float | None) -> str:
    if after is None:
        return ""
    moment = datetime.fromtimestamp(began_wall + after, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def passage_of(watch: Watch, ended_at: float) -> Passage:
    """The application's way through its stages."""
    memory = watch.memory
    return Passage(
        watch.place.name,
        watch.verdict.result,
        memory.seen_at,
        memory.synced_at,
        memory.healthy_at,
        ended_at,
    )


def summary(
    watches: Sequence[Watch], evidence: Sequence[Evidence], server: str, ended_at: float
) -> str:
    """The section of the job summary: table, timeline, and the report of each failure."""
    rows = "\n".join(_row(watch, server) for watch in watches)
    passages = [passage_of(watch, ended_at) for watch in watches]
    parts = [
        f"### Argo CD: {worst(watch.verdict.result for watch in watches)}",
        "",
        "| application | result | revision | images | in sync after | healthy after |",
        "|---|---|---|---|---|---|",
        rows,
        "",
        gantt(passages),
        "",
        *(markdown(each) for each in evidence),
    ]
    return "\n".join(parts)


def _row(watch: Watch, server: str) -> str:
    mark = _MARKS.get(watch.verdict.result, "❌")
    images = "<br>".join(cell(each) for each in _running(watch))
    return (
        f"| [{cell(watch.place.name)}]({page_of(server, watch)}) "
        f"| {mark} {watch.verdict.result}: {cell(watch.verdict.headline)} "
        f"| {cell(short(_revision(watch)))} | {images or '–'} "
        f"| {seconds_text(watch.memory.synced_at)} | {seconds_text(watch.memory.healthy_at)} |"
    )


def explain(context: Context, evidence: Evidence) -> None:
    """The report in the log: facts, the cluster's warnings, the last log lines."""
    step = context.step
    step.info(f"{evidence.target.application}: {evidence.verdict.headline}")
    for line in facts(evidence):
        step.info(f"  {line}")
    for line in event_lines(evidence):
        step.info(f"  {line}")
    if evidence.log:
        with step.group(log_title(evidence)):
            step.info("\n".join(evidence.log))
    step.info(f"  {evidence.url}")


def failure_of(evidence: Evidence, *, fail_when_superseded: bool = False) -> ActionError:
    """The error for one application, with its exit code."""
    verdict = evidence.verdict
    code = EXIT_CODES[verdict.result]
    if verdict.result == "superseded" and fail_when_superseded:
        code = SUPERSEDED_EXIT_CODE
    return ActionError(
        f"{evidence.target.application}: {verdict.headline}",
        "\n".join([*facts(evidence), *event_lines(evidence)]),
        verdict.remedy,
        link=evidence.url,
        exit_code=code,
    )


def nowhere_wanted(
    images: Sequence[str], server: str, outputs: Mapping[str, object]
) -> ActionError:
    """The error where every application is well, and none of them wants some of our images."""
    return ActionError(
        f"No application wants {', '.join(images)}",
        "Every application is in sync and healthy, but the manifests of none name these images.",
        "Check that the changed key is the one that the chart reads, and `application`.",
        link=server,
        exit_code=EXIT_CODES["manifest-error"],
        outputs={**outputs, "result": "manifest-error"},
    )


def failed(watch: Watch, *, fail_when_superseded: bool) -> bool:
    """Whether this application makes the step fail."""
    if watch.verdict.result == "superseded":
        return fail_when_superseded
    return watch.verdict.result not in SUCCESSES
