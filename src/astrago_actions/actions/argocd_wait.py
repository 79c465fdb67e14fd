"""argocd-wait: done means that this change is live and healthy; a failure explains itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from astrago_actions.actions.argocd_wait_inputs import Inputs, RollbackPlace, read
from astrago_actions.actions.argocd_wait_report import (
    Outputs,
    Reporter,
    explain,
    failed,
    failure_of,
    nowhere_wanted,
    outputs_of,
    page_of,
    passage_of,
    summary,
)
from astrago_actions.actions.argocd_wait_start import Start, add_children, make_watches
from astrago_actions.clients.ancestry import Compare
from astrago_actions.clients.argocd_evidence import gather
from astrago_actions.clients.argocd_follow import follow
from astrago_actions.clients.argocd_inquiry import Background, in_thread
from astrago_actions.clients.argocd_stream import EventStream
from astrago_actions.clients.argocd_watch import Watch
from astrago_actions.context import Context
from astrago_actions.domain.image_families import unclaimed
from astrago_actions.domain.rollout.report import Evidence
from astrago_actions.domain.rollout.result import worst
from astrago_actions.domain.stages import Stage
from astrago_actions.errors import ActionError
from astrago_actions.step import named_outputs

__all__ = ["Inputs", "Outputs", "read", "run"]

HEARTBEAT_SECONDS = 30.0
# Failures of the change itself; of others nothing is known that a rollback would mend.
TAKEN_BACK = frozenset({"sync-failed", "manifest-error", "unhealthy", "timeout"})


def run(inputs: Inputs, context: Context) -> Outputs:
    """Wait until the change is live in every application; raises ActionError when it is not."""
    return wait(inputs, context, in_thread)


def wait(
    inputs: Inputs, context: Context, background: Background, compare: Compare | None = None
) -> Outputs:
    """`run` with a choice of how calls that may block are made, and of who knows ancestry."""

    def wait_for(change: Inputs, context: Context) -> Outputs:
        return _wait(Start(change, context, background, compare))

    try:
        return wait_for(inputs, context)
    except ActionError as error:
        if inputs.rollback is None or error.outputs.get("result") not in TAKEN_BACK:
            raise
        raise _after_rollback(inputs, inputs.rollback, context, error, wait_for) from error


def _after_rollback(
    inputs: Inputs,
    place: RollbackPlace,
    context: Context,
    error: ActionError,
    wait_for: Callable[[Inputs, Context], Outputs],
) -> ActionError:
    """The same failure, with what became of the rollback; the step fails all the same."""
    from astrago_actions.actions.argocd_wait_rollback import change_before, take_back

    context.step.warning("The change failed and is taken back", error.title)
    try:
        with context.stage("rollback"):
            commit = take_back(place, inputs.revision, context)
            if commit is None:
                return error.extended("Nothing was put back: newer tags are there already.")
            context.step.info(f"The tags before it are back as {commit.sha}: {commit.url}")
            error.outputs = {**error.outputs, "rollback-commit": commit.sha}
            before = change_before(inputs, commit, error, context.step)
            ended = wait_for(before, replace(context, stages=[]))
    except ActionError as second:
        result = second.outputs.get("result", "")
        error.outputs = {**error.outputs, "rollback-result": result}
        return error.extended(f"The rollback did not succeed either: {second}")
    error.outputs = {**error.outputs, "rollback-result": ended.result}
    if ended.result == "superseded":
        return error.extended(f"A newer commit replaced the tags before it ({commit.sha[:8]}).")
    return error.extended(f"The tags before it are live and healthy again ({commit.sha[:8]}).")


def _wait(start: Start) -> Outputs:
    began_wall = start.context.clock.now()
    if start.inputs.insecure:
        said = "Everybody between this runner and Argo CD can read the token and change answers."
        start.context.step.warning("The certificate of Argo CD is not checked", said)
    watches = make_watches(start)
    try:
        _follow(start, watches)
    finally:
        _record_stages(start.context, watches, began_wall)
    return _conclude(start, watches, began_wall)


def _follow(start: Start, watches: list[Watch]) -> None:
    """Look until every verdict is final, saying what changes."""
    inputs, context = start.inputs, start.context
    reporter = Reporter(context, inputs.server, start.began)
    reporter.begin(watches, inputs.graces.timeout)
    stream = EventStream(start.server, [each.place for each in watches], start.bell)
    if inputs.event_stream:
        stream.start()
    looks = follow(
        watches,
        context.clock,
        start.bell,
        began=start.began,
        stream_lives=stream.tells_of,
        beat_seconds=HEARTBEAT_SECONDS,
    )
    try:
        for looked_at in looks:
            if looked_at is None:
                reporter.beat(watches, inputs.graces.timeout)
                continue
            reporter.tell(looked_at, alone=len(watches) == 1)
            if inputs.children:
                add_children(start, watches, looked_at)
    except KeyboardInterrupt:
        reporter.cancelled(watches)
        raise
    finally:
        stream.stop()


def _conclude(start: Start, watches: Sequence[Watch], began_wall: float) -> Outputs:
    """Report; raise for the failure that counts when there is one."""
    inputs, context = start.inputs, start.context
    strict = inputs.fail_when_superseded
    losers = [each for each in watches if failed(each, fail_when_superseded=strict)]
    evidence = [gather(start.server, each, page_of(inputs.server, each)) for each in losers]
    _name_superseders(start, watches)
    ended_at = context.clock.monotonic() - start.began
    context.step.summary(summary(watches, evidence, inputs.server, ended_at))
    outputs = outputs_of(watches, inputs.server, began_wall)
    for each in evidence:
        explain(context, each)
    if evidence:
        raise _failure(context, evidence, outputs, inputs)
    desired = [each.workload.desired_images if each.workload else None for each in watches]
    lost = unclaimed(inputs.images, desired) if outputs.result != "superseded" else ()
    if lost:
        raise nowhere_wanted(lost, inputs.server, named_outputs(outputs))
    return outputs


def _name_superseders(start: Start, watches: Sequence[Watch]) -> None:
    """Say who replaced our change and with what."""
    for watch in watches:
        newer = watch.verdict.superseded_by
        if newer:
            revisions = watch.application.revisions if watch.application else ()
            source = revisions.index(newer) if newer in revisions else 0
            who = start.server.author(watch.place, newer, source)
            said = f"{watch.verdict.headline}{f' ({who})' if who else ''}"
            start.context.step.notice(f"{watch.place.name} is superseded", said)


def _failure(
    context: Context, evidence: Sequence[Evidence], outputs: Outputs, inputs: Inputs
) -> ActionError:
    """The error of the worst application; the others get an annotation of their own here."""
    result = worst(each.verdict.result for each in evidence)
    leading = next(each for each in evidence if each.verdict.result == result)
    strict = inputs.fail_when_superseded
    for each in evidence:
        if each is not leading:
            context.step.failure(failure_of(each, fail_when_superseded=strict))
    error = failure_of(leading, fail_when_superseded=strict)
    error.outputs = named_outputs(outputs)
    return error


def _record_stages(context: Context, watches: Sequence[Watch], began_wall: float) -> None:
    """The stages of the application that took longest, for pipeline-metrics."""
    if not watches:
        return
    ended_at = context.clock.now() - began_wall
    passages = [passage_of(watch, ended_at) for watch in watches]
    slowest = max(passages, key=lambda each: each.stages[-1][2])
    for name, begin, end, went_well in slowest.stages:
        result = "success" if went_well else _ending(watches)
        context.stages.append(Stage(name, began_wall + begin, began_wall + end, result))


def _ending(watches: Sequence[Watch]) -> str:
    """How a stage ended that did not succeed: cancelled where some verdict was not reached."""
    return "failure" if all(each.verdict.final for each in watches) else "cancelled"
